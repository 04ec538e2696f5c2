import { holdoutDomain } from '../decide/holdout.ts'
import { readControls } from '../feed/files/control-file.ts'
import { type Head, readHead } from '../feed/files/head.ts'
import { readTotals } from '../feed/files/ledger.ts'
import type { Total } from '../feed/files/steps.ts'
import { stopsWhenDry } from '../feed/options.ts'
import { settingsAt } from '../feed/plan/control.ts'
import { placeStep } from '../feed/plan/fork.ts'

/** Why no step holds a domain's tokens. */
export type LeftoverReason = 'held-out' | 'not-in-mixture' | 'beyond-budget' | 'waits-for-others' | 'no-full-step'

/** What a feed does not give to trainers. */
export interface Unfed {
  readonly steps: number
  /** Whether no step will follow. Until then nothing is left over for good. */
  readonly ended: boolean
  /** Where a budget of tokens ended it: that bound. Null where it did not. */
  readonly endedByBudget: number | null
  /** Tokens that no step holds, and those that steps hold. A pass over a domain counts for itself. */
  readonly tokens: number
  readonly fedTokens: number
  /** Most tokens first. */
  readonly domains: readonly (Total & { readonly domain: string; readonly reason: LeftoverReason })[]
  /** Domains that the mixture names and that have nothing: no document that was kept so far is of them. */
  readonly missing: readonly string[]
  /** Domains that replay names and that have nothing. */
  readonly notReplayed: readonly string[]
  /** Domains that there are. */
  readonly present: readonly string[]
  /** Steps from `step` on whose weights are not the mixture's, as domains of it had nothing left, and their tokens; null where there are none. */
  readonly offMixture: { readonly step: number; readonly tokens: number } | null
  /** Tokens that were drawn again from documents that steps before had given. */
  readonly replayedTokens: number
  /** Samples of the next step, and tokens of a sample. */
  readonly batch: number
  readonly length: number
}

/** Reads what a feed leaves over and why; null where there is no feed. `known`: domains that are known to have tokens. */
export async function findUnfed(dir: string, known: Iterable<string> = []): Promise<Unfed | null> {
  const head = await readHead(dir)
  if (!head) return null
  const { steps, ended, leftover } = head
  const controls = await readControls(dir)
  const { mixture, batch, length, replay, budget } = settingsAt(placeStep(steps, controls), head, controls)
  const totals = await readTotals(dir, head)
  const present = [...new Set([...known, ...Object.keys(totals), ...Object.keys(leftover)])].sort()
  const has = new Set(present)
  const isNamed = (name: string) => mixture === null || (Object.hasOwn(mixture, name) && mixture[name] > 0)
  const isSpent = head.endedBy === 'budget'
  const domains = Object.entries(leftover).map(([domain, { samples, tokens }]) => {
    return { domain, samples, tokens, reason: judge(domain, mixture !== null, isNamed(domain), isSpent, head.dry) }
  })
  return {
    steps,
    ended,
    endedByBudget: isSpent ? budget : null,
    tokens: sumTokens(domains),
    fedTokens: sumTokens(Object.values(totals)),
    domains: domains.sort((a, b) => b.tokens - a.tokens || (a.domain < b.domain ? -1 : 1)),
    missing: Object.keys(mixture ?? {}).filter(name => isNamed(name) && !has.has(name)),
    notReplayed: (replay?.from ?? []).filter(name => !has.has(name)),
    present,
    offMixture: head.offMixture ?? null,
    replayedTokens: sumTokens(Object.values(head.replayed ?? {})),
    batch,
    length,
  }
}

function judge(domain: string, isMixed: boolean, isNamed: boolean, isSpent: boolean, dry: Head['dry']): LeftoverReason {
  if (domain === holdoutDomain && !(isMixed && isNamed)) return 'held-out'
  if (!isNamed) return 'not-in-mixture'
  if (isSpent) return 'beyond-budget'
  return isMixed && stopsWhenDry(dry) ? 'waits-for-others' : 'no-full-step'
}

function sumTokens(totals: readonly Total[]): number {
  return totals.reduce((sum, { tokens }) => sum + tokens, 0)
}
