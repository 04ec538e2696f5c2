import { limits } from '../../limits.ts'
import { BadFileError } from '../files/files.ts'

/** Bounds what the pages of a row group may hold in memory at a time. */
export class HeldBytes {
  #bytes = 0

  /** Counts bytes that are held from now on, or with a minus no more. Returns them. */
  hold(bytes: number): number {
    if (!(this.#bytes + bytes <= limits.parquetHeldBytesMax)) {
      const detail = `the pages that must be unpacked together have more than ${limits.parquetHeldBytesMax} bytes`
      throw new BadFileError('page-too-large', `${detail}: write the file with smaller pages`)
    }
    this.#bytes += bytes
    return bytes
  }
}

/** Bounds what the values of some columns of a row group may come to. */
export class Allowance {
  #left: number

  /** In bytes. */
  constructor(bytesMax: number) {
    this.#left = bytesMax
  }

  /** Counts bytes of values. */
  spend(bytes: number): void {
    this.#left -= bytes
    if (this.#left >= 0) return
    const times = `more than ${limits.parquetInflationMax} times its bytes`
    throw new BadFileError(
      'inflates-too-much',
      `the values of a row group are ${times}: write the file without the repeats`,
    )
  }
}

/**
 * What the values of each row group may come to, from its rows and its bytes in the file: `parquetInflationMax` times the bytes, and its part
 * of what any file may have. So the limit does not depend on where reading begins. Bytes that several groups claim count once for all.
 */
export function allowancesOf(
  parts: readonly { readonly rows: number; readonly bytes: number }[],
  fileBytes: number,
): number[] {
  const rows = parts.reduce((sum, part) => sum + part.rows, 0)
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0)
  const share = Math.min(1, fileBytes / Math.max(1, bytes))
  return parts.map(part =>
    Math.ceil(
      limits.parquetInflationMax * part.bytes * share + (limits.documentBytesMax * part.rows) / Math.max(1, rows),
    ),
  )
}
