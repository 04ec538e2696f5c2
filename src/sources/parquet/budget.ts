import { limits } from '../../limits.ts'
import { BadFileError } from '../files/files.ts'

/** Bounds what the pages of a row group may hold in memory at a time, and what its values may come to. */
export class Budget {
  readonly #spentMax: number
  #spent = 0
  #held = 0

  /** `spentMax` in bytes. */
  constructor(spentMax: number) {
    this.#spentMax = spentMax
  }

  /** Counts bytes that are held from now on, or with a minus no more. Returns them. */
  hold(bytes: number): number {
    if (!(this.#held + bytes <= limits.parquetHeldBytesMax)) {
      const detail = `the pages that must be unpacked together have more than ${limits.parquetHeldBytesMax} bytes`
      throw new BadFileError('page-too-large', `${detail}: write the file with smaller pages`)
    }
    this.#held += bytes
    return bytes
  }

  /** Counts bytes of values. */
  spend(bytes: number): void {
    this.#spent += bytes
    if (this.#spent <= this.#spentMax) return
    const times = `more than ${limits.parquetInflationMax} times its bytes`
    throw new BadFileError(
      'inflates-too-much',
      `the values of a row group are ${times}: write the file without the repeats`,
    )
  }
}

/**
 * What the values of each row group may come to, from its rows and its bytes in the file: `parquetInflationMax` times the bytes, and its part of
 * what any file may have. So the limit does not depend on where reading begins. Bytes that several groups claim count once for all.
 */
export function budgetsOf(
  groups: readonly { readonly rows: number; readonly bytes: number }[],
  fileBytes: number,
): number[] {
  const rows = groups.reduce((sum, group) => sum + group.rows, 0)
  const bytes = groups.reduce((sum, group) => sum + group.bytes, 0)
  const share = Math.min(1, fileBytes / Math.max(1, bytes))
  return groups.map(group =>
    Math.ceil(
      limits.parquetInflationMax * group.bytes * share + (limits.documentBytesMax * group.rows) / Math.max(1, rows),
    ),
  )
}
