/** Sets of code points as text: hexadecimal ranges where people read them, runs in base 36 where they are long. */

/** The numbers of hexadecimal ranges: `21 3a-40` has 0x21 and 0x3a to 0x40. */
export function* pointsOf(ranges: string): Generator<number> {
  for (const range of ranges.split(' ')) {
    const [first, last = first] = range.split('-').map(digits => Number.parseInt(digits, 16))
    for (let point = first; point <= last; point++) yield point
  }
}

/**
 * Marks code points in `table`. `runs` has them by the bits to set. A run is the gap since the one before it, then `.` and its
 * length, or `*` and the length of a run of every second code point, or nothing for a single one; numbers in base 36.
 */
export function markRuns(table: Uint8Array | Uint16Array, runs: Readonly<Record<number, string>>): void {
  for (const [key, text] of Object.entries(runs)) {
    const bits = Number(key)
    let point = 0
    for (const run of text.split(/\s+/)) {
      const [gap, length = '1'] = run.split(/[.*]/)
      const step = run.includes('*') ? 2 : 1
      point += Number.parseInt(gap, 36)
      for (let left = Number.parseInt(length, 36); left > 0; left--) {
        table[point] |= bits
        point += left > 1 ? step : 1
      }
    }
  }
}
