import { join } from 'node:path'
import type { Tables } from '../../decide/tables/tables.ts'
import { makeFolder } from '../../disk/durable-file.ts'
import { type Lock, lockDirectory } from '../../disk/lock.ts'
import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import type { Owner } from '../../log/log.ts'
import { bareOf } from '../../record/text-log.ts'
import { readTrimmed } from '../../record/trimmed.ts'
import type { RunContext } from '../context.ts'
import { decideAll } from '../decide/decide-stage.ts'
import { checkDeciders, keepDecided, openState, tablesName } from '../decide/decide-state.ts'
import { readSnapshot, restoreSnapshot, Snapshot } from './snapshot.ts'

/** Folders of state beside each other: one for each process of a machine. */
const foldersMax = 64

/** Keeps a process's tables up to date while another decides, so that it can go on from there. Old ones give way to the run's snapshot. */
export class DecideSeat implements AsyncDisposable {
  readonly #context: RunContext
  readonly #folder: string
  readonly #lock: Lock
  readonly #fail: (error: unknown) => void
  readonly #state: Tables
  readonly #leave = new AbortController()
  #stop = new AbortController()
  #following: Promise<void> = Promise.resolve()

  private constructor(context: RunContext, place: Place, state: Tables, fail: (error: unknown) => void) {
    // What it follows needs no texts.
    this.#context = {
      ...context,
      log: bareOf(context.log),
      failed: AbortSignal.any([context.failed, this.#leave.signal]),
    }
    this.#folder = place.folder
    this.#lock = place.lock
    this.#state = state
    this.#fail = fail
  }

  /** `base`: where this machine keeps state. `fail` is told what a standby can't go on after. */
  static async open(context: RunContext, base: string, fail: (error: unknown) => void): Promise<DecideSeat> {
    const place = await takeFolder(base)
    let state: Tables | undefined
    try {
      state = await openNewest(context, place.folder)
      checkDeciders(context, state)
      const seat = new DecideSeat(context, place, state, fail)
      seat.#follow()
      return seat
    } catch (error) {
      await state?.[Symbol.asyncDispose]()
      await place.lock[Symbol.asyncDispose]()
      throw error
    }
  }

  /** The slot before which all are in the tables. */
  get slot(): number {
    return this.#state.slot()
  }

  /** Decides as the stage's owner, until all is decided or `stop` aborts; then it stands by again. */
  async decide(context: RunContext, owner: Owner, stop: AbortSignal, onSealed: (slot: number) => void): Promise<void> {
    this.#stop.abort()
    await this.#following
    try {
      await using snapshot = new Snapshot(context.dir, join(this.#folder, tablesName), () => context.checkOwner())
      await decideAll(context, owner, this.#state, stop, slot => {
        context.watch({ kind: 'tables', bytes: this.#state.bytesUsed() })
        snapshot.sealed(slot)
        onSealed(slot)
      })
    } finally {
      // What was decided and not committed is another's to decide.
      this.#state.rollback()
      this.#follow()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave.abort()
    this.#stop.abort()
    await this.#following
    await this.#state[Symbol.asyncDispose]()
    await this.#lock[Symbol.asyncDispose]()
  }

  #follow(): void {
    this.#stop = new AbortController()
    const { signal } = this.#stop
    // Following stops at once when this process decides, as deciding reads the rest itself.
    const context = { ...this.#context, failed: AbortSignal.any([this.#context.failed, signal]) }
    this.#following = keepDecided(context, this.#state, Number.POSITIVE_INFINITY, signal).catch(this.#fail)
  }
}

type Place = { readonly folder: string; readonly lock: Lock }

async function takeFolder(base: string): Promise<Place> {
  for (let n = 0; n < foldersMax; n++) {
    const folder = join(base, String(n))
    await makeFolder(folder)
    try {
      return { folder, lock: await lockDirectory(folder) }
    } catch (error) {
      if (!(error instanceof HeadraceError) || error.code !== 'locked') throw error
    }
  }
  const why = `${foldersMax} processes hold all folders of state in ${base}`
  throw new HeadraceError('locked', `${why}: name another with --state`)
}

/** The tables of a folder, or the run's snapshot where these are far behind it. */
async function openNewest(context: RunContext, folder: string): Promise<Tables> {
  const state = await openState(context, folder)
  const [snapshot, trimmed] = await Promise.all([readSnapshot(context.dir), readTrimmed(context.dir, context.binding)])
  const isNear = snapshot && snapshot.slot - state.slot() <= limits.snapshotSlots
  if (!snapshot || (isNear && state.slot() >= trimmed)) return state
  await state[Symbol.asyncDispose]()
  await restoreSnapshot(context.dir, folder)
  return openState(context, folder)
}
