import { createHash } from 'node:crypto'
import type { Split } from '../source.ts'
import { refuseReplaced } from './file-errors.ts'
import type { InputFile } from './input-file.ts'

const stampBytes = 64 * 1024

/**
 * A file's size and a hash of its first and last 64 KB: the same for a copy with another time, another when a file was cut, grew or was
 * written anew. An edit between these ends is noticed by what is hashed as the file is read.
 */
export async function stampOf(file: Pick<InputFile, 'size' | 'read'>): Promise<string> {
  const hash = createHash('sha256')
  hash.update(await file.read(0, Math.min(stampBytes, file.size)))
  hash.update(await file.read(Math.max(0, file.size - stampBytes), file.size))
  return `${file.size}-${hash.digest('hex').slice(0, 16)}`
}

/** Files that are remembered until they are read; those beyond are stamped once more then. */
const rememberedMax = 100_000

/** How files were when they were stamped, so that whoever reads them learns at little cost whether they still are. */
export class StampedFiles {
  readonly #files = new Map<string, { readonly identity: string; readonly stamp: string }>()

  async stamp(name: string, file: InputFile): Promise<string> {
    const stamp = await stampOf(file)
    const { identity } = file
    if (identity !== null && this.#files.size < rememberedMax) this.#files.set(name, { identity, stamp })
    return stamp
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
