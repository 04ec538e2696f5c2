import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder, syncFolder } from '../../disk/durable-file.ts'
import { readText, sizeOf } from '../../disk/files.ts'
import { isCount } from '../../disk/json-file.ts'
import { type Lock, lockDirectory } from '../../disk/lock.ts'
import { readBytes, writeBytes } from '../../disk/transfer.ts'
import { wrapDiskError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import { readHead, sharedSteps } from './head.ts'
import { listReportFiles, listTrainers, parseFirst, parseReport, trainersOf } from './reports.ts'

/** Why reports are not taken: they are none, something else was reported under their numbers, or there is no room for them. */
export class RefusedReports extends Error {
  readonly kind: 'bad' | 'conflict' | 'full'

  constructor(kind: 'bad' | 'conflict' | 'full', message: string) {
    super(message)
    this.kind = kind
  }
}

/** What came of reports: the number of the last one that is there, and how many of those that came were not. */
export interface TakenReports {
  readonly last: number
  readonly added: number
}

/** A file of reports as it lies on the disk. */
interface ReportFile {
  readonly path: string
  readonly opening: string
  bytes: number
  last: number
}

interface Line {
  readonly n: number
  readonly text: string
}

/**
 * Writes down what trainers report to a server, as files that `readReports` reads. A start of a trainer has a name of its own (`start` in its
 * first line) and a file, and each line a number (`n`) that rises within it: a line that came before is the same again, or refused. One
 * process a feed; a trainer that writes its own files into the same folder is left alone.
 */
export class ReportFiles implements AsyncDisposable {
  readonly #dir: string
  readonly #lock: Lock
  readonly #note: (text: string) => void
  readonly #files = new Map<string, ReportFile>()
  #last: Promise<unknown> = Promise.resolve()

  private constructor(dir: string, lock: Lock, note: (text: string) => void) {
    this.#dir = dir
    this.#lock = lock
    this.#note = note
  }

  /** Throws `locked` where another server takes the reports of this feed. `note` is told of what was repaired. */
  static async open(dir: string, note: (text: string) => void = () => {}): Promise<ReportFiles> {
    // No name of a trainer begins with a dot.
    const folder = join(trainersOf(dir), '.server')
    await makeFolder(folder)
    return new ReportFiles(dir, await lockDirectory(folder), note)
  }

  /**
   * Takes a first line and reports, each with its line's end, and returns once they last. All of them are taken or none. Throws
   * `RefusedReports`, and `disk` where the disk refused: the same again is fine then.
   */
  take(trainer: string, body: Uint8Array): Promise<TakenReports> {
    const work = this.#last.then(() => this.#take(trainer, body))
    this.#last = work.catch(() => {})
    return work
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last
    await this.#lock[Symbol.asyncDispose]()
  }

  async #take(trainer: string, body: Uint8Array): Promise<TakenReports> {
    const { opening, start, lines } = await this.#parse(trainer, body)
    this.#lock.check()
    const name = `${trainer}/${start}`
    const file = (await this.#find(trainer, start)) ?? (await this.#begin(trainer, opening))
    this.#remember(name, file)
    if (file.opening !== opening)
      throw new RefusedReports('conflict', `start ${start} was begun with another first line: ${clip(file.opening)}`)
    const known = lines.filter(({ n }) => n <= file.last)
    if (known.length > 0) await checkSame(file, known)
    const added = lines.slice(known.length)
    const bytes = Buffer.from(added.map(({ text }) => `${text}\n`).join(''))
    if (file.bytes + bytes.length > limits.reportFileBytesMax)
      throw new RefusedReports(
        'full',
        `a start has ${limits.reportFileBytesMax} bytes of reports at most: begin another`,
      )
    try {
      if (bytes.length > 0) await append(file, bytes)
    } catch (error) {
      // What of it is there is found out by the next look.
      this.#files.delete(name)
      throw wrapDiskError(error, `appending to ${file.path}`)
    }
    file.bytes += bytes.length
    file.last = added.at(-1)?.n ?? file.last
    return { last: file.last, added: added.length }
  }

  async #parse(trainer: string, body: Uint8Array) {
    const texts = splitLines(body)
    const feed = parseFirst(texts[0], trainer)
    const start = startOf(texts[0])
    if (feed === null || start === null || texts[0].length > openingLengthMax)
      throw new RefusedReports('bad', `the first line does not say which start of '${trainer}' reports to which feed`)
    const head = await readHead(this.#dir)
    if (!head || sharedSteps(head, feed) < 0)
      throw new RefusedReports('bad', `they are of feed ${feed.slice(0, 12)}, and this is another`)
    const lines = texts.slice(1).map((text, i): Line => ({ text, n: numberOf(text, i + 2) }))
    const fallen = lines.findIndex(({ n }, i) => n <= (lines[i - 1]?.n ?? 0))
    if (fallen >= 0) throw new RefusedReports('bad', `line ${fallen + 2} has a number that does not rise`)
    return { opening: texts[0], start, lines }
  }

  /** The file of a start, as it is on the disk; null where there is none. */
  async #find(trainer: string, start: string): Promise<ReportFile | null> {
    const known = this.#files.get(`${trainer}/${start}`)
    if (known && (await sizeOf(known.path)) === known.bytes) return known
    const folder = join(trainersOf(this.#dir), trainer)
    for (const name of (await listReportFiles(this.#dir, trainer)).reverse()) {
      const path = join(folder, name)
      if (startOf(await readFirst(path)) === start) return await this.#look(path)
    }
    return null
  }

  /** Makes last what a killed server has written of a file, and cuts the line that it was at. */
  async #look(path: string): Promise<ReportFile> {
    const text = (await readText(path)) ?? ''
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    const bytes = Buffer.byteLength(whole)
    await using file = await open(path, 'r+')
    const { size } = await file.stat()
    if (size > bytes) {
      await file.truncate(bytes)
      this.#note(`${path} ended in the middle of a line that nobody was told was taken: it is cut off`)
    }
    await file.sync()
    const lines = whole.split('\n').slice(0, -1)
    return { path, opening: lines[0], bytes, last: lines.length > 1 ? (parseNumber(lines.at(-1)!) ?? 0) : 0 }
  }

  async #begin(trainer: string, opening: string): Promise<ReportFile> {
    const trainers = await listTrainers(this.#dir)
    if (!trainers.includes(trainer) && trainers.length >= limits.trainersMax)
      throw new RefusedReports(
        'full',
        `${limits.trainersMax} trainers report to this feed, which is the most: remove old folders of trainers/`,
      )
    const names = await listReportFiles(this.#dir, trainer)
    if (names.length >= limits.reportFilesMax)
      throw new RefusedReports(
        'full',
        `'${trainer}' has ${names.length} files of reports, which is the most: remove old ones`,
      )
    const folder = join(trainersOf(this.#dir), trainer)
    await makeFolder(folder)
    const number = names.length > 0 ? Number.parseInt(names.at(-1)!, 10) + 1 : 0
    const path = join(folder, `${String(number).padStart(8, '0')}.jsonl`)
    const file = { path, opening, bytes: 0, last: 0 }
    try {
      const bytes = Buffer.from(`${opening}\n`)
      await append(file, bytes, 'wx')
      await syncFolder(folder)
      return { ...file, bytes: bytes.length }
    } catch (error) {
      throw wrapDiskError(error, `writing ${path}`)
    }
  }

  #remember(name: string, file: ReportFile): void {
    this.#files.delete(name)
    this.#files.set(name, file)
    const [oldest] = this.#files.keys()
    if (this.#files.size > limits.trainersMax) this.#files.delete(oldest)
  }
}

/** The lines of a body, which has one at least and ends with its last one. */
function splitLines(body: Uint8Array): string[] {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch {
    throw new RefusedReports('bad', 'they are no UTF-8')
  }
  const lines = text.split('\n')
  if (lines.pop() !== '' || lines.length === 0) throw new RefusedReports('bad', 'they do not end with a whole line')
  return lines
}

function numberOf(text: string, line: number): number {
  const n = parseReport(text) === null ? null : parseNumber(text)
  if (n !== null) return n
  throw new RefusedReports('bad', `line ${line} is no report with a number: ${clip(text)}`)
}

/** The number of a line that is a report. */
function parseNumber(text: string): number | null {
  const { n } = JSON.parse(text) as { n?: unknown }
  return isCount(n) && n !== 0 ? Number(n) : null
}

/** The start that a first line names; null where it names none, as one that a trainer wrote itself. */
function startOf(line: string): string | null {
  try {
    const start = (JSON.parse(line) as { start?: unknown } | null)?.start
    return typeof start === 'string' && /^[0-9a-f]{32}$/.test(start) ? start : null
  } catch {
    return null
  }
}

/** Throws `conflict` unless each of these lines is in the file, byte for byte. */
async function checkSame(file: ReportFile, lines: readonly Line[]): Promise<void> {
  const there = new Set(((await readText(file.path)) ?? '').split('\n'))
  const other = lines.find(({ text }) => !there.has(text))
  if (other) throw new RefusedReports('conflict', `something else was reported as number ${other.n} of this start`)
}

async function append(file: ReportFile, bytes: Uint8Array, flags: 'r+' | 'wx' = 'r+'): Promise<void> {
  await using opened = await open(file.path, flags)
  await writeBytes(opened, bytes, file.bytes)
  await opened.datasync()
}

/** UTF-16 units of a first line, and the bytes that are read to find one: each unit has three at most. */
const openingLengthMax = 1024
const firstBytesMax = 4096

async function readFirst(path: string): Promise<string> {
  await using file = await open(path)
  return Buffer.from(await readBytes(file, 0, firstBytesMax))
    .toString()
    .split('\n', 1)[0]
}

const clip = (text: string) => JSON.stringify(text.length > 200 ? `${text.slice(0, 200)} ...` : text)
