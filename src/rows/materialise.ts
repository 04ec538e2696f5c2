import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeFolder, type OnEffect } from '../disk/durable-file.ts'
import { type Lock, lockDirectory } from '../disk/lock.ts'
import { HeadraceError } from '../errors.ts'
import { countTakeDowns } from '../feed/files/control-file.ts'
import { type Head, readHead } from '../feed/files/head.ts'
import { Masks } from '../feed/files/masks.ts'
import { readTrim, trimmedStep } from '../feed/files/trim-file.ts'
import { type FeedBatch, readFeed } from '../feed/read.ts'
import { isOutdated } from './masked-files.ts'
import { editionOf, gridEnd, type RowFile, rowsFolder } from './row-file.ts'
import { StandingRows } from './standing.ts'
import { RowsWriter, writeDescription } from './write-rows.ts'

export interface MaterialiseOrder {
  /** The feed's folder. */
  readonly feed: string
  /** The first step, and the one to end before; null for all that are published, in whole files unless the feed has ended. */
  readonly from: number | null
  readonly to: number | null
  /** Steps of a file at most: files end at its multiples. */
  readonly fileSteps: number
  /** How many of the last steps are kept; null for all. */
  readonly keepSteps: number | null
  /** Goes on until the feed has ended. */
  readonly follow: boolean
  readonly pollMs?: number
  readonly signal?: AbortSignal
  readonly onEffect?: OnEffect
}

/** What a call did. */
export interface Materialised {
  files: number
  steps: number
  tokens: number
  bytes: number
  /** Steps that stood in files before. */
  stood: number
  /** Files that were made again, as documents of theirs were taken down since. */
  renewed: number
  /** Files that were removed: of another history of the feed, or of another feed; and those before the steps that are kept. */
  strange: number
  removed: number
  /** Published steps that are in no file yet, as theirs is not full. */
  waiting: number
}

const nothingDone = (): Materialised => {
  const made = { files: 0, steps: 0, tokens: 0, bytes: 0 }
  return { ...made, stood: 0, renewed: 0, strange: 0, removed: 0, waiting: 0 }
}

/** Told of a step that was written, and the step that the writing goes on to. */
export type OnStep = (step: number, end: number) => void

const pollMsDefault = 500

/**
 * Writes the steps of a feed into files of rows below its folder, in whole files, each of which appears when all of it lasts; what stands there is
 * left, unless documents of it were taken down since: then it is made again. Stopped at any moment, the next call goes on to the same bytes.
 * One process at a time. `onStep` is told of each step. Throws `locked`, `not-found` and `bad-option` before anything is written.
 */
export async function materialise(order: MaterialiseOrder, onStep: OnStep = () => {}): Promise<Materialised> {
  const head = await needHead(order.feed)
  checkSteps(order, head)
  const dir = join(order.feed, rowsFolder)
  await makeFolder(dir)
  await using lock = await lockDirectory(dir)
  const standing = await StandingRows.open(dir, order.onEffect ?? (() => {}))
  const work = new Materialising(order, dir, standing, lock, onStep)
  for (;;) {
    const head = await needHead(order.feed)
    await work.catchUp(head)
    if (!order.follow || head.ended || order.signal?.aborted) return work.done
    await sleep(order.pollMs ?? pollMsDefault, undefined, order.signal ? { signal: order.signal } : {}).catch(() => {})
  }
}

async function needHead(feed: string): Promise<Head> {
  const head = await readHead(feed)
  if (head) return head
  throw new HeadraceError('not-found', `there is no feed in ${feed}, or no step of it yet`)
}

function checkSteps({ from, to }: MaterialiseOrder, { steps }: Head): void {
  const has = `the feed has steps 0 to ${steps - 1}`
  if (to !== null && to > steps) throw new HeadraceError('bad-option', `--steps ends before step ${to}, and ${has}`)
  if (from !== null && from >= (to ?? steps))
    throw new HeadraceError('bad-option', `--steps ${from}:${to ?? ''} has no step; ${has}`)
}

class Materialising {
  readonly done: Materialised = nothingDone()
  readonly #order: MaterialiseOrder
  readonly #dir: string
  readonly #standing: StandingRows
  readonly #lock: Lock
  readonly #onStep: OnStep
  #isFirst = true

  constructor(order: MaterialiseOrder, dir: string, standing: StandingRows, lock: Lock, onStep: OnStep) {
    this.#order = order
    this.#dir = dir
    this.#standing = standing
    this.#lock = lock
    this.#onStep = onStep
  }

  /** Brings the files up to what the feed says now. */
  async catchUp(head: Head): Promise<void> {
    const trimmed = trimmedStep(await readTrim(this.#order.feed))
    const { from, to } = rangeIn(head, this.#order, trimmed)
    if (this.#isFirst) await this.#lookAtStanding(head, from, to)
    await this.#removeParted(trimmed)
    await this.#renew(head)
    await this.#trim()
    let next = from
    while (next < to && !this.#order.signal?.aborted) {
      const file = this.#standing.at(next)
      next = file ? file.first + file.steps : await this.#write(head, next, Math.min(to, this.#standing.after(next)))
    }
    this.done.waiting = this.#order.to === null ? head.steps - to : 0
    this.#isFirst = false
  }

  async #lookAtStanding(head: Head, from: number, to: number): Promise<void> {
    const strangers = await this.#standing.findStrangers(this.#order.feed, head)
    await this.#standing.removeFiles(strangers)
    this.done.strange = strangers.length
    for (const { first, steps } of this.#standing.files)
      this.done.stood += Math.max(0, Math.min(first + steps, to) - Math.max(first, from))
  }

  /** Writes steps that stand in no file, those before `end`. Returns the first step that is not written: `end`, unless the signal came. */
  async #write(head: Head, from: number, end: number): Promise<number> {
    const reading = readFeed(this.#order.feed, { from, verify: 'files', spans: true })[Symbol.asyncIterator]()
    let writer: RowsWriter | null = null
    try {
      for (let step = from; step < end; step++) {
        // Before the step is read: what is recorded later is found by the next look.
        const takeDowns = await countTakeDowns(this.#order.feed)
        const { value: batch, done }: IteratorResult<FeedBatch> = await reading.next()
        if (done || this.#order.signal?.aborted) return writer?.first ?? step
        const isSameShape: boolean = writer?.batch === batch.samples && writer.length === batch.length
        if (writer && !isSameShape) writer = await this.#publish(writer)
        writer ??= await RowsWriter.begin(batch, this.#basis(head, takeDowns, 0))
        await writer.write(batch)
        this.#onStep(step, end)
        const isFull: boolean = step + 1 === end || step + 1 === gridEnd(step, this.#order.fileSteps)
        if (isFull) writer = await this.#publish(writer)
      }
      return end
    } finally {
      await writer?.[Symbol.asyncDispose]()
      await reading.return?.(undefined)
    }
  }

  async #publish(writer: RowsWriter): Promise<null> {
    this.#lock.check()
    const file = await writer.publish()
    this.#standing.add(file)
    this.done.files++
    this.done.steps += file.steps
    this.done.tokens += file.steps * file.batch * file.length
    this.done.bytes += writer.bytes
    await this.#trim()
    return null
  }

  /** Removes files that have documents otherwise and can't be made again, as some of their steps were let go: the others are written anew. */
  async #removeParted(trimmed: number): Promise<void> {
    const takeDowns = await countTakeDowns(this.#order.feed)
    const parted = this.#standing.files.filter(file => file.first < trimmed && file.takeDowns !== takeDowns)
    await this.#standing.removeFiles(parted)
    this.done.removed += parted.length
  }

  /** Makes files again that have documents otherwise than these are masked by now, and notes in the others that they were looked at. */
  async #renew(head: Head): Promise<void> {
    const takeDowns = await countTakeDowns(this.#order.feed)
    const older = this.#standing.files.filter(file => file.takeDowns !== takeDowns)
    if (older.length === 0) return
    const masks = new Masks(this.#order.feed)
    await masks.refresh()
    for (const file of older) {
      if (this.#order.signal?.aborted) return
      this.#lock.check()
      const isOld = await isOutdated(this.#dir, file, masks)
      const renewed = isOld ? await this.#makeAgain(head, file, takeDowns) : { ...file, takeDowns }
      if (!isOld) await writeDescription(this.#dir, renewed, this.#onEffect)
      this.#standing.add(renewed)
      if (!isOld) continue
      await this.#standing.removeData(file)
      this.done.renewed++
    }
  }

  async #makeAgain(head: Head, file: RowFile, takeDowns: number): Promise<RowFile> {
    const { first, steps, ids } = file
    let writer: RowsWriter | null = null
    try {
      for await (const batch of readFeed(this.#order.feed, { from: first, verify: 'files', spans: true })) {
        writer ??= await RowsWriter.begin(batch, this.#basis(head, takeDowns, editionOf(ids) + 1))
        await writer.write(batch)
        this.#onStep(batch.step, first + steps)
        if (batch.step === first + steps - 1) return await writer.publish()
      }
      throw new HeadraceError('corrupt', `the feed in ${this.#order.feed} ended before step ${first + steps}`)
    } finally {
      await writer?.[Symbol.asyncDispose]()
    }
  }

  /** Removes the files that are wholly before the steps that are kept. */
  async #trim(): Promise<void> {
    const { keepSteps } = this.#order
    const last = this.#standing.files.at(-1)
    if (keepSteps === null || !last) return
    const from = last.first + last.steps - keepSteps
    const before = this.#standing.files.filter(({ first, steps }) => first + steps <= from)
    await this.#standing.removeFiles(before)
    this.done.removed += before.length
  }

  #basis(head: Head, takeDowns: number, edition: number) {
    return { dir: this.#dir, head, takeDowns, edition, onEffect: this.#onEffect }
  }

  get #onEffect(): OnEffect {
    return this.#order.onEffect ?? (() => {})
  }
}

/** The steps that are to stand in files: whole ones, unless steps were named or none will follow, and none that were let go. */
function rangeIn({ steps, ended }: Head, { from, to, fileSteps, keepSteps }: MaterialiseOrder, trimmed: number) {
  const end = to ?? (ended || from !== null ? steps : steps - (steps % fileSteps))
  const kept = keepSteps === null ? 0 : Math.max(0, end - keepSteps)
  return { from: from ?? Math.max(kept - (kept % fileSteps), Math.min(trimmed, end)), to: end }
}
