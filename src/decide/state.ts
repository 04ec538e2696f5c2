/** A table's shape. `keyed`: 64-bit hash to a fixed-width value, first one wins; `list`: fixed-width values by number from 0. */
export interface TableShape {
  readonly name: string
  readonly kind: 'keyed' | 'list'
  /** Bytes a value. A keyed table's value is a uint32: the number of an item of a list. */
  readonly width: number
}

/** Hash to uint32, open addressing. Keys are two uint32 halves; -1 means absent. */
export interface KeyedTable {
  readonly size: number
  get(high: number, low: number): number
  /** Sets a key that is absent; a present one keeps its value. */
  set(high: number, low: number, value: number): void
}

/** Fixed-width items, numbered as they are added. */
export interface ListTable {
  readonly size: number
  push(item: Uint8Array): number
  /** A view that is valid until the next push. */
  at(index: number): Uint8Array
}

/**
 * A decider's memory: tables in typed arrays with one append-only file behind them.
 *
 * It holds exactly the slots before `slot()`. `seal(n)` appends what was set since the last seal and says that slots before n
 * are in; it is called after the log's commit, so it may lag the log and never leads it. `rollback` forgets what was set since
 * the last seal. A store that lags is caught up by deciding the missing slots again, without writing.
 *
 * A seal may be given a uint32 of its own, which `mark` gives back until the next one: what says which slots these were. A store that keeps
 * none has no `mark`.
 */
export interface State extends AsyncDisposable {
  keyed(name: string): KeyedTable
  list(name: string): ListTable
  slot(): number
  mark?(): number | null
  seal(slot: number, mark?: number | null): Promise<void>
  rollback(): void
}
