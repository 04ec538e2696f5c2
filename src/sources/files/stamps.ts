import { createHash } from 'node:crypto'
import type { Split } from '../source.ts'
import { refuseReplaced } from './file-errors.ts'
import { HeldFiles } from './held-files.ts'
import type { Identity, InputFile } from './input-file.ts'

/** A file of no more is read whole for its stamp. */
export const stampBytes = 64 * 1024

/**
 * A file's size and a hash of its first and last 64 KB: the same for a copy with another time, another when a file was cut, grew or was
 * written anew. An edit between these ends is noticed by what is hashed as the file is read.
 */
export async function stampOf(file: Pick<InputFile, 'size' | 'read'>): Promise<string> {
  return (await readEnds(file)).stamp
}

/** A file's stamp and its first bytes, which of a small file are all and its last ones too. */
async function readEnds(file: Pick<InputFile, 'size' | 'read'>) {
  const { size } = file
  const first = await file.read(0, Math.min(stampBytes, size))
  const last = size <= stampBytes ? first : await file.read(size - stampBytes, size)
  return { stamp: makeStamp(size, first, last), first }
}

/** The stamp of a file of this size, by its first and last `stampBytes`. */
export function makeStamp(size: number, first: Uint8Array, last: Uint8Array): string {
  const hash = createHash('sha256').update(first).update(last)
  return `${size}-${hash.digest('hex').slice(0, 16)}`
}

/** What was read of a file at once, as a file: nobody can change it. */
function fileOf(bytes: Uint8Array, identity: Identity): InputFile {
  const size = bytes.length
  return {
    size,
    identity,
    look: async () => ({ size, identity }),
    read: async (start, end) => new Uint8Array(bytes.subarray(start, end)),
    [Symbol.asyncDispose]: async () => {},
  }
}

/** Files that are remembered until they are read; those beyond are stamped once more then. */
const rememberedMax = 100_000

/** How files were when they were stamped, so that whoever reads them learns at little cost whether they still are. */
export class StampedFiles {
  readonly #files = new Map<string, { readonly identity: string; readonly stamp: string }>()
  readonly #held = new HeldFiles()

  async stamp(name: string, file: InputFile): Promise<string> {
    const { stamp, first } = await readEnds(file)
    this.remember(name, file.identity, stamp, first.length === file.size ? first : null)
    return stamp
  }

  /** Remembers a file that was stamped, and holds its bytes where these are all. */
  remember(name: string, identity: Identity, stamp: string, bytes: Uint8Array | null): void {
    if (identity === null || this.#files.size >= rememberedMax) return
    this.#files.set(name, { identity, stamp })
    if (bytes) this.#held.hold(name, bytes)
  }

  /** A split's file as it was stamped, where all of it is held and the system says that it is still the same; else null. */
  takeHeld({ name, stamp }: Split, look: (name: string) => Identity): InputFile | null {
    const bytes = this.#held.take(name)
    const known = this.#files.get(name)
    if (!bytes || known?.stamp !== stamp || known.identity !== look(name)) return null
    return fileOf(bytes, known.identity)
  }

  /** Throws 'source-changed' unless the open file is the one that has the split's stamp. A split without a stamp may be any. */
  async check({ name, stamp }: Split, file: InputFile): Promise<void> {
    const known = this.#files.get(name)
    this.#files.delete(name)
    if (stamp === '' || (known?.stamp === stamp && known.identity === file.identity)) return
    const now = await stampOf(file)
    if (now !== stamp) throw refuseReplaced(name, `was ${stamp} when it was listed and is ${now} now`)
  }
}
