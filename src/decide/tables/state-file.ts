import { type FileHandle, open } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { readBytes, writeBytes } from '../../disk/transfer.ts'
import { assert, HeadraceError, wrapDiskError } from '../../errors.ts'
import { limits } from '../../limits.ts'

/** What a file says of itself: one line of JSON, in which `run` stands too unless it is null. */
export interface FileAbout {
  readonly run: string | null
  readonly text: string
}

/** The tables are another run's: what they would call a copy, this run has never seen. */
export function refuseOtherRun(path: string): HeadraceError {
  return new HeadraceError(
    'corrupt',
    `the state file ${path} was filled by another run: put this run's own back, or remove it to decide all slots again`,
  )
}

const magic = 'headrace state 1\n'
const frameHeadBytes = 8

/**
 * The file: frames of uint32 payload length, uint32 CRC-32 of the payload, payload. The first is the header, each other one a
 * seal. It is never synced: a frame that a crash tore or left out is cut off with all after it, and its slots are decided again.
 * That is safe because a seal follows the log's durable commit, so the file may lag the log but can't lead it.
 */
export class StateFile {
  readonly #path: string
  readonly #file: FileHandle
  readonly #bytes: number
  #end = 0

  private constructor(path: string, file: FileHandle, bytes: number) {
    this.#path = path
    this.#file = file
    this.#bytes = bytes
  }

  /** Opens or makes the file. `about.text` must be equal to the file's. */
  static async open(path: string, about: FileAbout): Promise<StateFile> {
    const handle = await open(path, 'r+').catch(error => {
      if (error.code === 'ENOENT') return open(path, 'w+')
      throw error
    })
    const file = new StateFile(path, handle, (await handle.stat()).size)
    try {
      await file.#checkHeader(Buffer.from(magic + about.text), about.run)
    } catch (error) {
      await handle.close()
      throw error
    }
    return file
  }

  async #checkHeader(header: Buffer, run: string | null): Promise<void> {
    const found = await this.#readFrame()
    if (found === null) {
      await this.#refuseForeign()
      await this.#file.truncate(0)
      return this.append(header)
    }
    if (found.equals(header)) return
    if (!found.toString('latin1').startsWith(magic)) throw this.#foreign()
    if (runOf(found) !== run) throw refuseOtherRun(this.#path)
    throw new HeadraceError(
      'bad-pipeline',
      `the state file ${this.#path} was filled by other deciders (${found.subarray(magic.length)}; now ` +
        `${header.subarray(magic.length)}): take back the change, start a new run, or remove the file to decide all slots again`,
    )
  }

  /** A first frame that can't be read is ours if it is a torn header, with zeros where bytes were lost; else the file is someone else's. */
  async #refuseForeign(): Promise<void> {
    const start = await this.#read(0, Math.min(this.#bytes, frameHeadBytes + magic.length))
    const isTorn = start.subarray(frameHeadBytes).every((byte, i) => byte === 0 || byte === magic.charCodeAt(i))
    if (!isTorn) throw this.#foreign()
  }

  #foreign(): HeadraceError {
    return new HeadraceError('corrupt', `${this.#path} is not a state file of Headrace: give another path or remove it`)
  }

  /**
   * Hands each sealed payload to `restore` with the slot of the one before, and returns the last one's. What is torn, or does not follow
   * (`restore` gives null), is cut off with all behind it.
   */
  async replay(restore: (payload: Buffer, from: number) => number | null): Promise<number> {
    let slot = 0
    for (let payload = await this.#readFrame(); payload !== null; payload = await this.#readFrame()) {
      const next = restore(payload, slot)
      if (next === null) {
        this.#end -= frameHeadBytes + payload.length
        break
      }
      slot = next
    }
    if (this.#bytes > this.#end) await this.#file.truncate(this.#end)
    return slot
  }

  /** The next whole frame's payload, or null at the end or at a torn frame. */
  async #readFrame(): Promise<Buffer | null> {
    const head = await this.#read(this.#end, frameHeadBytes)
    if (head.length < frameHeadBytes) return null
    const length = head.readUInt32LE(0)
    if (length === 0 || length > limits.frameBytesMax) return null
    if (this.#end + frameHeadBytes + length > this.#bytes) return null
    const payload = await this.#read(this.#end + frameHeadBytes, length)
    if (payload.length < length || crc32(payload) !== head.readUInt32LE(4)) return null
    this.#end += frameHeadBytes + length
    return payload
  }

  async #read(at: number, length: number): Promise<Buffer> {
    return Buffer.from((await readBytes(this.#file, at, length)).buffer)
  }

  async append(payload: Uint8Array): Promise<void> {
    assert(payload.length <= limits.frameBytesMax, `a seal of ${payload.length} bytes: seal more often`)
    const frame = Buffer.alloc(frameHeadBytes + payload.length)
    frame.writeUInt32LE(payload.length, 0)
    frame.writeUInt32LE(crc32(payload), 4)
    frame.set(payload, frameHeadBytes)
    const at = this.#end
    this.#end += frame.length
    try {
      await writeBytes(this.#file, frame, at)
    } catch (error) {
      throw wrapDiskError(error, `writing the state file ${this.#path}`)
    }
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}

/** The run that a header names, or null. */
function runOf(header: Buffer): string | null {
  try {
    const { run } = JSON.parse(header.toString('utf8', magic.length))
    return typeof run === 'string' ? run : null
  } catch {
    return null
  }
}
