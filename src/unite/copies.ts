import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeFolder, type OnEffect, syncFolder } from '../disk/durable-file.ts'
import { sizeOf } from '../disk/files.ts'
import { writeBytes } from '../disk/transfer.ts'
import { HeadraceError, wrapDiskError } from '../errors.ts'

/** A document, by its run's number in the feed and its place in that run. */
export interface CopyPlace {
  readonly run: number
  readonly slot: number
  readonly row: number
}

/** A line of a file of copies: a document that is left out, and what it repeats. `domain` is the one that it would be fed in. */
export interface CopyLine extends CopyPlace {
  readonly id: string
  readonly domain: string
  readonly reason: string
  readonly similarity: number
  readonly of: CopyPlace
}

/** Where copies go as they are found. */
export interface CopySink extends AsyncDisposable {
  add(line: CopyLine): Promise<void>
  /** The path, from the feed's folder, of the file that all of them make. */
  end(): Promise<string>
}

const encodeLine = (line: CopyLine) => `${JSON.stringify(line)}\n`
const nameCopies = (hash: Hash) => `joined/${hash.digest('hex')}.copies.jsonl`

/** Tells which file copies make, and writes none. */
export class CopiesHash implements CopySink {
  readonly #hash = createHash('sha256')

  async add(line: CopyLine): Promise<void> {
    this.#hash.update(encodeLine(line))
  }

  async end(): Promise<string> {
    return nameCopies(this.#hash)
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

const bufferBytes = 1 << 20

/** Writes a file of copies below a feed's folder, a line of JSON each, as they come: it is named by its SHA-256 in the end. */
export class CopiesWriter implements CopySink {
  readonly #dir: string
  readonly #draft: string
  readonly #file: FileHandle
  readonly #onEffect: OnEffect | undefined
  readonly #hash: Hash = createHash('sha256')
  #lines: string[] = []
  #length = 0
  #at = 0

  private constructor(dir: string, draft: string, file: FileHandle, onEffect: OnEffect | undefined) {
    this.#dir = dir
    this.#draft = draft
    this.#file = file
    this.#onEffect = onEffect
  }

  static async open(dir: string, onEffect?: OnEffect): Promise<CopiesWriter> {
    const draft = join(dir, 'joined', 'copies.jsonl.tmp')
    await makeFolder(dirname(draft))
    onEffect?.(`write ${draft}`)
    try {
      return new CopiesWriter(dir, draft, await open(draft, 'w'), onEffect)
    } catch (error) {
      throw wrapDiskError(error, `writing ${draft}`)
    }
  }

  async add(line: CopyLine): Promise<void> {
    const text = encodeLine(line)
    this.#lines.push(text)
    this.#length += text.length
    if (this.#length >= bufferBytes) await this.#flush()
  }

  async end(): Promise<string> {
    await this.#flush()
    const name = nameCopies(this.#hash)
    try {
      await this.#file.sync()
      this.#onEffect?.(`rename ${name}`)
      await rename(this.#draft, join(this.#dir, name))
    } catch (error) {
      throw wrapDiskError(error, `writing ${this.#draft}`)
    }
    await syncFolder(dirname(this.#draft))
    return name
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
    await rm(this.#draft, { force: true })
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.from(this.#lines.join(''))
    this.#lines = []
    this.#length = 0
    this.#hash.update(bytes)
    try {
      await writeBytes(this.#file, bytes, this.#at)
    } catch (error) {
      throw wrapDiskError(error, `writing ${this.#draft}`)
    }
    this.#at += bytes.length
  }
}

/** Reads a file of copies line by line. Throws `corrupt` where it is missing, or, at its end, another. */
export async function* readCopies(dir: string, name: string): AsyncGenerator<CopyLine> {
  const path = join(dir, name)
  const refuse = (what: string) =>
    new HeadraceError(
      'corrupt',
      `${path} ${what}: restore it from a copy; it says which documents a feed leaves out, and why`,
    )
  if ((await sizeOf(path)) === null) throw refuse('is missing')
  const hash = createHash('sha256')
  for await (const line of readLines(path, hash)) {
    let copy: CopyLine
    try {
      copy = JSON.parse(line)
    } catch {
      throw refuse('is damaged')
    }
    yield copy
  }
  if (name !== nameCopies(hash)) throw refuse('is damaged')
}

/** Not Node's own reader of lines, which ends one at signs that an id may have. */
async function* readLines(path: string, hash: Hash): AsyncGenerator<string> {
  let rest = ''
  for await (const text of createReadStream(path, 'utf8')) {
    hash.update(text)
    const lines = `${rest}${text}`.split('\n')
    rest = lines.pop()!
    yield* lines
  }
  if (rest !== '') yield rest
}
