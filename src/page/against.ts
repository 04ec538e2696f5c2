import { basename } from 'node:path'
import { Comparison } from '../diff/compare.ts'
import { type Witnessed, witness } from '../diff/evidence.ts'
import type { LabelColumn } from '../diff/label-columns.ts'
import { diffNotes } from '../diff/notes.ts'
import { kindMeanings, kinds } from '../diff/pair.ts'
import { openSide } from '../diff/side.ts'
import type { Cell, End, Grouping } from '../diff/tally.ts'
import { limits } from '../limits.ts'
import type { RunReader } from '../record/run-reader.ts'
import { formatCount, formatMeasured, formatPlural } from '../text/figures.ts'
import { cleanName, cleanPath } from '../text/printable.ts'
import { type Html, html } from './html.ts'

const samplesMax = 3
/** Moves whose documents are shown. */
const movesMax = 12

/** The run that is before. */
export interface Against {
  readonly name: string
  /** What joins records; null for their slot and row, which takes runs with the same slots. */
  readonly label: LabelColumn | null
}

/** The panels of what differs between a run and the one before it. Throws 'bad-option' where they have other slots and no label joins their records. */
export async function drawComparison(before: RunReader, run: RunReader, { name, label }: Against): Promise<Html> {
  const sides = [await openSide(name, before), await openSide(basename(run.dir), run)] as const
  const comparison = await Comparison.open(sides[0], sides[1], { by: ['reason', 'domain'], samplesMax, label })
  await comparison.readAll()
  const { tally, isSame } = comparison
  const counted = kinds.filter(kind => tally.kinds.get(kind)!.documents > 0)
  const kindRows = counted.map(kind => [kind, formatCount(tally.kinds.get(kind)!.documents), kindMeanings[kind]])
  const said = isSame ? 'The two runs made the same of every record.' : 'A is before, B is this run.'
  const samples: Html[] = []
  for (const cell of tally.cells.slice(0, movesMax)) samples.push(await drawMove(comparison, cell))
  return html`<section class="card" id="against"><h2>Against ${cleanName(name)}</h2><p class="note">${said}</p>${diffNotes(comparison).map(note => html`<p class="note">${note}</p>`)}${table(['kind', 'records', 'what it is'], kindRows, true)}</section>
<section class="card w6"><h2>Reasons, before and after</h2>${groupTable(comparison, 'reason', 'removed for it')}</section>
<section class="card w6"><h2>Domains, before and after</h2>${groupTable(comparison, 'domain', 'kept')}</section>
<section class="card"><h2>From what to what</h2><p class="note">${formatPlural(tally.cells.length, 'kind')} of change, the most documents first; of the first ${movesMax} some documents.</p>${samples}</section>`
}

function groupTable({ tally }: Comparison, grouping: Grouping, what: string): Html {
  const all = tally.groups.get(grouping)!.sorted
  const rows = all.slice(0, limits.reportNamesMax).map(([name, { before, after, added, removed }]) => {
    const shown = cleanName(name) || '(none)'
    return [shown, formatCount(before), signed(added, '+'), signed(removed, '−'), formatCount(after)]
  })
  const more = all.length - rows.length
  return html`${table([what, 'before', 'came', 'went', 'after'], rows)}${more > 0 ? html`<p class="note">and ${formatCount(more)} more</p>` : null}`
}

const signed = (count: number, sign: string) => (count === 0 ? '0' : `${sign}${formatCount(count)}`)

/** `isText`: all cells are sentences, and not the first of a row alone. */
function table(head: readonly string[], rows: readonly (readonly string[])[], isText = false): Html {
  return html`<div class="scroll" tabindex="0"><table class="lines"><thead><tr>${head.map((cell, i) => html`<th class="${i === 0 || isText ? 'long' : ''}">${cell}</th>`)}</tr></thead><tbody>${rows.map(row => html`<tr>${row.map((cell, i) => html`<td class="${i === 0 || isText ? 'long' : ''}">${cell}</td>`)}</tr>`)}</tbody></table></div>`
}

async function drawMove({ sides }: Comparison, { kind, from, to, amounts, samples }: Cell): Promise<Html> {
  const rows: string[][] = []
  for (const pair of samples.pairs) {
    const [a, b] = await witness(sides, pair)
    const { id, outcome } = (a ?? b)!
    rows.push([
      `${cleanName(id) || '(no document)'}, ${cleanPath(outcome.file)}:${outcome.line}`,
      describeSide(a),
      describeSide(b),
    ])
  }
  return html`<h3>${nameEnd(from)} → ${nameEnd(to)}, ${kind}: ${formatPlural(amounts.documents, 'record')}</h3>${table(['document', 'A', 'B'], rows, true)}`
}

const nameEnd = (end: End) => (end === null ? 'no record' : end.fate === 'kept' ? 'kept' : cleanName(end.reason))

function describeSide(side: Witnessed | null): string {
  if (!side) return 'no record'
  const { outcome, measured, duplicateOf } = side
  const repeats = duplicateOf === null ? [] : [`repeats ${cleanName(duplicateOf)}`]
  const value = measured === null ? [] : [`measured ${cleanName(formatMeasured(measured))}`]
  return [nameEnd(outcome), ...repeats, ...value].join(', ')
}
