import { displayWidth } from './wrap.ts'

export {
  formatBytes,
  formatCount,
  formatMeasured,
  formatPlural,
  formatSeconds,
  formatShare,
  formatShort,
} from '../text/figures.ts'

/** Plain tables: the first column to the left, others to the right but those that `left` numbers, two spaces between. */
export function formatTable(rows: readonly (readonly string[])[], left: readonly number[] = [0]): string {
  const columns = rows[0] ?? []
  const widths = columns.map((_, column) => Math.max(...rows.map(row => displayWidth(row[column] ?? ''))))
  const lines = rows.map(row =>
    row
      .map((cell, column) => pad(cell, widths[column], !left.includes(column)))
      .join('  ')
      .trimEnd(),
  )
  return lines.map(line => `${line}\n`).join('')
}

function pad(cell: string, width: number, isRight: boolean): string {
  const gap = ' '.repeat(Math.max(0, width - displayWidth(cell)))
  return isRight ? gap + cell : cell + gap
}

/** Names with their counts, the most frequent first; of equals, by name. */
export function sortCounts(counts: Readonly<Record<string, number>>): [name: string, count: number][] {
  return Object.entries(counts).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
}

/** A bar of `width` cells, of which the share is filled. */
export function formatBar(share: number, width = 20): string {
  const filled = Math.round(Math.max(0, Math.min(1, share)) * width)
  return '█'.repeat(filled) + '·'.repeat(width - filled)
}
