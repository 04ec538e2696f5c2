import { stat, statfs } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { findLockHolder } from '../disk/lock.ts'
import { HeadraceError } from '../errors.ts'
import { type Head, readHead } from '../feed/files/head.ts'
import { listTrainers } from '../feed/files/reports.ts'
import { measureRun, type RunBytes } from '../inspect/runs.ts'
import { findTrainers } from '../inspect/trainers.ts'
import { findHold } from '../record/hold.ts'
import type { RunReader } from '../record/run-reader.ts'
import { hasEnded, type Standing } from '../record/standing.ts'
import { followStanding, type StandingTail } from '../record/standing-tail.ts'
import type { LookState, RunLook, SlowestTrainer } from './run-look.ts'

/** A run may have hundreds of thousands of files: they are measured this often, and for this part of the time at most. */
const measureMs = 30_000
const measureShareMax = 1 / 50

/** Looks at a run from outside its process: at what its log has committed, and what lies beside. It changes nothing, and reads no text. */
export class LogLooker {
  readonly #run: RunReader
  readonly #tail: StandingTail
  #bytes: RunBytes | null = null
  #measureAt = 0

  constructor(run: RunReader) {
    this.#run = run
    this.#tail = followStanding(run)
  }

  /** Throws 'not-found' once the run is removed, 'corrupt' where what it left is damaged. */
  async look(): Promise<RunLook> {
    const { dir, run, first } = this.#run
    if (!(await stat(join(dir, 'run.json')).catch(() => null)))
      throw new HeadraceError('not-found', `the run in ${dir} was removed`)
    const standing = await this.#tail.look()
    const { load, decide, shard } = standing
    const hold = await findHold(dir, decide.slot)
    const process = await findProcess(dir)
    const isAtRest = run.spread ? 'quiet' : 'stopped'
    const rest: LookState = hold ? 'held' : hasEnded(standing, run) ? 'ended' : isAtRest
    const head = await readHead(join(dir, 'feed'))
    const { documents, kept, dead, dropped, byDomain } = decide.totals
    return {
      at: performance.now(),
      run: basename(dir),
      state: process ? 'running' : rest,
      why: process?.where ?? null,
      seconds: process?.seconds ?? null,
      stages: stagesOf(standing, run),
      readBytes: load.readBytes,
      inputBytes: null,
      documents,
      kept,
      dead,
      dropped,
      byDomain,
      tokens: run.tokenizer === null ? null : shard.totals.tokens,
      steps: head?.steps ?? null,
      slowest: head && (await findSlowest(join(dir, 'feed'), head)),
      hold,
      bytes: await this.#measure(),
      freeBytes: await findFree(dir),
      memoryBytes: null,
      cpuSeconds: null,
      tableBytes: null,
      first,
    }
  }

  async #measure(): Promise<RunBytes | null> {
    const began = performance.now()
    if (began < this.#measureAt) return this.#bytes
    this.#bytes = await measureRun(this.#run.dir)
    const took = performance.now() - began
    this.#measureAt = began + Math.max(measureMs, took / measureShareMax)
    return this.#bytes
  }
}

function stagesOf({ load, annotated, decide, shard }: Standing, run: RunReader['run']): RunLook['stages'] {
  const lag = (to: number, slot: number) => Math.max(0, to - slot)
  return [
    ...(run.spread ? [{ stage: 'load', slot: load.slot, lag: null } as const] : []),
    { stage: 'annotate', slot: annotated, lag: run.spread ? lag(load.slot, annotated) : null },
    { stage: 'decide', slot: decide.slot, lag: lag(annotated, decide.slot) },
    // What is in open shards stands in no log.
    ...(run.tokenizer === null ? [] : [{ stage: 'sealed', slot: shard.slot, lag: null } as const]),
  ]
}

/** The process that has the run, and for how long: as old as its lock, where the file system knows that. */
async function findProcess(dir: string): Promise<{ where: string | null; seconds: number | null } | null> {
  const holder = await findLockHolder(dir)
  if (!holder || holder.state === 'dead') return null
  const born = (await stat(join(dir, 'lock')).catch(() => null))?.birthtimeMs ?? 0
  const seconds = born > 0 ? Math.max(0, Date.now() - born) / 1000 : null
  return { where: holder.state === 'alive' ? null : `its lock names process ${holder.pid} on ${holder.host}`, seconds }
}

async function findSlowest(feed: string, { steps }: Head): Promise<SlowestTrainer | null> {
  if ((await listTrainers(feed)).length === 0) return null
  const { trainers } = await findTrainers(feed)
  const last = trainers.toSorted((a, b) => (a.consumed ?? -1) - (b.consumed ?? -1)).at(0)
  if (!last) return null
  const { trainer, consumed } = last
  const behind = Math.max(0, steps - (consumed === null ? 0 : consumed + 1))
  return { trainer, consumed, behind, trainers: trainers.length }
}

/** What the file system has left for this user, or null where it does not say. */
async function findFree(dir: string): Promise<number | null> {
  const found = await statfs(dir).catch(() => null)
  return found && found.bavail * found.bsize
}
