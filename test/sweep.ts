/**
 * The whole numbers from `first` to `last` at which a test that is to hold at every one is made: all of them where `CI` is set, as the
 * clean clone's check does; elsewhere every third and both ends.
 */
export function sweep(first: number, last: number): number[] {
  const all = Array.from({ length: last - first + 1 }, (_, i) => first + i)
  return process.env.CI ? all : all.filter(at => (at - first) % 3 === 0 || at === last)
}
