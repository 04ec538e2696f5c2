import { HeadraceError } from '../../errors.ts'

/** The bytes that all tables of a state share. */
export class StateBudget {
  readonly max: number
  used = 0

  constructor(max: number) {
    this.max = max
  }

  /** Takes `extra` bytes for a table that now has `size` entries, or throws. */
  take(extra: number, table: string, size: number): void {
    if (this.used + extra > this.max)
      throw new HeadraceError(
        'limit',
        `the deciders' tables need ${this.used + extra} bytes and may take ${this.max} (table '${table}' has ${size} ` +
          'entries): raise limits.stateBytesMax if memory allows, compare near-duplicates within a domain, or split the run',
      )
    this.used += extra
  }
}
