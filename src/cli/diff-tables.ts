import { basename } from 'node:path'
import type { Comparison } from '../diff/compare.ts'
import { kinds } from '../diff/pair.ts'
import type { Side } from '../diff/side.ts'
import type { Both, End, Grouping, NamedGroups } from '../diff/tally.ts'
import type { Terminal } from './command.ts'
import { formatBytes, formatCount, formatShare, formatTable } from './table.ts'
import { cleanName, cleanPath } from './wrap.ts'

/** A cell: a name, or a figure with how people read it; null where it is not known. */
type Cell = string | null | { readonly value: number; readonly shown: string }

/** A table for people, and for programs at the end of a pipe. */
export interface DiffTable {
  readonly name: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
  /** How many columns are names, which come first. */
  readonly names: number
}

const count = (value: number): Cell => ({ value, shown: formatCount(value) })
const bytes = (value: number): Cell => ({ value, shown: formatBytes(value) })
const share = (part: number, whole: number): Cell => {
  return whole ? { value: part / whole, shown: formatShare(part, whole) } : null
}

/** All tables of a comparison. */
export function diffTables(comparison: Comparison): DiffTable[] {
  const groups = Array.from(comparison.tally.groups, ([grouping, named]) => groupTable(comparison, grouping, named))
  return [runTable(comparison), kindTable(comparison), moveTable(comparison), ...groups].filter(
    ({ rows }) => rows.length > 0,
  )
}

function runTable({ sides, ranges, tally }: Comparison): DiffTable {
  const rows = sides.map((side, i) => {
    const { documents, kept, dead, keptBytes, tokens } = tally.sums[i]
    const slots = `${ranges[i].from}-${ranges[i].to - 1}${side.decide.ended ? '' : ' so far'}`
    const figures = [count(documents), count(kept), count(dead), bytes(keptBytes), tokensCell(side, tokens)]
    return ['AB'[i], cleanName(basename(side.run.dir)), slots, ...figures]
  })
  return { name: 'run', head: ['', 'run', 'slots', 'documents', 'kept', 'dead', 'kept text', 'tokens'], rows, names: 3 }
}

function kindTable({ sides, tally }: Comparison): DiffTable {
  const rows = kinds.flatMap(kind => {
    const { documents, kept, bytes: text, tokens } = tally.kinds.get(kind)!
    if (documents === 0) return []
    const figures = [count(documents), ...kept.map(count), ...text.map(bytes), ...bothTokens(sides, tokens)]
    return [[kind, ...figures]]
  })
  const head = ['kind', 'documents', 'kept A', 'kept B', 'text A', 'text B', 'tokens A', 'tokens B']
  return { name: 'kind', head, rows, names: 1 }
}

function moveTable({ sides, tally }: Comparison): DiffTable {
  const rows = tally.cells.map(({ kind, from, to, amounts }) => [
    describeEnd(from),
    describeEnd(to),
    kind,
    count(amounts.documents),
    ...amounts.bytes.map(bytes),
    ...bothTokens(sides, amounts.tokens),
  ])
  const head = ['A', 'B', 'kind', 'documents', 'text A', 'text B', 'tokens A', 'tokens B']
  return { name: 'move', head, rows, names: 3 }
}

function groupTable({ sides, tally }: Comparison, grouping: Grouping, groups: NamedGroups): DiffTable {
  const name = (own: string) => (grouping === 'source' ? cleanPath(own) : cleanName(own))
  const [a, b] = tally.sums
  const rows = groups.sorted.map(([own, { before, after, added, removed, tokens }]) => {
    const figures = [count(before), count(after), count(added), count(removed)]
    if (grouping === 'reason') return [name(own), ...figures]
    const shares = [share(tokens[0], a.tokens), share(tokens[1], b.tokens)]
    return [name(own), ...figures, ...bothTokens(sides, tokens), ...shares]
  })
  const head = [grouping, 'before', 'after', 'added', 'removed']
  const rest = grouping === 'reason' ? [] : ['tokens A', 'tokens B', 'share A', 'share B']
  return { name: grouping, head: [...head, ...rest], rows, names: 1 }
}

function bothTokens([a, b]: Comparison['sides'], [before, after]: Readonly<Both>): Cell[] {
  return [tokensCell(a, before), tokensCell(b, after)]
}

/** A run without a tokenizer has no tokens, which is not none. */
function tokensCell({ run }: Side, tokens: number): Cell {
  return run.run.tokenizer === null ? null : count(tokens)
}

/** A fate with its reason, as a word. */
export function describeEnd(end: End): string {
  if (end === null) return '(not there)'
  if (end.fate === 'kept') return 'kept'
  return end.fate === 'dead' ? `dead: ${cleanName(end.reason)}` : cleanName(end.reason)
}

/** A page on a terminal. Elsewhere each line begins with its table's name, columns are two spaces apart, and figures are as they are. */
export function writeTables({ out }: Terminal, tables: readonly DiffTable[]): void {
  for (const table of tables) out.write(out.isTTY ? `${pageOf(table)}\n` : linesOf(table))
}

function pageOf({ head, rows, names }: DiffTable): string {
  const shown = rows.map(row => row.map(cell => (typeof cell === 'object' ? (cell?.shown ?? '-') : cell)))
  return formatTable([head, ...shown], [...Array(names).keys()])
}

function linesOf({ name, head, rows, names }: DiffTable): string {
  const plain = (cell: Cell) => (typeof cell === 'object' ? String(cell?.value ?? '-') : oneSpaced(cell))
  const lines = [head.map(oneSpaced), ...rows.map(row => row.map(plain))]
  return formatTable(
    lines.map((row, i) => [i ? name : `#${name}`, ...row]),
    [...Array(names + 1).keys()],
  )
}

/** Text in which no two spaces are neighbours, as these part the columns. */
function oneSpaced(text: string): string {
  return text.replace(/\s+/g, ' ').trim() || '-'
}
