/**
 * The whole numbers from `first` to `last` at which a test that is to hold at every one is made: all of them where `CI` is set, as the
 * clean clone's check does; elsewhere every third and both ends.
 */
export function sweep(first: number, last: number): number[] {
  const all = Array.from({ length: last - first + 1 }, (_, i) => first + i)
  return process.env.CI ? all : all.filter(at => (at - first) % 3 === 0 || at === last)
}

/** The same of a table: all of it where `CI` is set, elsewhere every third row and the last. */
export function sweepOf<T>(rows: readonly T[]): T[] {
  return sweep(0, rows.length - 1).map(i => rows[i])
}
