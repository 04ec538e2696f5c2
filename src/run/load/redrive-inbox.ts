import { setTimeout as sleep } from 'node:timers/promises'
import { HeadraceError } from '../../errors.ts'
import { findDead } from '../../record/dead-records.ts'
import { listRequests, removeRequest } from '../../record/redrive-request.ts'
import { stampsOf } from '../../record/splits.ts'
import type { Split } from '../../sources/source.ts'
import type { RunContext } from '../context.ts'
import { splitsOf } from './redrive.ts'
import type { SplitList } from './split-list.ts'

/** How often a run looks whether it was asked for something. */
const lookMs = 1000

/**
 * Takes the requests in a run's inbox: the records that they mean become splits of the run. A request leaves the inbox only when its
 * splits are recorded; one whose splits are recorded already was taken before a crash.
 */
export class RedriveInbox implements AsyncDisposable {
  readonly #context: RunContext
  readonly #splits: SplitList
  readonly #end = new AbortController()
  #last: Promise<void> = Promise.resolve()

  private constructor(context: RunContext, splits: SplitList) {
    this.#context = context
    this.#splits = splits
  }

  /** Takes what is there, and then what comes, until disposed; a run that is stopping takes nothing. */
  static async open(context: RunContext, splits: SplitList, stop: AbortSignal): Promise<RedriveInbox> {
    const inbox = new RedriveInbox(context, splits)
    await inbox.settle(splits.all)
    if (!stop.aborted) await inbox.#take()
    inbox.#watch(AbortSignal.any([stop, inbox.#end.signal])).catch(error => splits.fail(error))
    return inbox
  }

  /** Takes what came until now; when that is nothing, none is taken from then on, and the answer is false. */
  async takeLast(): Promise<boolean> {
    const known = this.#splits.length
    await this.#take()
    if (this.#splits.length > known) return true
    this.#end.abort()
    return false
  }

  /** Told which splits were recorded. */
  async settle(splits: readonly Split[]): Promise<void> {
    for (const id of new Set(splits.flatMap(({ again }) => again?.request || [])))
      await removeRequest(this.#context.dir, id)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort()
    await this.#last.catch(() => {})
  }

  async #watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(lookMs, undefined, { signal }).catch(() => {})
      if (!signal.aborted) await this.#take()
    }
  }

  #take(): Promise<void> {
    this.#last = this.#last.then(() => this.#takeAll())
    return this.#last
  }

  async #takeAll(): Promise<void> {
    const { dir, plan } = this.#context
    for (const { id, reasons } of await listRequests(dir)) {
      const { all } = this.#splits
      if (all.some(({ again }) => again?.request === id)) continue
      const splits = await splitsOf(plan.source, await findDead(this.#context, all, reasons), all, id)
      if (this.#end.signal.aborted) return
      checkStamps(splits, this.#splits)
      if (splits.length === 0) await removeRequest(dir, id)
      else this.#splits.add(splits)
    }
  }
}

/** A file may have been mended since it was read, but not while it is being read. */
function checkStamps(splits: readonly Split[], known: SplitList): void {
  const stamps = stampsOf(known.all)
  const unread = new Set(known.unread.map(({ name, again }) => again?.of ?? name))
  for (const { stamp, again } of splits) {
    const was = stamps.get(again!.of)
    if (was === stamp || !unread.has(again!.of)) continue
    throw new HeadraceError(
      'source-changed',
      `${again!.of} changed while this run is reading it (${was} then, ${stamp} now): restore it, and mend it when the run is past it`,
    )
  }
}
