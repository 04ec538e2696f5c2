import type { Utf8Column } from './batch.ts'

/** The strings of a column. With `names` those that were met before are not made again. */
export class Strings {
  readonly #column: Utf8Column
  readonly #names: Names | null
  /** A packed column is unpacked when it is first read, and many are not. */
  #bytes: Buffer | null = null

  constructor(column: Utf8Column, names: Names | null = null) {
    this.#column = column
    this.#names = names
  }

  at(row: number): string {
    const { offsets } = this.#column
    const start = offsets[row]
    const end = offsets[row + 1]
    if (start === end) return ''
    const bytes = (this.#bytes ??= bufferOf(this.#column.bytes))
    return this.#names?.find(bytes, start, end) ?? bytes.toString('utf8', start, end)
  }
}

const bufferOf = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)

/** Names that are held, and bytes of one: longer ones are seldom those of many rows. */
const namesMax = 4096
const nameBytesMax = 256

/**
 * Names that come again and again, as domains, files and reasons: to find one by its bytes takes a tenth of the time of making it, and
 * of counting by a string that is new each time. Of two with one hash the first is held.
 */
export class Names {
  readonly #held = new Map<number, { readonly bytes: Uint8Array; readonly name: string }>()

  find(bytes: Buffer, start: number, end: number): string {
    if (end - start > nameBytesMax) return bytes.toString('utf8', start, end)
    let hash = 0x811c9dc5
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193)
    const held = this.#held.get(hash)
    if (held && isSame(held.bytes, bytes, start, end)) return held.name
    const name = bytes.toString('utf8', start, end)
    if (!held && this.#held.size < namesMax)
      this.#held.set(hash, { bytes: Uint8Array.from(bytes.subarray(start, end)), name })
    return name
  }
}

function isSame(held: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (held.length !== end - start) return false
  for (let i = 0; i < held.length; i++) if (held[i] !== bytes[start + i]) return false
  return true
}
