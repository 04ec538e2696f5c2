import { sumBytes } from '../../inspect/runs.ts'
import { limits } from '../../limits.ts'
import { describeTrip, releaseCommand } from '../../record/hold.ts'
import { judgeStages } from '../../watch/judge-stages.ts'
import type { Pace } from '../../watch/pace.ts'
import type { LiveData } from './live-data.ts'

const tripsMax = 10

/** How a run goes, as a live page is told it; `dir` is its folder. */
export function tellRun(pace: Pace, error: string | null, dir: string, now = Date.now()): LiveData {
  const { look, state, stages, domains, rising, falling, bytesPerSecond, documentsPerSecond, cores } = pace
  const { hold, dropped, slowest, bytes, why } = look
  const standings = judgeStages(pace)
  const reasons = Object.entries(dropped)
    .filter(([, count]) => count > 0)
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
  const names = limits.liveNamesMax
  return {
    at: now / 1000,
    run: look.run,
    state: hold && state !== 'running' ? 'held' : state,
    why: error ?? why,
    seconds: look.seconds,
    stages: stages.map((stage, i) => ({ ...stage, standing: standings[i] })),
    leadSlotsMax: limits.stageLeadSlotsMax,
    documents: look.documents,
    kept: look.kept,
    dropped: reasons.reduce((sum, [, count]) => sum + count, 0),
    dead: look.dead,
    bytesPerSecond,
    documentsPerSecond,
    readBytes: look.readBytes,
    inputBytes: look.inputBytes,
    tokens: look.tokens,
    steps: look.steps,
    trainer: slowest,
    cores,
    memoryBytes: look.memoryBytes,
    tableBytes: look.tableBytes,
    tableBytesMax: limits.stateBytesMax,
    diskBytes: bytes && sumBytes(bytes),
    freeBytes: look.freeBytes,
    first: look.first,
    recentSeconds: pace.recentSeconds,
    recentDocuments: pace.recentDocuments,
    domains: domains.slice(0, names),
    domainsLeft: Math.max(0, domains.length - names),
    reasons: reasons.slice(0, names).map(([reason, count]) => ({ reason, count })),
    reasonsLeft: Math.max(0, reasons.length - names),
    rising: rising.slice(0, names),
    falling: falling.slice(0, names),
    hold: hold && {
      slot: hold.slot,
      trips: hold.trips.slice(0, tripsMax).map(describeTrip),
      command: releaseCommand(dir),
    },
  }
}
