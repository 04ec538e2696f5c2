import type { FeedOptions } from '../../src/feed/options.ts'
import type { KeptDocument } from './oracle-fates.ts'
import { type FeedLimits, type FeedOrigin, identityOf } from './oracle-identity.ts'
import { canonical, ExpectedLines, sha256 } from './oracle-lines.ts'
import { limitNames } from './oracle-names.ts'
import { placeControls } from './oracle-places.ts'
import { type ExpectedNext, isFed, type PromotedRows, selectPromoted } from './oracle-promotion.ts'
import { cutSamples, type Sample, tokensIn } from './oracle-samples.ts'
import { type ExpectedShard, tokensOf } from './oracle-shards.ts'

/** An entry of `control.json`, with what it stands for. */
export interface Control {
  readonly step: number
  readonly mixture?: Readonly<Record<string, number>> | null
  readonly batch?: number
  readonly promote?: ExpectedNext
  readonly fork?: { readonly skip: readonly [from: number, to: number] | null }
  readonly takeDown?: { readonly published: number; readonly blank: boolean; readonly rows: ReadonlySet<string> }
}

export interface ExpectedStep {
  /** The ledger's line, which has the digest. */
  readonly line: string
  readonly digest: string
  /** Its samples in the order of its ranges. */
  readonly samples: readonly { readonly domain: string; readonly epoch: number; readonly pieces: Sample }[]
}

export interface ExpectedFeed {
  /** The feed's id, and that of the feed that it goes back to. */
  readonly feed: string
  readonly root: string
  readonly length: number
  readonly align: number
  /** The last token of a piece that was cut has the next one as its target. */
  readonly hasNext: boolean
  /** Fills short samples. */
  readonly padding: number
  readonly steps: readonly ExpectedStep[]
  readonly isEnded: boolean
  /** What no step holds, once ended. */
  readonly leftover: Readonly<Record<string, Total>>
  /** What became of documents at each promotion. */
  readonly promotions: readonly PromotedRows[]
  readonly takeDowns: readonly Control[]
}

interface Total {
  readonly samples: number
  readonly tokens: number
}

/** Everything that decides which step comes next. Plain data, so that a step that can't be filled is undone by a copy. */
interface Domain {
  open: ExpectedShard[]
  blocks: ExpectedShard[][]
  /** The next sample: of which block, which one, in which pass. `ready`: tokens in closed blocks that are not fed in this pass. */
  next: number
  at: number
  epoch: number
  ready: number
  total: Total
  /** A block of it was cut into samples once. */
  isCut: boolean
}
type Domains = Map<string, Domain>

type Identity = ReturnType<typeof identityOf>
/** `cuts` remembers the samples of each block and pass. */
type Settings = Identity & { readonly cuts: Map<string, Sample[]> }

/** The steps of a feed. A step takes the next shard only when the shards before it do not fill it. */
export function planFeed(
  shards: readonly ExpectedShard[],
  isEnded: boolean,
  options: FeedOptions,
  limits: FeedLimits,
  origin: FeedOrigin,
): ExpectedFeed {
  const identity = identityOf(options, limits, origin)
  // A mixture names its domains; without one, the first that come are fed apart.
  const domainsMax = options.mixture ? Number.POSITIVE_INFINITY : limits.fedDomainsMax
  const limitNamesTo = (known: Iterable<string>) =>
    limitNames({ domainsMax, nameLengthMax: Number.POSITIVE_INFINITY }, known)
  let nameOf = limitNamesTo([])
  const feed = sha256(canonical(identity))
  const settings: Settings = { ...identity, cuts: new Map() }
  const lines = origin.hashOf
    ? new ExpectedLines(settings.length, settings.segmentSteps, limits.snapshotSteps, origin.hashOf)
    : null
  const steps: ExpectedStep[] = []
  let domains: Domains = new Map()
  // Tokens by which each domain of the last step is behind its weight, one without a shard too.
  let owed: ReadonlyMap<string, number> = new Map()
  const places = placeControls(origin.controls)
  const promotions: PromotedRows[] = []
  let pending = [...shards]
  let hasEnded = isEnded
  // The place in the plan, and how many shards were taken in there and before its last step.
  let [position, folded, foldedByStep] = [0, 0, 0]
  let isClosed = false
  for (;;) {
    const inForce = places.entries.filter(({ from }) => from <= position).map(({ entry }) => entry)
    for (const next of inForce.flatMap(({ promote }) => promote ?? []).slice(promotions.length)) {
      leaveUnplanned(domains)
      // Others may stand under the numbers of blocks that were left.
      settings.cuts.clear()
      const selection = selectPromoted(next, documentsOf(domains))
      promotions.push(selection.rows)
      ;[pending, folded, hasEnded, isClosed] = [selection.shards, foldedByStep, true, false]
      nameOf = limitNamesTo(domains.keys())
    }
    const mixture = inForce.findLast(control => control.mixture !== undefined)?.mixture
    const now = {
      ...settings,
      mixture: mixture === undefined ? settings.mixture : mixture,
      batch: inForce.findLast(control => control.batch !== undefined)?.batch ?? settings.batch,
    }
    const tried = copyDomains(domains)
    const filled = fill(tried, now, isClosed, owed)
    for (const [name, domain] of tried) domains.get(name)!.isCut = domain.isCut
    if (filled) {
      domains = tried
      owed = new Map(filled.shares.map(({ name, carry }) => [name, carry]))
      foldedByStep = folded
      if (places.passedOver.has(position++)) continue
      const previous = steps.at(-1)?.digest ?? feed
      const counts = { step: steps.length, manifest: folded, control: inForce.length, previous, samples: now.batch }
      steps.push(seal(filled, domains, counts, lines))
    } else if (pending.length > 0) {
      const shard = pending.shift()!
      folded++
      addShard(domains, { ...shard, domain: nameOf(shard.domain) }, settings, promotions.length > 0)
    } else if (hasEnded && !isClosed) {
      for (const domain of domains.values()) close(domain)
      isClosed = true
    } else break
  }
  const leftover = hasEnded ? countLeftover(domains, settings, isClosed) : {}
  return {
    ...{
      feed: nameFork(identity, feed, steps, origin.controls),
      length: settings.length,
      align: settings.align ?? 1,
      hasNext: settings.cutTargets === 'next',
      padding: settings.endOfText ?? 0,
    },
    root: feed,
    steps,
    isEnded: hasEnded,
    leftover,
    promotions,
    takeDowns: origin.controls.filter(({ takeDown }) => takeDown),
  }
}

/** The id of a feed that has parted from others: it names where. */
function nameFork(
  identity: Identity,
  root: string,
  steps: readonly ExpectedStep[],
  controls: readonly Control[],
): string {
  const forks: object[] = []
  let feed = root
  for (const { step, fork } of controls) {
    if (!fork) continue
    forks.push({ feed, step, digest: steps[step - 1]?.digest ?? root, skip: fork.skip })
    feed = sha256(canonical({ ...identity, forks }))
  }
  return feed
}

/** Of each domain the blocks that steps have taken of stay. */
function leaveUnplanned(domains: Domains): void {
  for (const [name, domain] of domains) {
    const planned = domain.epoch > 0 ? domain.blocks.length : domain.next + (domain.at > 0 ? 1 : 0)
    domain.ready -= tokensOf(domain.blocks.slice(planned).flatMap(shards => shards.flatMap(shard => shard.documents)))
    domain.blocks = domain.blocks.slice(0, planned)
    domain.open = []
    domain.isCut = false
    if (planned === 0) domains.delete(name)
  }
}

function documentsOf(domains: Domains): Map<string, KeptDocument[]> {
  const all = (domain: Domain) => domain.blocks.flat().flatMap(shard => shard.documents.filter(isFed))
  return new Map(Array.from(domains, ([name, domain]) => [name, all(domain)]))
}

function copyDomains(domains: Domains): Domains {
  return new Map([...domains].map(([name, domain]) => [name, { ...domain }]))
}

/**
 * A block closes when it has its tokens, or when the new shard is too many slots newer than its first document. When the feed began
 * without a mixture, one that closes closes all, and only when what is open is so many slots old that every domain of its time has a shard.
 * With a freshness all close with the shard that says so, and without a mixture not before, but for the shards of a promotion.
 */
function addShard(domains: Domains, shard: ExpectedShard, settings: Settings, isPromoted: boolean): void {
  const start = { next: 0, at: 0, epoch: 0, ready: 0, total: { samples: 0, tokens: 0 }, isCut: false }
  const known: Domain = domains.get(shard.domain) ?? { open: [], blocks: [], ...start }
  domains.set(shard.domain, { ...known, open: [...known.open, shard] })
  const { slot } = shard.documents.at(-1)!
  const { freshness = null, blockSlotsMin = 0, mixture } = settings
  const isFresh = freshness !== null && !isPromoted
  const ageOf = ({ open }: Domain) => (open.length > 0 ? slot - open[0].documents[0].slot : 0)
  const isFull = (domain: Domain) =>
    domain.open.length > 0 &&
    (domain.open.reduce((sum, one) => sum + tokensOf(one.documents), 0) >= settings.blockTokens ||
      ageOf(domain) >= settings.blockSlotsMax)
  const all = [...domains.values()]
  const isOld = Math.max(...all.map(ageOf)) >= blockSlotsMin
  if (isFresh && shard.closes) for (const domain of all) close(domain)
  else if (mixture !== null) for (const domain of all.filter(isFull)) close(domain)
  else if (!isFresh && isOld && all.some(isFull)) for (const domain of all) close(domain)
}

function close(domain: Domain): void {
  if (domain.open.length === 0) return
  domain.blocks = [...domain.blocks, domain.open]
  domain.ready += domain.open.reduce((sum, shard) => sum + tokensOf(shard.documents), 0)
  domain.open = []
}

/** The samples of the block where the domain stands, after moving on to the next one that there is; null when there is none. */
function peek(name: string, domain: Domain | undefined, settings: Settings, isClosed: boolean): Sample[] | null {
  for (; domain; domain.next++, domain.at = 0) {
    if (domain.next === domain.blocks.length) {
      const tokens = domain.blocks.flat().reduce((sum, shard) => sum + tokensOf(shard.documents), 0)
      const mayRepeat = isClosed && settings.dry === 'repeat' && domain.epoch + 1 < settings.repeatMax && tokens > 0
      if (!mayRepeat) return null
      Object.assign(domain, { next: 0, at: 0, epoch: domain.epoch + 1, ready: tokens })
    }
    domain.isCut = true
    const block = { domain: name, number: domain.next, epoch: domain.epoch }
    const documents = domain.blocks[domain.next].flatMap(shard => shard.documents)
    const samples = settings.cuts.get(JSON.stringify(block)) ?? cutSamples(documents, block, settings)
    settings.cuts.set(JSON.stringify(block), samples)
    if (domain.at < samples.length) return samples
  }
  return null
}

interface Share {
  readonly name: string
  weight: number
  carry: number
}

interface Filled {
  readonly shares: readonly Share[]
  readonly mixture: Readonly<Record<string, number>>
  readonly picks: readonly { name: string; block: number; epoch: number; at: number; pieces: Sample }[]
}

/** A step's samples, taken from `domains`, or null when they are not all there. */
function fill(
  domains: Domains,
  settings: Settings,
  isClosed: boolean,
  owed: ReadonlyMap<string, number>,
): Filled | null {
  const { mixture, length, batch, dry } = settings
  // With a mixture a dry domain is waited for until the end, and then as the policy says. Without one it has no share.
  const mustWait = mixture !== null && (!isClosed || dry === 'wait' || dry === 'stop')
  const names = mixture ? Object.keys(mixture) : [...domains.keys()].filter(name => name !== 'holdout')
  const shares: Share[] = []
  for (const name of names.sort()) {
    const domain = domains.get(name)
    if (!peek(name, domain, settings, isClosed) && !mustWait) continue
    const weight = mixture ? mixture[name] : domain!.ready
    if (weight > 0) shares.push({ name, weight, carry: owed.get(name) ?? 0 })
  }
  rescale(shares)
  const weights = Object.fromEntries(shares.map(share => [share.name, share.weight]))
  const picks: Filled['picks'][number][] = []
  while (picks.length < batch) {
    const share = choose(shares, length)
    if (!share) return null
    const domain = domains.get(share.name)
    const samples = peek(share.name, domain, settings, isClosed)
    if (!samples) {
      if (mustWait) return null
      shares.splice(shares.indexOf(share), 1)
      rescale(shares)
      continue
    }
    const { next: block, epoch, at } = domain!
    const tokens = tokensIn(samples[at])
    for (const one of shares) one.carry += one.weight * tokens
    share.carry -= tokens
    domain!.at++
    domain!.ready -= tokens
    picks.push({ name: share.name, block, epoch, at, pieces: samples[at] })
  }
  return { shares, mixture: weights, picks }
}

/** Weights sum to 1, and what all are behind together is shared out by them. */
function rescale(shares: readonly Share[]): void {
  const sum = shares.reduce((total, share) => total + share.weight, 0)
  for (const share of shares) share.weight /= sum
  const carry = shares.reduce((total, share) => total + share.carry, 0)
  for (const share of shares) share.carry -= share.weight * carry
}

/** Among those that would not get ahead by a whole sample, the one that must be served first; by name among equals. */
function choose(shares: readonly Share[], length: number): Share | null {
  const judged = shares.map(share => {
    const quota = share.carry + share.weight * length
    return { share, isDue: quota > 0, deadline: (length - quota) / share.weight }
  })
  const due = judged.filter(one => one.isDue)
  const candidates = due.length > 0 ? due : judged
  const first = Math.min(...candidates.map(one => one.deadline))
  return candidates.find(one => one.deadline === first)?.share ?? null
}

function seal(
  { shares, mixture, picks }: Filled,
  domains: Domains,
  counts: { step: number; manifest: number; control: number; previous: string; samples: number },
  lines: ExpectedLines | null,
): ExpectedStep {
  const ranges: Record<string, { block: number; epoch: number; from: number; to: number }[]> = Object.create(null)
  for (const { name, block, epoch, at } of picks) {
    const ofDomain = (ranges[name] ??= [])
    const last = ofDomain.at(-1)
    if (last && last.block === block && last.epoch === epoch && last.to === at) last.to++
    else ofDomain.push({ block, epoch, from: at, to: at + 1 })
  }
  for (const [name, domain] of domains) {
    const own = picks.filter(pick => pick.name === name)
    const tokens = own.reduce((sum, pick) => sum + tokensIn(pick.pieces), 0)
    domain.total = { samples: domain.total.samples + own.length, tokens: domain.total.tokens + tokens }
  }
  const fed = [...domains].filter(([, domain]) => domain.total.samples > 0)
  const step = {
    ...counts,
    domains: ranges,
    tokens: picks.reduce((sum, pick) => sum + tokensIn(pick.pieces), 0),
    mixture,
    carry: Object.fromEntries(shares.map(share => [share.name, share.carry])),
    totals: Object.fromEntries(fed.map(([name, domain]) => [name, domain.total])),
  }
  const json = canonical(lines ? lines.of(step) : step)
  const digest = sha256(json)
  const line = `${json.slice(0, -1)},"digest":"${digest}"}`
  const samples = Object.keys(ranges)
    .sort()
    .flatMap(name =>
      picks.filter(pick => pick.name === name).map(({ pieces, epoch }) => ({ domain: name, epoch, pieces })),
    )
  return { line, digest, samples }
}

/** Tokens of the current pass that no step holds, and the samples of the block that is being fed where one was ever cut. */
function countLeftover(domains: Domains, settings: Settings, isClosed: boolean): Record<string, Total> {
  const left: Record<string, Total> = Object.create(null)
  for (const [name, domain] of domains) {
    const after = { ...domain }
    const samples = domain.isCut ? peek(name, after, settings, isClosed) : null
    const rest = samples && after.epoch === domain.epoch ? samples.length - after.at : 0
    if (domain.ready > 0) left[name] = { samples: rest, tokens: domain.ready }
  }
  return left
}
