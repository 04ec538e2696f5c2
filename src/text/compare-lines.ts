/** Lines of two texts that the other does not have, in their order. Lines that differ in white space alone are equal. */
export function compareLines(ours: string, theirs: string): { ours: string[]; theirs: string[] } {
  const [left, right] = [ours, theirs].map(text => text.split('\n').map(line => line.replace(/\s+/g, ' ').trim()))
  return { ours: without(left, right), theirs: without(right, left) }
}

function without(lines: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others)
  return lines.filter(line => line !== '' && !known.has(line))
}

/** Where two lines begin to differ, less `before` characters that lead there; 0 when that is near the beginning. */
export function differenceStart(a: string, b: string, before: number): number {
  const shorter = Math.min(a.length, b.length)
  let same = 0
  while (same < shorter && a[same] === b[same]) same++
  return same <= before ? 0 : same - before
}
