import { NameLimit } from '../decide/name-limit.ts'
import { HeadraceError } from '../errors.ts'
import { readControls } from '../feed/files/control-file.ts'
import { type Head, readHead } from '../feed/files/head.ts'
import { LedgerReader } from '../feed/files/ledger.ts'
import type { Step } from '../feed/files/steps.ts'
import type { Mixture } from '../feed/options.ts'
import { type ControlEntry, settingsAt } from '../feed/plan/control.ts'
import { placeStep } from '../feed/plan/fork.ts'
import { limits } from '../limits.ts'
import { readManifest } from '../record/manifest.ts'
import type { RunReader } from '../record/run-reader.ts'
import { type FedPacking, findPacking } from './fed-packing.ts'

/** Steps that a domain's share of late is of. */
const recentSteps = 2048

/** What a feed gives of a domain. Shares are from 0 to 1. */
export interface FedDomain extends FedPacking {
  readonly domain: string
  /** Its share as it is planned at the last step, and with all control entries in force; 0 where the mixture does not name it. */
  readonly weight: number
  readonly later: number
  /** Tokens of all steps, and of the last ones. */
  readonly tokens: number
  readonly share: number
  /** Tokens that were drawn again, of all steps'. */
  readonly replayed: number
  readonly recentTokens: number
  readonly recentShare: number
  /** `recentShare` beyond what was planned for these very steps, under whatever was in force; null where some of them had no mixture, or replayed. */
  readonly difference: number | null
  /** Tokens in shards that no step of this pass holds; null where a promotion or a fork makes that a matter of planning. */
  readonly ready: number | null
  /** The pass that is being fed, from 0 on; null as above. */
  readonly epoch: number | null
}

/** How a feed mixes its domains. */
export interface FedDomains {
  readonly steps: number
  readonly ended: boolean
  readonly endedBy: 'budget' | null
  /** Tokens of all steps, and how many there may be; null without a bound. */
  readonly tokens: number
  readonly budget: number | null
  /** The last steps that `recentTokens` are of. */
  readonly recentSteps: number
  /** The most tokens first. */
  readonly domains: readonly FedDomain[]
  readonly entries: readonly ControlEntry[]
}

/** Reads what a feed gave of each domain, beside what it was to give. `run`: null for a feed of several. */
export async function findFedDomains(dir: string, run: RunReader | null): Promise<FedDomains> {
  const head = await readHead(dir)
  if (!head) throw new HeadraceError('not-found', `there is no feed in ${dir}, or no step of it yet`)
  const entries = await readControls(dir)
  const ledger = new LedgerReader(dir, head)
  const from = Math.max(0, head.steps - recentSteps)
  const before = from > 0 ? await ledger.open(from - 1) : null
  const planned = await planShares(ledger, head, entries, from)
  const last = head.steps > 0 ? await ledger.open(head.steps - 1) : null
  const weights = weightsAt(head, entries, placeStep(Math.max(0, head.steps - 1), entries), last)
  const later = weightsAt(head, entries, Number.MAX_SAFE_INTEGER, last)
  const fed = tokensOf(last)
  const earlier = tokensOf(before)
  const ready = await findReady(head, entries, run)
  const again = new Map(Object.entries(head.replayed ?? {}))
  const packing = await findPacking(dir, head, entries)
  const [tokens, recent] = [sum(fed), sum(fed) - sum(earlier)]
  const names = new Set([...weights.keys(), ...later.keys(), ...fed.keys(), ...ready.keys()])
  const domains = Array.from(names, domain => {
    const [given, weight] = [fed.get(domain) ?? 0, weights.get(domain) ?? 0]
    const recentTokens = given - (earlier.get(domain) ?? 0)
    const replayed = again.get(domain)?.tokens ?? 0
    const recentShare = recentTokens / (recent || 1)
    const whole = { weight, later: later.get(domain) ?? 0, tokens: given, share: given / (tokens || 1), replayed }
    return {
      domain,
      ...whole,
      recentTokens,
      recentShare,
      difference: planned && recentShare - (planned.get(domain) ?? 0),
      ...(packing.get(domain) ?? { padding: null, cut: null }),
      ...readyOf(ready.get(domain) ?? (isPlain(entries) || head.ended ? 0 : null), given - replayed, isPlain(entries)),
    }
  })
  return {
    steps: head.steps,
    ended: head.ended,
    endedBy: head.endedBy ?? null,
    tokens,
    budget: settingsAt(placeStep(head.steps, entries), head, entries).budget,
    recentSteps: Math.min(recentSteps, head.steps),
    domains: domains.sort((a, b) => b.tokens - a.tokens || (a.domain < b.domain ? -1 : 1)),
    entries,
  }
}

/** Shares at a place of the plan. Without a mixture they are those of the last step, by what was ready then. */
function weightsAt(
  head: Head,
  entries: readonly ControlEntry[],
  position: number,
  last: Step | null,
): Map<string, number> {
  const mixture: Mixture = settingsAt(position, head, entries).mixture ?? last?.mixture ?? {}
  const sum = Object.values(mixture).reduce((total, weight) => total + weight, 0)
  return new Map(Object.entries(mixture).map(([name, weight]) => [name, weight / (sum || 1)]))
}

/** Shares of steps from one on, as they were planned: those of each mixture, by the tokens of its steps. Null where one had none, or others beside it as it replayed. */
async function planShares(
  ledger: LedgerReader,
  head: Head,
  entries: readonly ControlEntry[],
  from: number,
): Promise<ReadonlyMap<string, number> | null> {
  const mixtureAt = (step: number) => {
    const { mixture, replay } = settingsAt(placeStep(step, entries), head, entries)
    return replay ? null : mixture
  }
  const first = from > 0 ? sum(tokensOf(await ledger.open(from - 1))) : 0
  const planned = new Map<string, number>()
  let tokens = first
  for (let step = from; step < head.steps; ) {
    const mixture = mixtureAt(step)
    if (mixture === null) return null
    do step++
    while (step < head.steps && mixtureAt(step) === mixture)
    const before = tokens
    tokens = sum(tokensOf(await ledger.open(step - 1)))
    const weights = Object.values(mixture).reduce((total, weight) => total + weight, 0)
    for (const [name, weight] of Object.entries(mixture))
      planned.set(name, (planned.get(name) ?? 0) + (weight / weights) * (tokens - before))
  }
  for (const [name, of] of planned) planned.set(name, of / (tokens - first || 1))
  return planned
}

const sum = (counts: ReadonlyMap<string, number>) => counts.values().reduce((total, tokens) => total + tokens, 0)

function tokensOf(step: Step | null): Map<string, number> {
  return new Map(Object.entries(step?.totals ?? {}).map(([name, { tokens }]) => [name, tokens]))
}

/** Whether all that is fed comes from the run's own shards, in their order, and none is passed over. */
function isPlain(entries: readonly ControlEntry[]): boolean {
  return entries.every(({ promote, join, fork }) => !promote && !join && !fork?.skip)
}

/** Tokens of all sealed shards by domain; of another feed that has ended, what it leaves. */
async function findReady(
  head: Head,
  entries: readonly ControlEntry[],
  run: RunReader | null,
): Promise<ReadonlyMap<string, number>> {
  if (!run || !isPlain(entries))
    return new Map(Object.entries(head.leftover).map(([name, { tokens }]) => [name, tokens]))
  const limit = new NameLimit(
    [],
    head.mixture ? Number.POSITIVE_INFINITY : limits.fedDomainsMax,
    Number.POSITIVE_INFINITY,
  )
  const sealed = new Map<string, number>()
  for await (const { domain, tokens } of readManifest(run.log)) {
    const name = limit.of(domain)
    sealed.set(name, (sealed.get(name) ?? 0) + tokens)
  }
  return sealed
}

/** A pass begins when the one before has given all its tokens, and one more is asked for. */
function readyOf(found: number | null, fed: number, isSealed: boolean): Pick<FedDomain, 'ready' | 'epoch'> {
  if (!isSealed || found === null) return { ready: found, epoch: null }
  const epoch = found > 0 ? Math.max(0, Math.ceil(fed / found) - 1) : 0
  return { ready: found * (epoch + 1) - fed, epoch }
}
