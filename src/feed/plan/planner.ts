import { holdoutDomain } from '../../decide/holdout.ts'
import { NameLimit } from '../../decide/name-limit.ts'
import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import type { ManifestEntry } from '../../shards/manifest.ts'
import { type FeedSettings, type Mixture, stopsWhenDry } from '../options.ts'
import type { CutBlock, CutShard } from './blocks.ts'
import { type ControlEntry, checkControl, promotionsUpTo, type Settings, settingsAt } from './control.ts'
import { type Cursor, closeBlock, countPlanned, cutOf, type Domain, leaveUnplanned, take } from './domain.ts'
import { isPassedOver } from './fork.ts'
import { chargeShare, chooseShare, openShares, removeShare, type Share } from './mix.ts'
import { PassedOver } from './passed-over.ts'
import { readPromoted } from './promoted.ts'
import { type PlannedShard, type Promotion, plannedShard } from './promotion.ts'
import { type FedInStep, type LineForm, type OffMixture, type Step, StepSealer, type Total } from './step-lines.ts'

export interface PlanOptions extends Omit<FeedSettings, 'packing' | 'seed'>, LineForm {
  readonly blockSlotsMin?: number
  /** The feed's id, which the first step names as its predecessor. */
  readonly feed: string
}

/**
 * Plans steps from shards. It takes the next manifest entry only when the current step can't be filled from those before, so that steps
 * are a function of the manifest, the control entries and the options: a planner that starts again gives the same ones, at any time.
 * Before the manifest's end, a step waits for a domain that has nothing ready; after it, the dry policy decides. A step that can't be
 * filled is never cut short; `leftover` counts what stays.
 */
export class Planner {
  readonly #options: PlanOptions
  readonly #cutBlock: CutBlock
  readonly #dir: string
  readonly #domains = new Map<string, Domain>()
  /** Shards by the domain that they are of, which is not always the one that they are fed in. */
  readonly #shards = new Map<string, number>()
  /** A step names all domains of a mixture, so where all are mixed their number bounds the ledger's size. */
  #limit: NameLimit
  readonly #controls: ControlEntry[] = []
  #pending: PlannedShard[] = []
  #folded = 0
  /** The same after the last step: a step that was tried has taken more. */
  #foldedByStep = 0
  #promotion: Promotion | null = null
  #isEnding = false
  #isClosed = false
  #isTried = false
  #step = 0
  /** The place in the plan, which counts steps that forks pass over, too. */
  #position = 0
  #digest: string
  readonly #sealer: StepSealer
  readonly #passed = new PassedOver()
  #offMixture: OffMixture | null = null
  /** Tokens by which each domain of the last step is behind, those without a shard too: what they are owed is not forgotten. */
  #carries: ReadonlyMap<string, number> = new Map()

  /** `dir`: the feed's folder, where the shards of promotions are listed. */
  constructor(options: PlanOptions, cutBlock: CutBlock, dir = '') {
    this.#options = options
    this.#cutBlock = cutBlock
    this.#dir = dir
    this.#limit = this.#limitNames([])
    this.#digest = options.feed
    this.#sealer = new StepSealer(options)
  }

  /** Steps planned so far: the number of the next one. */
  get steps(): number {
    return this.#step
  }

  /**
   * The first step that a control entry may name. Not the next step once that was tried: entries were taken in for it under the old
   * settings, so that a planner that starts again would plan it from others.
   */
  get nextChangeable(): number {
    return this.#isTried ? this.#step + 1 : this.#step
  }

  /** Gives the next manifest entry, in the manifest's order. */
  add(entry: ManifestEntry): void {
    // A feed that was promoted goes on without what its own run has yet to give.
    if (this.#promotion) return
    if (this.#isEnding) throw new HeadraceError('corrupt', `shard ${entry.path} comes after the end of the manifest`)
    this.#pending.push(plannedShard(entry))
  }

  end(): void {
    this.#isEnding = true
  }

  control(entry: ControlEntry): void {
    checkControl(entry, this.nextChangeable)
    this.#controls.push(entry)
  }

  /** Whether the next step goes on with the shards of a promotion. */
  get isPromoted(): boolean {
    return promotionsUpTo(this.#position, this.#controls).length > 0
  }

  /** Where the mixture could not be kept, so far. */
  get offMixture(): OffMixture | null {
    return this.#offMixture
  }

  /** The shards of the blocks that steps so far have taken samples of, by the domain that they are fed in. */
  plannedShards(): ReadonlyMap<string, readonly CutShard[]> {
    const planned = Array.from(this.#domains.values(), domain => {
      const blocks = domain.blocks.slice(0, countPlanned(domain))
      return [domain.name, blocks.flatMap(({ shards }) => shards)] as const
    })
    return new Map(planned)
  }

  /** The next step, or null until more entries come; after the end, null for good. */
  async nextStep(): Promise<{ step: Step; line: string } | null> {
    this.#isTried = true
    await this.passOver()
    const filled = await this.#fillNext()
    return filled && this.#seal(filled)
  }

  /** Plans what is passed over before the next step, as far as there are entries for it. */
  async passOver(): Promise<void> {
    while (isPassedOver(this.#position, this.#controls)) {
      const filled = await this.#fillNext()
      if (!filled) return
      this.#passOver(filled)
    }
  }

  /**
   * What no step holds, by domain: `tokens` of the current pass, and `samples` of the block that is being fed (blocks after it are not
   * cut into samples yet).
   */
  async leftover(): Promise<Record<string, Total>> {
    const left = named<Total>()
    for (const { name, fed, open, cut } of [...this.#domains.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const cursor = { ...fed }
      const block = cut && (await this.#peek(name, cursor))
      const samples = block && cursor.epoch === fed.epoch ? block.length - cursor.at : 0
      const tokens = fed.ready + (open?.tokens ?? 0)
      if (tokens > 0) left[name] = { samples, tokens }
    }
    return left
  }

  /**
   * Goes on with another run's shards where a control entry says so. Blocks that steps have taken samples of stay, to their last sample;
   * all that lies behind them is left, also what a step took in that was tried and not filled. So what follows is a function of the steps.
   */
  async #promote(): Promise<void> {
    const promotion = promotionsUpTo(this.#position, this.#controls).at(-1)?.promote
    if (!promotion || promotion === this.#promotion) return
    this.#pending = await readPromoted(this.#dir, promotion)
    this.#promotion = promotion
    this.#folded = this.#foldedByStep
    this.#isEnding = true
    this.#isClosed = false
    for (const domain of this.#domains.values()) {
      leaveUnplanned(domain)
      if (domain.blocks.length === 0) this.#domains.delete(domain.name)
    }
    this.#limit = this.#limitNames(this.#domains.keys())
  }

  #limitNames(known: Iterable<string>): NameLimit {
    const domainsMax = this.#options.mixture ? Number.POSITIVE_INFINITY : limits.fedDomainsMax
    return new NameLimit(known, domainsMax, Number.POSITIVE_INFINITY)
  }

  /** What stands at this place of the plan; takes in as many entries as it needs. Null until more come. */
  async #fillNext(): Promise<Filled | null> {
    for (;;) {
      await this.#promote()
      const filled = await this.#fill(settingsAt(this.#position, this.#options, this.#controls))
      if (filled || !this.#fold()) return filled
    }
  }

  /** Takes the next entry in, or closes what is open at the end. False when there is nothing to take. */
  #fold(): boolean {
    const entry = this.#pending.shift()
    if (entry) {
      this.#folded++
      this.#addShard(entry)
      return true
    }
    if (!this.#isEnding || this.#isClosed) return false
    for (const domain of this.#domains.values()) closeBlock(domain)
    this.#isClosed = true
    return true
  }

  #addShard(entry: PlannedShard): void {
    this.#checkNumber(entry)
    const domain = this.#domainOf(this.#limit.of(entry.domain))
    domain.open ??= { shards: [], tokens: 0, firstSlot: entry.firstSlot }
    domain.open.shards.push(entry.shard)
    domain.open.tokens += entry.tokens
    for (const full of this.#fullBlocks(entry)) closeBlock(full)
  }

  /** Domains whose blocks close with a shard. Without a mixture all do together, so that what came at the same time is fed at the same time. */
  #fullBlocks({ lastSlot, closes }: PlannedShard): readonly Domain[] {
    const { blockTokens, blockSlotsMax, blockSlotsMin = 0, freshness = null, mixture } = this.#options
    const all = [...this.#domains.values()]
    if (closes && freshness !== null) return all
    const isFull = ({ open }: Domain) =>
      open !== null && (open.tokens >= blockTokens || lastSlot - open.firstSlot >= blockSlotsMax)
    if (mixture !== null) return all.filter(isFull)
    // Between two closing shards there are domains of which no shard is sealed yet. A promotion has no closing ones.
    const isWhole = freshness === null || this.#promotion !== null
    const first = Math.min(...all.map(({ open }) => open?.firstSlot ?? lastSlot))
    return isWhole && lastSlot - first >= blockSlotsMin && all.some(isFull) ? all : []
  }

  /** Of a promotion there are only the shards that have something to feed. */
  #checkNumber({ domain, number, shard }: PlannedShard): void {
    if (number === null) return
    const expected = this.#shards.get(domain) ?? 0
    if (number !== expected)
      throw new HeadraceError(
        'corrupt',
        `shard ${shard.path} follows shard ${expected - 1} of its domain in the manifest`,
      )
    this.#shards.set(domain, expected + 1)
  }

  #domainOf(name: string): Domain {
    let domain = this.#domains.get(name)
    if (domain) return domain
    const fed = { block: 0, at: 0, epoch: 0, ready: 0, samples: 0, tokens: 0 }
    domain = { name, fed, open: null, blocks: [], cut: null }
    this.#domains.set(name, domain)
    return domain
  }

  /** The samples of the next step, or null when they are not all there. Changes nothing: what it took is in the result. */
  async #fill(settings: Settings): Promise<Filled | null> {
    const cursors = new Map(Array.from(this.#domains.values(), ({ name, fed }) => [name, { ...fed }]))
    const shares = await this.#shares(settings, cursors)
    const mixture = Object.fromEntries(shares.map(share => [share.domain, share.weight]))
    const fed = named<FedInStep>()
    let stepTokens = 0
    for (let k = 0; k < settings.batch; ) {
      const share = chooseShare(shares, this.#options.length)
      if (!share) return null
      const cursor = cursors.get(share.domain)
      const tokens = cursor && (await this.#peek(share.domain, cursor))
      if (tokens) {
        const taken = tokens[cursor.at]
        chargeShare(shares, share, taken)
        take(this.#domains.get(share.domain)!, cursor, taken, (fed[share.domain] ??= { ranges: [], tokens: 0 }))
        stepTokens += taken
        k++
      } else if (this.#mustWait(settings)) return null
      else removeShare(shares, share)
    }
    return { settings, cursors, shares, mixture, fed, tokens: stepTokens }
  }

  /** Without a mixture a domain simply has nothing. With one, it is waited for until the end, and then as the policy says. */
  #mustWait(settings: Settings): boolean {
    return settings.mixture !== null && (!this.#isClosed || stopsWhenDry(this.#options.dry))
  }

  /** The shares at the start of a step. After the end, a domain that is dry already has none. */
  async #shares(settings: Settings, cursors: Map<string, Cursor>): Promise<Share[]> {
    const all = cursors.keys().filter(name => name !== holdoutDomain)
    const names = settings.mixture ? Object.keys(settings.mixture) : all
    const weights = named<number>()
    for (const name of names) {
      const cursor = cursors.get(name)
      const hasSample = cursor !== undefined && (await this.#peek(name, cursor)) !== null
      if (!hasSample && !this.#mustWait(settings)) continue
      weights[name] = settings.mixture ? settings.mixture[name] : cursor!.ready
    }
    return openShares(weights, this.#carries)
  }

  /** Tokens of each sample of the block where the cursor stands, moved to the next sample there is; null when there is none. */
  async #peek(name: string, cursor: Cursor): Promise<Int32Array | null> {
    const domain = this.#domains.get(name)!
    for (;;) {
      if (cursor.block === domain.blocks.length && !this.#repeats(domain, cursor)) return null
      const tokens = await this.#cut(domain, cursor)
      if (cursor.at < tokens.length) return tokens
      cursor.block++
      cursor.at = 0
    }
  }

  #repeats(domain: Domain, cursor: Cursor): boolean {
    const { dry, repeatMax } = this.#options
    const tokens = domain.blocks.reduce((sum, block) => sum + block.tokens, 0)
    if (!this.#isClosed || dry !== 'repeat' || cursor.epoch + 1 >= repeatMax || tokens === 0) return false
    Object.assign(cursor, { block: 0, at: 0, epoch: cursor.epoch + 1, ready: tokens })
    return true
  }

  async #cut(domain: Domain, { block, epoch }: Cursor): Promise<Int32Array> {
    const known = cutOf(domain, { block, epoch })
    if (known) return known.tokens
    const { shards } = domain.blocks[block]
    const cut = await this.#cutBlock({ domain: domain.name, number: block, epoch, shards })
    domain.cut = { block, epoch, ...cut }
    return cut.tokens
  }

  /** Goes on as if the step had been fed, so that those after it hold what they would hold then. */
  #passOver(filled: Filled): void {
    for (const [name, cursor] of filled.cursors) this.#passed.add(name, this.#domains.get(name)!.fed, cursor)
    this.#moveOn(filled)
  }

  #moveOn({ cursors, shares }: Filled): void {
    for (const [name, cursor] of cursors) this.#domains.get(name)!.fed = cursor
    this.#carries = new Map(shares.map(share => [share.domain, share.carry]))
    this.#position++
    this.#foldedByStep = this.#folded
  }

  #seal(filled: Filled): { step: Step; line: string } {
    const { settings, cursors, mixture, fed, tokens } = filled
    this.#moveOn(filled)
    if (!isKept(settings.mixture, filled.shares)) {
      const { step, tokens: before } = this.#offMixture ?? { step: this.#step, tokens: 0 }
      this.#offMixture = { step, tokens: before + tokens }
    }
    const sealed = this.#sealer.seal(fed, {
      step: this.#step,
      samples: settings.batch,
      tokens,
      mixture,
      carry: Object.fromEntries(this.#carries),
      totals: this.#passed.totals(cursors),
      manifest: this.#folded,
      control: settings.entries,
      previous: this.#digest,
    })
    this.#step++
    this.#isTried = false
    this.#digest = sealed.step.digest
    return sealed
  }
}

interface Filled {
  readonly settings: Settings
  readonly cursors: ReadonlyMap<string, Cursor>
  readonly shares: readonly Share[]
  readonly mixture: Record<string, number>
  readonly fed: Record<string, FedInStep>
  readonly tokens: number
}

/** Whether each domain of a mixture has its share to the step's last sample. */
function isKept(mixture: Mixture | null, shares: readonly Share[]): boolean {
  return mixture === null || Object.values(mixture).filter(weight => weight > 0).length === shares.length
}

/** An object that takes any name as a key, `__proto__` too. */
function named<T>(): Record<string, T> {
  return Object.create(null)
}
