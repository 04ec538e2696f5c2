import { type FileHandle, open, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { crc32 } from 'node:zlib'
import { isMissing } from '../disk/files.ts'
import { readBytes } from '../disk/transfer.ts'
import { type Chain, chainFiles, type JournalFile, listJournal } from '../log/journal/files.ts'
import {
  decodeHeader,
  decodePrefix,
  type FrameBase,
  type FrameHeader,
  framePrefixBytes,
  type Span,
} from '../log/journal/frame.ts'
import { advices, byteAt, type Check, fileAt } from './check.ts'
import type { LoggedCommit, StageScan, TornTail } from './log.ts'

/** A frame that was read whole. `values` has null where a value does not match its checksum. */
interface Frame {
  /** Relative to the run's folder. */
  readonly file: string
  readonly at: number
  readonly bodyAt: number
  readonly end: number
  readonly header: FrameHeader
  readonly values: readonly (Uint8Array | null)[]
}

/** A file as it was when the verification began: what is written later is not looked at. */
type SeenFile = Chain['files'][number] & { readonly bytes: number; readonly name: string }

/**
 * Reads a stage's whole journal, one frame in memory at a time, and holds every byte of its history against its checksums, commits
 * against their numbers and entries against their offsets.
 */
export class JournalScan implements StageScan {
  readonly #files: readonly SeenFile[]
  readonly #check: Check
  /** The last file, held open, as a start may put a copy in its place. */
  readonly #last: FileHandle | null
  readonly #offsets = new Map<string, bigint>()
  #isAfterDamage = false
  isDamaged = false
  /** The files that held the first commits are gone. */
  readonly beginsLate: boolean
  tail: TornTail | null = null
  bytes = 0

  private constructor(files: readonly SeenFile[], check: Check, last: FileHandle | null, isTrimmed: boolean) {
    this.#files = files
    this.#check = check
    this.#last = last
    this.beginsLate = (files[0]?.commit ?? 0) > 0
    if (!this.beginsLate || isTrimmed) return
    this.isDamaged = true
    const what = `the log begins with commit ${files[0].commit}: the files before are missing`
    check.fail(fileAt(files[0].name), what, advices.restore)
  }

  /** What is there of a stage's journal now; nothing where the stage has not begun. `isTrimmed`: its first files may be gone. */
  static async open(dir: string, stage: string, check: Check, isTrimmed = false): Promise<JournalScan> {
    const folder = join('log', stage)
    const list = () => check.attempt(fileAt(folder), advices.restore, () => listJournal(join(dir, folder)))
    const found = (await list()) ?? { files: [] }
    const newest = found.files.at(-1)
    if (!newest) return new JournalScan([], check, null, isTrimmed)
    const last = await open(newest.path, 'r').catch(async error => {
      // A start has put a copy in its place since it was listed.
      if (!isMissing(error) || (await list())?.files.at(-1)?.path === newest.path) throw error
      return null
    })
    if (!last) return JournalScan.open(dir, stage, check, isTrimmed)
    const base = await readFrame(last, newest.path, 0, (await last.stat()).size)
    const chain = chainFiles(found.files, base?.header.base?.epochs ?? guessHistory(found.files))
    const files: SeenFile[] = []
    for (const file of chain.files)
      files.push({
        ...file,
        name: relative(dir, file.path),
        bytes: (file.path === newest.path ? await last.stat() : await stat(file.path)).size,
      })
    return new JournalScan(files, check, last, isTrimmed)
  }

  async *commits(): AsyncGenerator<LoggedCommit> {
    for await (const { file, at, header, values } of this.frames()) {
      const where = byteAt(file, at)
      const entries = header.appends.map(({ topic, partition, headers }, i) => {
        return { ...where, topic, partition, headers, value: values[i] }
      })
      yield { ...where, positions: header.positions, entries }
    }
  }

  async *frames(): AsyncGenerator<Frame> {
    for (const file of this.#files) {
      const isLast = file === this.#files.at(-1)
      const handle = isLast && this.#last ? this.#last : await open(file.path, 'r')
      try {
        yield* this.#scan(handle, file, isLast)
      } finally {
        if (handle !== this.#last) await handle.close()
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last?.close()
  }

  async *#scan(handle: FileHandle, file: SeenFile, isLast: boolean): AsyncGenerator<Frame> {
    let next = file.commit
    let hasBase = false
    for (let at = 0; at < file.bytes && (next < file.end || !hasBase); ) {
      const frame = await readFrame(handle, file.name, at, file.bytes)
      const isCut = !frame || (frame.values.includes(null) && frame.end === file.bytes)
      const after = isCut ? await findFrame(handle, frame?.end ?? at + 8, file.bytes) : 0
      if (isCut && after < 0 && isLast && at > 0) {
        this.tail = { file: file.name, at, bytes: file.bytes - at }
        return
      }
      if (!frame) {
        const bytes = (after < 0 ? file.bytes : after) - at
        this.#fail(file, at, `${bytes} bytes are no whole frame`)
        if (after < 0) return
        at = after
        hasBase = true
        continue
      }
      at = frame.end
      this.bytes += frame.end - frame.at
      const { base, commit } = frame.header
      if (base) this.#checkBase(file, frame, base, hasBase)
      else if (commit < next) {
        const what = `commit ${commit} stands here a second time; commit ${next} was expected`
        this.#check.fail(byteAt(file.name, frame.at), what, advices.restore)
      } else {
        if (!hasBase) this.#fail(file, frame.at, 'the file does not begin with where its stage stood')
        const gap = `commit ${commit} stands here and commit ${next} was expected: those between are missing`
        if (commit > next && !this.#isAfterDamage) this.#fail(file, frame.at, gap)
        next = commit + 1
        this.#checkEntries(file, frame)
        yield frame
      }
      hasBase = true
    }
    if (next < file.end && Number.isFinite(file.end))
      this.#fail(file, file.bytes, `the file ends with commit ${next - 1}, and the next one begins with ${file.end}`)
  }

  /** Committed bytes are lost: what depends on them can't be checked, and numbers go on behind them. */
  #fail(file: SeenFile, at: number, what: string): void {
    this.#check.fail(byteAt(file.name, at), what, advices.restore)
    this.isDamaged = this.#isAfterDamage = true
  }

  #checkBase(file: SeenFile, frame: Frame, base: FrameBase, isSecond: boolean): void {
    this.#check.counted++
    const fail = (what: string) => this.#check.fail(byteAt(file.name, frame.at), what, advices.restore)
    if (isSecond) fail('a second frame says where its stage stood')
    else if (frame.header.commit !== file.commit)
      fail(`it begins with commit ${frame.header.commit}, which is not in its name`)
    for (const { topic, partition, offset } of base.next) this.#take(`${topic}/${partition}`, BigInt(offset), 0n, fail)
    this.#isAfterDamage = false
  }

  #checkEntries(file: SeenFile, frame: Frame): void {
    this.#check.counted++
    const fail = (what: string, byte = frame.at) => this.#check.fail(byteAt(file.name, byte), what, advices.restore)
    let at = frame.bodyAt
    for (const [i, { topic, partition, offset, length }] of frame.header.appends.entries()) {
      if (frame.values[i] === null) {
        fail(`entry ${topic}/${partition}:${offset} does not match its checksum`, at)
        this.isDamaged = true
      }
      this.#take(`${topic}/${partition}`, BigInt(offset), 1n, fail)
      at += length
    }
    this.#isAfterDamage = false
  }

  /** Holds an offset against the one before it; `entries` are taken. */
  #take(key: string, offset: bigint, entries: bigint, fail: (what: string) => void): void {
    const expected = this.#offsets.get(key) ?? (this.beginsLate ? offset : 0n)
    if (offset !== expected && !this.#isAfterDamage)
      fail(`${key} has offset ${offset} here, and ${expected} was expected`)
    this.#offsets.set(key, offset + entries)
  }
}

/** Whose commits are whose, where the newest file does not say: each epoch's end where the next one begins. */
function guessHistory(files: readonly JournalFile[]): Span[] {
  const first = new Map<number, number>()
  for (const { epoch, commit } of files) first.set(epoch, Math.min(commit, first.get(epoch) ?? commit))
  return [...first].map(([epoch, commit]) => ({ epoch, commit }))
}

async function readFrame(handle: FileHandle, file: string, at: number, size: number): Promise<Frame | null> {
  const prefix = decodePrefix(await readBytes(handle, at, Math.min(framePrefixBytes, size - at)))
  if (!prefix || at + prefix.frameLength > size) return null
  const bodyAt = at + framePrefixBytes + prefix.headerLength
  const header = decodeHeader(prefix, await readBytes(handle, at + framePrefixBytes, prefix.headerLength))
  if (!header) return null
  // The body has a buffer of its own, so that its batches, which are multiples of 8 bytes, are viewed without a copy.
  const body = await readBytes(handle, bodyAt, prefix.bodyLength)
  let from = 0
  const values = header.appends.map(append => {
    const value = body.subarray(from, from + append.length)
    from += append.length
    return value.length === append.length && crc32(value) === append.crc ? value : null
  })
  return { file, at, header, values, bodyAt, end: at + prefix.frameLength }
}

/** Where the next whole header begins at `from` or behind, or -1. Frames begin at multiples of 8. */
async function findFrame(handle: FileHandle, from: number, end: number): Promise<number> {
  const step = 1024 * 1024
  for (; from < end; from += step) {
    const bytes = await readBytes(handle, from, Math.min(step + framePrefixBytes, end - from))
    for (let i = 0; i < Math.min(step, bytes.length); i += 8) {
      const prefix = decodePrefix(bytes.subarray(i, i + framePrefixBytes))
      if (!prefix || from + i + prefix.frameLength > end) continue
      if (decodeHeader(prefix, await readBytes(handle, from + i + framePrefixBytes, prefix.headerLength)))
        return from + i
    }
  }
  return -1
}
