import { limits } from '../limits.ts'
import type { LookState, RunLook } from './run-look.ts'

/** Rates are of so many milliseconds at most. */
const rateMs = 10_000
/** What happened of late is of so many. */
const recentMs = 60_000
/** Parts of that time that are shown each. */
const cellsMax = 5

/** Adds a look to those that figures are made of; those that no figure needs any more are gone. */
export function keepLook(looks: readonly RunLook[], look: RunLook): RunLook[] {
  const all = [...looks, look].slice(-limits.looksMax)
  const first = all.findLastIndex(({ at }) => look.at - at >= recentMs)
  return all.slice(Math.max(0, first))
}

export interface StagePace {
  readonly stage: RunLook['stages'][number]['stage']
  readonly slot: number
  readonly slotsPerSecond: number | null
  /** Of the stage that reads. */
  readonly bytesPerSecond: number | null
  readonly lag: number | null
  /** For how long the oldest of what waits before it has been there. */
  readonly waitSeconds: number | null
  /** Since when it has committed nothing, as far as looks go back; null where there is one alone. */
  readonly stillSeconds: number | null
}

interface Kept {
  readonly documents: number
  readonly kept: number
}

export interface DomainPace extends Kept {
  readonly domain: string
  readonly recent: Kept
  /** The same in parts of the time, the oldest first. */
  readonly parts: readonly Kept[]
}

/** How a run goes: its last look, and what the looks before say of its speed. Null is what they can't say. */
export interface Pace {
  readonly look: RunLook
  /** Of a run whose processes no lock names, `running` where it has committed something meanwhile. */
  readonly state: LookState
  /** Seconds that rates are of. */
  readonly rateSeconds: number | null
  readonly bytesPerSecond: number | null
  readonly documentsPerSecond: number | null
  readonly cores: number | null
  readonly stages: readonly StagePace[]
  /** Seconds, and documents, that `domains` and `rising` are of. */
  readonly recentSeconds: number | null
  readonly recentDocuments: number
  readonly recentKept: number
  /** The most documents first. */
  readonly domains: readonly DomainPace[]
  /** Reasons whose share of all documents is larger than in the whole run, in percentage points, what rose most first. */
  readonly rising: readonly Shift[]
  /** Those whose share is smaller: points below 0, what fell most first. */
  readonly falling: readonly Shift[]
}

interface Shift {
  readonly reason: string
  readonly points: number
}

/** The figures of looks as `keepLook` keeps them, at least one. */
export function paceOf(looks: readonly RunLook[]): Pace {
  const look = looks.at(-1)!
  const before = looks.slice(0, -1)
  const rateBase = before.find(({ at }) => look.at - at <= rateMs) ?? before.at(-1)
  const base = before.at(0)
  const rate = (read: (one: RunLook) => number | null) => ratePerSecond(rateBase, look, read)
  const stages = look.stages.map(({ stage, slot, lag, waitSeconds }, i) => ({
    stage,
    slot,
    waitSeconds: waitSeconds ?? null,
    stillSeconds: base ? stillSeconds(looks, stage) : null,
    slotsPerSecond: rate(one => one.stages.find(other => other.stage === stage)?.slot ?? null),
    bytesPerSecond: i === 0 ? rate(one => one.readBytes) : null,
    lag,
  }))
  const hasMoved = base?.stages.some(({ slot }, i) => slot < (look.stages[i]?.slot ?? 0)) ?? false
  return {
    look,
    state: look.state === 'quiet' && hasMoved ? 'running' : look.state,
    rateSeconds: rateBase ? (look.at - rateBase.at) / 1000 : null,
    bytesPerSecond: rate(one => one.readBytes),
    documentsPerSecond: rate(one => one.documents),
    cores: rate(one => one.cpuSeconds),
    stages,
    recentSeconds: base ? (look.at - base.at) / 1000 : null,
    recentDocuments: base ? grown(base.documents, look.documents) : 0,
    recentKept: base ? grown(base.kept, look.kept) : 0,
    domains: look.byDomain ? domainsOf(look.byDomain, base ? markLooks(looks, base, look) : [look]) : [],
    ...(base ? shiftsOf(base, look) : { rising: [], falling: [] }),
  }
}

/** What a counter has grown by. That of a process that began anew begins anew. */
const grown = (before: number | null, now: number | null) => Math.max(0, (now ?? 0) - (before ?? 0))

function ratePerSecond(base: RunLook | undefined, look: RunLook, read: (one: RunLook) => number | null): number | null {
  const [before, now] = [base ? read(base) : null, read(look)]
  if (!base || before === null || now === null || look.at <= base.at) return null
  return grown(before, now) / ((look.at - base.at) / 1000)
}

/** Looks from the first to the last that part the time between as evenly as they can, without repeats. */
function markLooks(looks: readonly RunLook[], base: RunLook, last: RunLook): RunLook[] {
  const some = looks.slice(looks.indexOf(base))
  const marks = Array.from({ length: cellsMax + 1 }, (_, i) => {
    const wanted = base.at + (i * (last.at - base.at)) / cellsMax
    return some.reduce((best, one) => (Math.abs(one.at - wanted) < Math.abs(best.at - wanted) ? one : best))
  })
  return [...new Set(marks)]
}

function domainsOf(byDomain: NonNullable<RunLook['byDomain']>, marks: readonly RunLook[]): DomainPace[] {
  return Object.entries(byDomain)
    .map(([domain, { documents, kept }]) => {
      const parts = marks.slice(1).map((mark, i) => grownKept(domain, marks[i], mark))
      return { domain, documents, kept, recent: grownKept(domain, marks[0], marks.at(-1)!), parts }
    })
    .sort((a, b) => b.documents - a.documents || (a.domain < b.domain ? -1 : 1))
}

function grownKept(domain: string, from: RunLook, to: RunLook): Kept {
  const of = ({ byDomain }: RunLook) => byDomain?.[domain]
  const [before, now] = [of(from), of(to)]
  return {
    documents: grown(before?.documents ?? 0, now?.documents ?? 0),
    kept: grown(before?.kept ?? 0, now?.kept ?? 0),
  }
}

/** From the first of the looks on that all found a stage where it is now. */
function stillSeconds(looks: readonly RunLook[], stage: StagePace['stage']): number {
  const slotAt = ({ stages }: RunLook) => stages.find(one => one.stage === stage)?.slot
  const last = looks.at(-1)!
  const since = looks[looks.findLastIndex(look => slotAt(look) !== slotAt(last)) + 1]
  return (last.at - since.at) / 1000
}

function shiftsOf(base: RunLook, look: RunLook): Pick<Pace, 'rising' | 'falling'> {
  const recent = grown(base.documents, look.documents)
  if (recent === 0 || !look.documents) return { rising: [], falling: [] }
  const shift = (before: number, now: number) => 100 * (grown(before, now) / recent - now / look.documents!)
  const all = Object.entries(look.dropped)
    .map(([reason, count]) => ({ reason, points: shift(base.dropped[reason] ?? 0, count) }))
    .concat({ reason: 'dead', points: shift(base.dead, look.dead) })
    .filter(({ points }) => Math.abs(points) >= shiftMin)
    .sort((a, b) => Math.abs(b.points) - Math.abs(a.points) || (a.reason < b.reason ? -1 : 1))
  return { rising: all.filter(({ points }) => points > 0), falling: all.filter(({ points }) => points < 0) }
}

/** Less is shown as 0.0. */
const shiftMin = 0.05
