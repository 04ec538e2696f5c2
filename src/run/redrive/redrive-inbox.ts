import { setTimeout as sleep } from 'node:timers/promises'
import { HeadraceError } from '../../errors.ts'
import { findDead } from '../../record/dead-records.ts'
import type { LoadPosition } from '../../record/notes.ts'
import { listRequests, type RedriveRequest, removeRequest } from '../../record/redrive-request.ts'
import { stampsOf } from '../../record/splits.ts'
import type { Split } from '../../sources/source.ts'
import type { RunContext } from '../context.ts'
import type { MoreSplits, OpenMore, SplitList } from '../load/split-list.ts'
import { splitsOf } from './redrive-source.ts'

/** How often a run looks for requests. */
const lookMs = 1000

/** Takes the requests that are there, and then those that come; a run that is stopping takes none. */
export function openRedriveInbox(context: RunContext): OpenMore {
  return async (splits, position, stop) => {
    const inbox = new RedriveInbox(context, splits, position)
    await inbox.settle(splits.all)
    if (!stop.aborted) await inbox.take()
    inbox.watch(stop).catch(error => splits.fail(error))
    return inbox
  }
}

/** Makes splits of the records that requests mean. A request leaves the inbox once its splits are recorded, also after a crash. */
class RedriveInbox implements MoreSplits {
  readonly #context: RunContext
  readonly #splits: SplitList
  readonly #position: () => LoadPosition
  readonly #end = new AbortController()
  #last: Promise<void> = Promise.resolve()

  constructor(context: RunContext, splits: SplitList, position: () => LoadPosition) {
    this.#context = context
    this.#splits = splits
    this.#position = position
  }

  /** Takes what is there. One look comes after the other, as each goes by what the ones before it added. */
  take(): Promise<void> {
    this.#last = this.#last.then(async () => {
      for (const request of await listRequests(this.#context.dir)) await this.#takeOne(request)
    })
    return this.#last
  }

  /** Takes what comes, until `stop` aborts or nothing is taken any more. */
  async watch(stop: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([stop, this.#end.signal])
    while (!signal.aborted) {
      await sleep(lookMs, undefined, { signal }).catch(() => {})
      if (!signal.aborted) await this.take()
    }
  }

  async addLast(): Promise<boolean> {
    const known = this.#splits.length
    await this.take()
    if (this.#splits.length > known) return true
    this.#end.abort()
    return false
  }

  async settle(splits: readonly Split[]): Promise<void> {
    for (const id of new Set(splits.flatMap(({ again }) => again?.request || [])))
      await removeRequest(this.#context.dir, id)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort()
    await this.#last.catch(() => {})
  }

  async #takeOne({ id, reasons }: RedriveRequest): Promise<void> {
    const { all } = this.#splits
    if (this.#end.signal.aborted || all.some(({ again }) => again?.request === id)) return
    const dead = await findDead(this.#context, all, reasons)
    const splits = await splitsOf(this.#context.plan.source, dead, all, id)
    if (this.#end.signal.aborted) return
    this.#checkStamps(splits)
    if (splits.length === 0) await removeRequest(this.#context.dir, id)
    else this.#splits.add(splits)
  }

  /** A file may have been mended since it was read, but not while it is being read. */
  #checkStamps(splits: readonly Split[]): void {
    const stamps = stampsOf(this.#splits.all)
    const unread = new Set(this.#splits.unread(this.#position()).map(({ name, again }) => again?.of ?? name))
    for (const { stamp, again } of splits) {
      const was = stamps.get(again!.of)
      if (was === stamp || !unread.has(again!.of)) continue
      throw new HeadraceError(
        'source-changed',
        `${again!.of} changed while this run is reading it (${was} then, ${stamp} now): restore it, and mend it when the run is past it`,
      )
    }
  }
}
