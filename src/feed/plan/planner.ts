import { holdoutDomain } from '../../decide/holdout.ts'
import type { ManifestEntry } from '../../shards/manifest.ts'
import { type FeedSettings, type LaterSettings, type Mixture, type Replay, stopsWhenDry } from '../options.ts'
import { Assembly } from './assembly.ts'
import type { CutBlock, CutShard } from './blocks.ts'
import {
  type ControlEntry,
  changesSamples,
  checkControl,
  joinsUpTo,
  promotionsUpTo,
  type Settings,
  settingsAt,
} from './control.ts'
import {
  type Cursor,
  copyPlace,
  cutOf,
  type Domain,
  joinFed,
  keepCut,
  leaveBlock,
  leaveCut,
  type Place,
  type ReplayCursor,
  type SampleLength,
  take,
} from './domain.ts'
import { countPassedOver, isPassedOver } from './fork.ts'
import type { Join } from './join.ts'
import { chargeShare, chooseShare, openShares, removeShare, type Share, sumByDomain } from './mix.ts'
import { PassedOver } from './passed-over.ts'
import { beginReplay, countFedWhole } from './replay.ts'
import { readShardList } from './shard-list.ts'
import { type FedInStep, type LineForm, type OffMixture, type Step, StepSealer, type Total } from './step-lines.ts'

export interface PlanOptions extends Omit<FeedSettings, 'packing' | 'seed' | keyof LaterSettings>, LineForm {
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
  readonly #assembly: Assembly
  readonly #controls: ControlEntry[] = []
  /** How many entries were taken in by the last step: one that was tried has taken more. */
  #foldedByStep = 0
  #isTried = false
  #isSpent = false
  #step = 0
  /** Of all steps, without those that are passed over. */
  #tokens = 0
  /** The place in the plan, which counts steps that forks pass over, too. */
  #position = 0
  /** Of the samples of the last step that was tried. */
  #length: SampleLength
  #digest: string
  readonly #sealer: StepSealer
  readonly #passed = new PassedOver()
  readonly #joined = new Set<Join>()
  #offMixture: OffMixture | null = null
  /** Tokens by which each domain of the last step is behind, those without a shard too: what they are owed is not forgotten. */
  #carries: ReadonlyMap<string, number> = new Map()
  #replayCarries: ReadonlyMap<string, number> = new Map()

  /** `dir`: the feed's folder, where the shards of promotions are listed. */
  constructor(options: PlanOptions, cutBlock: CutBlock, dir = '') {
    this.#options = options
    this.#cutBlock = cutBlock
    this.#dir = dir
    this.#assembly = new Assembly(options)
    this.#length = { cut: 0, length: options.length }
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

  /** The first step that this entry may name: a budget has no part in what a step is made of, so one that was tried may get another. */
  nextFor(entry: ControlEntry): number {
    return changesSamples(entry) ? this.nextChangeable : this.#step
  }

  /** Whether the next step is there, and is not given as all steps would have more tokens than the budget. */
  get isSpent(): boolean {
    return this.#isSpent
  }

  /** Gives the next manifest entry, in the manifest's order. */
  add(entry: ManifestEntry): void {
    this.#assembly.add(entry)
  }

  end(): void {
    this.#assembly.end()
  }

  control(entry: ControlEntry): void {
    checkControl(entry, this.nextFor(entry))
    this.#controls.push(entry)
  }

  /** Whether the next step goes on with the shards of a promotion. */
  get isPromoted(): boolean {
    return promotionsUpTo(this.#position, this.#controls).length > 0
  }

  /** Whether control entries change what steps hold, so that what was tried before one came may be in none of them. */
  get isChanged(): boolean {
    return this.#controls.some(changesSamples)
  }

  /** Where the mixture could not be kept, so far. */
  get offMixture(): OffMixture | null {
    return this.#offMixture
  }

  /** What of each domain was drawn again, so far. */
  get replayed(): Readonly<Record<string, Total>> {
    return this.#passed.replayed(this.#assembly.domains)
  }

  /** The shards of the blocks that steps so far have taken samples of, by the domain that they are fed in. */
  plannedShards(): ReadonlyMap<string, readonly CutShard[]> {
    return this.#assembly.plannedShards()
  }

  /** The next step, or null until more entries come; after the end, null for good. */
  async nextStep(): Promise<{ step: Step; line: string } | null> {
    this.#isTried = true
    await this.passOver()
    const filled = await this.#fillNext()
    const budget = filled?.settings.budget ?? Number.POSITIVE_INFINITY
    this.#isSpent = filled !== null && this.#tokens + filled.tokens > budget
    return filled && !this.#isSpent ? this.#seal(filled) : null
  }

  /** Plans what is passed over before the next step, as far as there are entries for it. Returns how many steps of it there are none for. */
  async passOver(): Promise<number> {
    while (isPassedOver(this.#position, this.#controls)) {
      const filled = await this.#fillNext()
      if (!filled) return countPassedOver(this.#position, this.#controls)
      this.#passOver(filled)
    }
    return 0
  }

  /**
   * What no step holds, by domain: `tokens` of the current pass, and `samples` of the block that is being fed (blocks after it are not
   * cut into samples yet).
   */
  async leftover(): Promise<Record<string, Total>> {
    const left = named<Total>()
    // What a budget leaves unfed is not all taken in.
    const pending = this.#assembly.countPending()
    const domains = [...this.#assembly.domains.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
    for (const { name, fed, open, cuts } of domains) {
      const cursor = { ...fed }
      const block = cuts.fed && (await this.#peek(name, cursor))
      const samples = block && cursor.epoch === fed.epoch ? block.length - cursor.at : 0
      const tokens = fed.ready + (open?.tokens ?? 0) + (pending.get(name) ?? 0)
      pending.delete(name)
      if (tokens > 0) left[name] = { samples, tokens }
    }
    for (const [name, tokens] of [...pending].sort()) if (tokens > 0) left[name] = { samples: 0, tokens }
    return left
  }

  /**
   * Goes on with another run's shards where a control entry says so. Blocks that steps have taken samples of stay, to their last sample;
   * all that lies behind them is left, also what a step took in that was tried and not filled. So what follows is a function of the steps.
   */
  async #promote(): Promise<void> {
    const promotion = promotionsUpTo(this.#position, this.#controls).at(-1)?.promote
    if (!promotion || promotion === this.#assembly.promotion) return
    this.#assembly.promote(promotion, await readShardList(this.#dir, promotion.selection), this.#foldedByStep)
  }

  /** Takes in the runs that control entries join here. */
  async #join(): Promise<void> {
    for (const { join } of joinsUpTo(this.#position, this.#controls)) {
      if (this.#joined.has(join)) continue
      this.#joined.add(join)
      const lists = await Promise.all(join.runs.map(({ selection }) => readShardList(this.#dir, selection)))
      this.#assembly.join(lists.flat())
    }
  }

  /** Where the length of samples changes, what is left of each block that is begun is cut anew, and so are the blocks behind it. */
  async #changeLength(length: number): Promise<void> {
    if (length === this.#length.length) return
    for (const domain of this.#assembly.domains.values()) {
      for (const cursor of [domain.fed, domain.replayed])
        leaveCut(domain, cursor, cursor.at > 0 ? (await this.#cut(domain, cursor)).length : 0, this.#length)
    }
    this.#length = { cut: this.#length.cut + 1, length }
  }

  /** What stands at this place of the plan; takes in as many entries as it needs. Null until more come. */
  async #fillNext(): Promise<Filled | null> {
    for (;;) {
      const settings = settingsAt(this.#position, this.#options, this.#controls)
      await this.#promote()
      await this.#join()
      await this.#changeLength(settings.length)
      const filled = await this.#fill(settings)
      if (filled || !this.#assembly.fold()) return filled
    }
  }

  /** The samples of the next step, or null when they are not all there. Changes nothing: what it took is in the result. */
  async #fill(settings: Settings): Promise<Filled | null> {
    const places = new Map(Array.from(this.#assembly.domains.values(), domain => [domain.name, copyPlace(domain)]))
    const shares = await this.#shares(settings, places)
    const mixture = sumByDomain(shares, share => share.weight)
    const [fed, again] = [named<FedInStep>(), named<FedInStep>()]
    let stepTokens = 0
    for (let k = 0; k < settings.batch; ) {
      // What is drawn again is a share of a step, and makes none by itself.
      const share = shares.some(one => !one.isReplay) ? chooseShare(shares, settings.length) : null
      if (!share) return null
      const place = places.get(share.domain)
      const cursor = place && (share.isReplay ? place.replayed : place.fed)
      const tokens = cursor && (await this.#peekShare(share, place, settings))
      if (tokens) {
        const taken = tokens[cursor.at]
        chargeShare(shares, share, taken)
        const into = ((share.isReplay ? again : fed)[share.domain] ??= { ranges: [], tokens: 0 })
        take(this.#assembly.domains.get(share.domain)!, cursor, this.#length, taken, into)
        stepTokens += taken
        k++
      } else if (!share.isReplay && this.#mustWait(settings)) return null
      else removeShare(shares, share)
    }
    return { settings, places, shares, mixture, fed: joinFed(again, fed), tokens: stepTokens }
  }

  /** Without a mixture a domain simply has nothing. With one, it is waited for until the end, and then as the policy says. */
  #mustWait(settings: Settings): boolean {
    return settings.mixture !== null && (!this.#assembly.isClosed || stopsWhenDry(this.#options.dry))
  }

  /** The shares at the start of a step. After the end, a domain that is dry already has none. */
  async #shares(settings: Settings, places: ReadonlyMap<string, Place>): Promise<Share[]> {
    const all = places.keys().filter(name => name !== holdoutDomain)
    const names = settings.mixture ? Object.keys(settings.mixture) : all
    const weights = named<number>()
    for (const name of names) {
      const cursor = places.get(name)?.fed
      const hasSample = cursor !== undefined && (await this.#peek(name, cursor)) !== null
      if (!hasSample && !this.#mustWait(settings)) continue
      weights[name] = settings.mixture ? settings.mixture[name] : cursor!.ready
    }
    if (!settings.replay) return openShares(weights, this.#carries)
    const again = await this.#replayWeights(settings.replay, places)
    return openShares(weights, this.#carries, { ...settings.replay, weights: again, carries: this.#replayCarries })
  }

  /** Domains that have something to draw again, by the tokens of their blocks that were fed whole. */
  async #replayWeights(replay: Replay, places: ReadonlyMap<string, Place>): Promise<Record<string, number>> {
    const weights = named<number>()
    for (const name of replay.from ?? places.keys()) {
      const place = places.get(name)
      if (place && (await this.#peekReplay(name, place.replayed, replay)))
        weights[name] = countFedWhole(this.#assembly.domains.get(name)!)
    }
    return weights
  }

  #peekShare({ domain, isReplay }: Share, { fed, replayed }: Place, { replay }: Settings): Promise<Int32Array | null> {
    return isReplay && replay ? this.#peekReplay(domain, replayed, replay) : this.#peek(domain, fed)
  }

  /** The same as `#peek` of what is drawn again: blocks that were fed whole before this step. */
  async #peekReplay(name: string, cursor: ReplayCursor, replay: Replay): Promise<Int32Array | null> {
    const domain = this.#assembly.domains.get(name)!
    while (beginReplay(domain, cursor, replay, this.#options.feed)) {
      const tokens = await this.#cut(domain, cursor)
      if (cursor.at < tokens.length) return tokens
      leaveBlock(cursor)
    }
    return null
  }

  /** Tokens of each sample of the block where the cursor stands, moved to the next sample there is; null when there is none. */
  async #peek(name: string, cursor: Cursor): Promise<Int32Array | null> {
    const domain = this.#assembly.domains.get(name)!
    for (;;) {
      if (cursor.block === domain.blocks.length && !this.#repeats(domain, cursor)) return null
      const tokens = await this.#cut(domain, cursor)
      if (cursor.at < tokens.length) return tokens
      leaveBlock(cursor)
    }
  }

  #repeats(domain: Domain, cursor: Cursor): boolean {
    const { dry, repeatMax } = this.#options
    const tokens = domain.blocks.reduce((sum, block) => sum + block.tokens, 0)
    if (!this.#assembly.isClosed || dry !== 'repeat' || cursor.epoch + 1 >= repeatMax || tokens === 0) return false
    Object.assign(cursor, { block: 0, before: [], at: 0, epoch: cursor.epoch + 1, ready: tokens })
    return true
  }

  async #cut(domain: Domain, cursor: Cursor): Promise<Int32Array> {
    const known = cutOf(domain, cursor)
    if (known) return known.tokens
    const { block, epoch, before } = cursor
    const { shards } = domain.blocks[block]
    const { cut, length } = this.#length
    const parts = { ...(cut > 0 && { cut }), ...(before.length > 0 && { fed: before }) }
    const found = await this.#cutBlock({ domain: domain.name, number: block, epoch, shards, length, ...parts })
    keepCut(domain, cursor, found)
    return found.tokens
  }

  /** Goes on as if the step had been fed, so that those after it hold what they would hold then. */
  #passOver(filled: Filled): void {
    for (const [name, place] of filled.places) this.#passed.add(name, this.#assembly.domains.get(name)!, place)
    this.#moveOn(filled)
  }

  #moveOn({ places, shares }: Filled): void {
    for (const [name, place] of places) Object.assign(this.#assembly.domains.get(name)!, place)
    const carriesOf = (isReplay: boolean) =>
      new Map(shares.flatMap(share => (share.isReplay === isReplay ? [[share.domain, share.carry]] : [])))
    this.#carries = carriesOf(false)
    this.#replayCarries = carriesOf(true)
    this.#position++
    this.#foldedByStep = this.#assembly.folded
  }

  #seal(filled: Filled): { step: Step; line: string } {
    const { settings, places, shares, mixture, fed, tokens } = filled
    this.#moveOn(filled)
    if (!isKept(settings.mixture, shares)) {
      const { step, tokens: before } = this.#offMixture ?? { step: this.#step, tokens: 0 }
      this.#offMixture = { step, tokens: before + tokens }
    }
    const sealed = this.#sealer.seal(fed, {
      step: this.#step,
      samples: settings.batch,
      tokens,
      ...(settings.length !== this.#options.length && { length: settings.length }),
      mixture,
      carry: sumByDomain(shares, share => share.carry),
      totals: this.#passed.totals(places),
      manifest: this.#assembly.folded,
      control: settings.entries,
      previous: this.#digest,
    })
    this.#step++
    this.#tokens += tokens
    this.#isTried = false
    this.#digest = sealed.step.digest
    return sealed
  }
}

interface Filled {
  readonly settings: Settings
  readonly places: ReadonlyMap<string, Place>
  readonly shares: readonly Share[]
  readonly mixture: Record<string, number>
  readonly fed: Record<string, FedInStep>
  readonly tokens: number
}

/** Whether each domain of a mixture has its share to the step's last sample. */
function isKept(mixture: Mixture | null, shares: readonly Share[]): boolean {
  return (
    mixture === null ||
    Object.values(mixture).filter(weight => weight > 0).length === shares.filter(share => !share.isReplay).length
  )
}

/** An object that takes any name as a key, `__proto__` too. */
function named<T>(): Record<string, T> {
  return Object.create(null)
}
