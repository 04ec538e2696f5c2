import { formatCount, formatMeasured, formatPlural } from '../../text/figures.ts'
import { drawGauge } from '../charts.ts'
import type { Excerpt, ReportPart, ShownDocument } from '../report-data.ts'
import { make, note, show } from './dom.ts'
import { boundsOf } from './thresholds.ts'

/** A document with all that is known of it. `measures`: the names of its values; `part`: the rules of now, or null. Texts are put in as texts alone. */
export function viewDocument(
  one: ShownDocument,
  measures: readonly string[],
  part: ReportPart | null,
): (Node | string)[] {
  const { id, place, slot, row, domain, language, evidence, broken, partner, text, noText } = one
  const address = [domain, language, place, `slot ${slot}, row ${row}`].filter(Boolean).join(' · ')
  const sides = [
    [place, text, noText] as const,
    ...(partner ? [[partner.title, partner.text, noText || 'not known'] as const] : []),
  ]
  return [
    make('div', {}, tagOf(one), ' ', make('b', {}, id || '(no document)')),
    note(address),
    ...(one.fate === 'dead' ? [make('pre', {}, String(evidence ?? ''))] : []),
    ...(broken.length > 0 ? [listBroken(broken)] : []),
    make(
      'div',
      { class: `sides ${partner ? 'two' : ''}` },
      ...sides.map(([title, excerpt, none]) => sideOf(partner ? title : '', excerpt, none)),
    ),
    viewMeasures(one, measures, part),
  ]
}

function listBroken(names: readonly string[]): HTMLElement {
  const tags = names.flatMap(name => [make('span', { class: 'tag rule' }, name), ' '])
  return make('p', {}, `Breaks ${formatPlural(names.length, 'rule')}: `, ...tags)
}

function viewMeasures({ values }: ShownDocument, measures: readonly string[], part: ReportPart | null): HTMLElement {
  const cells = measures.flatMap((name, i) => {
    const value = values[i]
    if (value === null || value === '') return []
    const { below, above } = part ? boundsOf(part, name) : {}
    const bounds = [...(below === undefined ? [] : [`≥ ${below}`]), ...(above === undefined ? [] : [`≤ ${above}`])]
    const isBroken = typeof value === 'number' && (value < (below ?? value) || value > (above ?? value))
    return [{ name, value, bounds, isBroken, bound: below ?? above ?? null }]
  })
  const sorted = cells.toSorted(
    (a, b) => Number(b.isBroken) - Number(a.isBroken) || Number(b.bounds.length > 0) - Number(a.bounds.length > 0),
  )
  if (sorted.length === 0) return note('Nothing was measured.')
  const items = sorted.map(({ name, value, bounds, isBroken, bound }) => {
    const gauge = make('span')
    if (typeof value === 'number' && bound !== null) show(gauge, drawGauge(value, bound, isBroken))
    const shown = make('span', { class: isBroken ? 'bad' : null }, formatMeasured(value))
    return make('div', { class: 'measure' }, name, shown, make('span', { class: 'muted' }, bounds.join(', ')), gauge)
  })
  return make('div', { class: 'measures' }, ...items)
}

export const fateOf = ({ fate, reason }: ShownDocument) => (fate === 'kept' ? 'kept' : reason)

export function tagOf(one: ShownDocument): HTMLElement {
  const kind = one.fate === 'kept' ? 'kept' : one.fate === 'dead' ? 'dead' : one.partner ? 'duplicate' : 'rule'
  return make('span', { class: `tag ${kind}` }, fateOf(one))
}

function sideOf(title: string, excerpt: Excerpt | null, none: string): HTMLElement {
  const heads = title === '' ? [] : [make('small', {}, title)]
  if (!excerpt) return make('div', {}, ...heads, note(none))
  const { text, from, length, marks } = excerpt
  const parts: (Node | string)[] = []
  let at = 0
  for (const [begin, end] of marks) {
    parts.push(text.slice(at, begin), make('mark', {}, text.slice(begin, end)))
    at = end
  }
  parts.push(text.slice(at))
  const where =
    text.length < length
      ? `characters ${formatCount(from)} to ${formatCount(from + text.length)} of ${formatCount(length)}`
      : `${formatPlural(length, 'character')}`
  return make(
    'div',
    {},
    ...heads,
    make('pre', { class: 'text', tabindex: 0, dir: 'auto' }, ...parts),
    make('small', {}, where),
  )
}
