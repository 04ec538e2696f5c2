import { utf8 } from '../batch/batch.ts'
import type { DeadRecord } from '../sources/source.ts'
import { sourceFor } from './input.ts'
import { formatPlural } from './table.ts'
import { cleanName, cleanPath } from './wrap.ts'

/** What could not be read of texts: how many records, and the first one. */
export class Unread {
  #count = 0
  #first: (DeadRecord & { readonly split: string }) | null = null

  add(split: string, dead: readonly DeadRecord[]): void {
    this.#count += dead.length
    if (dead.length > 0) this.#first ??= { split, ...dead[0] }
  }

  get count(): number {
    return this.#count
  }

  /** A line that tells of it, or nothing. */
  describe(): string {
    if (!this.#first) return ''
    const { split, line, reason, detail } = this.#first
    const where = `${cleanPath(split)}${line > 0 ? `:${line}` : ''}`
    return `${formatPlural(this.#count, 'record')} could not be read: the first is ${where}, ${reason} (${cleanName(detail, 200)})\n`
  }
}

/** Throws what reading would where a path or glob of these names nothing, before anything is read. */
export async function checkInput(input: readonly string[], fields: { readonly text: string }): Promise<void> {
  const { signal } = new AbortController()
  for await (const _ of sourceFor(input, fields).splits(signal)) return
}

/** The texts (UTF-8) of paths and globs, one after another. Records that can't be read are counted in `unread`. */
export async function* readTexts(
  input: readonly string[],
  fields: { readonly text: string },
  unread: Unread,
): AsyncGenerator<Uint8Array> {
  const source = sourceFor(input, fields)
  const { signal } = new AbortController()
  for await (const split of source.splits(signal))
    for await (const chunk of source.read(split, { offset: 0, line: 1 }, signal)) {
      const { batch, dead } = await source.parse(chunk)
      unread.add(split.name, [...chunk.dead, ...dead])
      const { bytes, offsets } = utf8(batch, 'text')
      for (let row = 0; row < batch.rows; row++) yield bytes.subarray(offsets[row], offsets[row + 1])
    }
}
