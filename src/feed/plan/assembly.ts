import { NameLimit } from '../../decide/name-limit.ts'
import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import type { ManifestEntry } from '../../shards/manifest.ts'
import type { FeedSettings } from '../options.ts'
import type { CutShard } from './blocks.ts'
import { closeBlock, countPlanned, type Domain, leaveUnplanned, openDomain } from './domain.ts'
import { interleave } from './join.ts'
import { countTokens, type PlannedShard, type Promotion, plannedShard } from './promotion.ts'

/** When blocks close. */
export interface AssemblyOptions extends Pick<FeedSettings, 'mixture' | 'blockTokens' | 'blockSlotsMax' | 'freshness'> {
  readonly blockSlotsMin?: number
}

/** Makes blocks of shards, one manifest entry at a time: each domain has one that is open, and those that are closed. */
export class Assembly {
  readonly #options: AssemblyOptions
  readonly #domains = new Map<string, Domain>()
  /** Shards by the domain that they are of, which is not always the one that they are fed in. */
  readonly #shards = new Map<string, number>()
  /** A step names all domains of a mixture, so where all are mixed their number bounds the ledger's size. */
  #limit: NameLimit
  #pending: PlannedShard[] = []
  #folded = 0
  #promotion: Promotion | null = null
  #isEnding = false
  #isClosed = false

  constructor(options: AssemblyOptions) {
    this.#options = options
    this.#limit = this.#limitNames([])
  }

  get domains(): ReadonlyMap<string, Domain> {
    return this.#domains
  }

  /** How many entries were taken in. */
  get folded(): number {
    return this.#folded
  }

  /** Whether all entries were taken in, and the last blocks are closed. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  get promotion(): Promotion | null {
    return this.#promotion
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

  /** Takes the next entry in, or closes what is open at the end. False when there is nothing to take. */
  fold(): boolean {
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

  /**
   * Goes on with another run's shards. Blocks that steps have taken samples of stay, to their last sample; all that lies behind them is
   * left. `folded`: how many entries those steps had taken in, as one that was tried and not filled may have taken more.
   */
  promote(promotion: Promotion, shards: PlannedShard[], folded: number): void {
    this.#pending = shards
    this.#promotion = promotion
    this.#folded = folded
    this.#isEnding = true
    this.#isClosed = false
    for (const domain of this.#domains.values()) {
      leaveUnplanned(domain)
      if (domain.blocks.length === 0) this.#domains.delete(domain.name)
    }
    this.#limit = this.#limitNames(this.#domains.keys())
  }

  /**
   * Takes shards of further runs in among those that come, and as many of all as close blocks: so that what joins has samples from here on,
   * and not once all that was ready before is fed. Slots of several runs say nothing of when what was kept came, so no block closes by
   * them: it is full, or the last. What joins is there, so nothing else will come.
   */
  join(shards: readonly PlannedShard[]): void {
    const timeless = shards.map(shard => ({ ...shard, firstSlot: 0, lastSlot: 0 }))
    this.#pending = interleave([...this.#pending, ...timeless])
    this.#isEnding = true
    this.#isClosed = false
    for (const before = this.#countBlocks(); this.#countBlocks() === before && this.fold(); );
  }

  /** Tokens of the entries that were not taken in, by the domain that they will be fed in. */
  countPending(): Map<string, number> {
    return countTokens(this.#pending, name => this.#limit.of(name))
  }

  /** The shards of the blocks that steps so far have taken samples of, by the domain that they are fed in. */
  plannedShards(): ReadonlyMap<string, readonly CutShard[]> {
    const planned = Array.from(this.#domains.values(), domain => {
      const blocks = domain.blocks.slice(0, countPlanned(domain))
      return [domain.name, blocks.flatMap(({ shards }) => shards)] as const
    })
    return new Map(planned)
  }

  #countBlocks(): number {
    return this.#domains.values().reduce((sum, { blocks }) => sum + blocks.length, 0)
  }

  #limitNames(known: Iterable<string>): NameLimit {
    const domainsMax = this.#options.mixture ? Number.POSITIVE_INFINITY : limits.fedDomainsMax
    return new NameLimit(known, domainsMax, Number.POSITIVE_INFINITY)
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
    domain = openDomain(name)
    this.#domains.set(name, domain)
    return domain
  }
}
