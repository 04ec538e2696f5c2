import { type FileHandle, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeFolder, type OnEffect, syncFolder } from '../../disk/durable-file.ts'
import { isMissing } from '../../disk/files.ts'
import { readBytes, writeBytes } from '../../disk/transfer.ts'
import { HeadraceError, wrapDiskError } from '../../errors.ts'
import { type LineForm, StepOpener, snapshotUpTo } from '../plan/step-lines.ts'
import type { Step, Total } from './steps.ts'

/**
 * The ledger: steps as lines of JSON, `segmentSteps` to a file named after its first step. Only the lines before `head.json`'s count are
 * published; what stands after them is the tail of a crash and is written over.
 */
export function ledgerPath(step: number, segmentSteps: number): string {
  const first = step - (step % segmentSteps)
  return `steps/${String(first).padStart(8, '0')}.jsonl`
}

/** Appends lines. The first `published` of them are there already and are only compared. */
export class LedgerWriter implements AsyncDisposable {
  readonly #dir: string
  readonly #segmentSteps: number
  readonly #published: number
  readonly #onEffect: OnEffect
  #step = 0
  #known: string[] = []
  #pending: string[] = []
  #file: FileHandle | null = null
  #at = 0

  constructor(dir: string, segmentSteps: number, published: number, onEffect: OnEffect = () => {}) {
    this.#dir = dir
    this.#segmentSteps = segmentSteps
    this.#published = published
    this.#onEffect = onEffect
  }

  /** Adds the next step's line. One that was published and reads otherwise now throws `source-changed`. */
  async add(line: string): Promise<void> {
    if (this.#step % this.#segmentSteps === 0) await this.#beginSegment()
    if (this.#step < this.#published) {
      const index = this.#step % this.#segmentSteps
      if (this.#known[index] !== line)
        throw new HeadraceError(
          'source-changed',
          `step ${this.#step} was published as ${this.#known[index] ?? 'nothing'} and would now be ${line}; ` +
            'the shards, the manifest or the ledger were changed: put them back, or begin another feed',
        )
      this.#at += Buffer.byteLength(line) + 1
    } else this.#pending.push(line)
    this.#step++
  }

  /** Makes all lines last. Steps may be counted in the head only after this. */
  async sync(): Promise<void> {
    if (this.#pending.length === 0) return
    const path = join(this.#dir, ledgerPath(this.#step - 1, this.#segmentSteps))
    try {
      this.#onEffect(`append ${path}`)
      this.#file ??= await this.#openAtEnd(path)
      const bytes = Buffer.from(`${this.#pending.join('\n')}\n`)
      await writeBytes(this.#file, bytes, this.#at)
      this.#onEffect(`sync ${path}`)
      await this.#file.datasync()
      this.#at += bytes.length
      this.#pending = []
    } catch (error) {
      throw wrapDiskError(error, `appending to ${path}`)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close()
    this.#file = null
  }

  async #beginSegment(): Promise<void> {
    await this.sync()
    await this[Symbol.asyncDispose]()
    this.#at = 0
    this.#known = this.#step < this.#published ? await readLines(this.#dir, this.#step, this.#segmentSteps) : []
  }

  /** Opens the segment and cuts what a crash left after the published lines. */
  async #openAtEnd(path: string): Promise<FileHandle> {
    await makeFolder(dirname(path))
    const file = await open(path, this.#at === 0 ? 'w' : 'r+')
    await file.truncate(this.#at)
    await syncFolder(dirname(path))
    return file
  }
}

/** What of a head says how the ledger's lines are read. */
export type LedgerHead = LineForm & { readonly segmentSteps: number; readonly steps: number }

/**
 * Reads published steps' lines. Holds those of one segment; of one that has grown, what came since is read. A line that the head does not
 * count is never held: who goes on after a crash may write another there. One call at a time.
 */
export class LedgerReader {
  readonly #dir: string
  readonly #form: LedgerHead
  readonly #opener: StepOpener
  #published: number
  #first = -1
  #lines: string[] = []
  #bytes = 0

  constructor(dir: string, head: LedgerHead) {
    this.#dir = dir
    this.#form = head
    this.#published = head.steps
    this.#opener = new StepOpener(head)
  }

  /** Goes on to the steps of a later head. */
  advance({ steps }: Pick<LedgerHead, 'steps'>): void {
    this.#published = steps
  }

  /**
   * A published step. One that was altered, or that does not follow `previous`, throws `corrupt`. In order they cost a line each; any
   * other costs the lines from the snapshot before it.
   */
  async open(step: number, previous: string | null = null): Promise<Step> {
    if (!this.#opener.canOpen(step))
      for (let before = snapshotUpTo(step, this.#form); before < step; before++)
        this.#opener.open(await this.read(before), before, null)
    return this.#opener.open(await this.read(step), step, previous)
  }

  async read(step: number): Promise<string> {
    const index = step % this.#form.segmentSteps
    if (step - index !== this.#first) {
      this.#first = step - index
      this.#lines = []
      this.#bytes = 0
    }
    if (index >= this.#lines.length) await this.#readOn()
    const line = this.#lines[index]
    if (line !== undefined) return line
    const path = join(this.#dir, ledgerPath(step, this.#form.segmentSteps))
    throw new HeadraceError('corrupt', `${path} ends before step ${step}`)
  }

  async #readOn(): Promise<void> {
    const text = await readFrom(join(this.#dir, ledgerPath(this.#first, this.#form.segmentSteps)), this.#bytes)
    const lines = text.split('\n').slice(0, -1)
    for (const line of lines.slice(0, this.#published - this.#first - this.#lines.length)) {
      this.#lines.push(line)
      this.#bytes += Buffer.byteLength(line) + 1
    }
  }
}

/** What all published steps of a feed hold, by domain. */
export async function readTotals(dir: string, head: LedgerHead): Promise<Readonly<Record<string, Total>>> {
  return head.steps === 0 ? {} : (await new LedgerReader(dir, head).open(head.steps - 1)).totals
}

async function readLines(dir: string, step: number, segmentSteps: number): Promise<string[]> {
  return (await readFrom(join(dir, ledgerPath(step, segmentSteps)), 0)).split('\n').slice(0, -1)
}

/** The text of a segment from a byte on. */
async function readFrom(path: string, at: number): Promise<string> {
  try {
    await using file = await open(path)
    const { size } = await file.stat()
    return Buffer.from(await readBytes(file, at, Math.max(0, size - at))).toString()
  } catch (error) {
    if (isMissing(error)) throw new HeadraceError('corrupt', `the ledger's file ${path} is missing`)
    throw wrapDiskError(error, `reading ${path}`)
  }
}
