import type { Judge } from '../annotate/judge/ask.ts'
import type { Dimension } from '../annotate/judge/rubric.ts'
import type { Draw, DrawnDocuments } from '../value/draw-documents.ts'
import { formatCount, formatMeasured, formatPlural, formatShare, formatTable } from './table.ts'
import { cleanName, wrapText } from './wrap.ts'

/** What became of a sample, counted as it goes. */
export interface Sampled {
  judged: number
  answered: number
  cut: number
  /** By the reason. */
  readonly unanswered: Map<string, number>
  /** How often each label was given, by group. */
  readonly labels: Map<string, Map<string, number>>
}

export interface Cost {
  readonly documents: number
  /** Answered before, so that nobody is asked. */
  readonly stored: number
  readonly cut: number
  /** Of the requests, at four bytes a token; and what they may come to at most, with their answers. */
  readonly tokens: number
  readonly tokensMax: number
}

export interface SampleAbout {
  readonly drawn: DrawnDocuments
  readonly sampled: Sampled
  readonly judge: Judge
  readonly by: Draw['by']
  readonly out: string
  readonly label: Dimension
}

/** Groups that a table shows. */
const shownMax = 40

export function describeSample({ drawn, sampled, judge, by, out, label }: SampleAbout, width: number): string {
  const rows = drawn.groups.slice(0, shownMax).map(({ of, kept, drawn: all }) => {
    const labels = sampled.labels.get(JSON.stringify(of)) ?? new Map<string, number>()
    const answered = [...labels.values()].reduce((a, b) => a + b, 0)
    return [...of.map(showName), ...[kept, all, answered].map(formatCount), summarize(labels, label, answered)]
  })
  const what = 'labels' in label ? `most often ${label.name}` : `mean ${label.name}`
  const table = formatTable(
    [[...by, 'kept', 'drawn', 'answered', what], ...rows],
    by.map((_, i) => i),
  )
  const more = drawn.groups.length - shownMax
  const notes = [
    more > 0 ? `and ${formatPlural(more, 'group')} more\n` : '',
    ...notesOf(drawn, sampled, judge).map(note => `${wrapText(note, width).join('\n')}\n`),
  ]
  return `${table}\n${notes.join('')}wrote ${out}\nhold it against labels by hand: headrace judge check ${out} --by-hand FILE
learn from it: headrace classifier fit ${judge.writer.terms.rubric.name} --labels ${out} --kind ${'labels' in label ? 'class' : 'value'}\n`
}

const showName = (name: string) => cleanName(name) || '(none)'

function summarize(labels: ReadonlyMap<string, number>, label: Dimension, answered: number): string {
  if (answered === 0) return '-'
  const all = [...labels]
  if ('labels' in label) {
    const [name, count] = all.reduce((a, b) => (b[1] > a[1] ? b : a))
    return `${cleanName(name)} ${formatShare(count, answered)}`
  }
  return formatMeasured(
    +(all.reduce((sum, [value, count]) => sum + Number(value) * count, 0) / answered).toPrecision(3),
  )
}

function notesOf({ heldOut, decided }: DrawnDocuments, sampled: Sampled, { store, reused }: Judge): string[] {
  const { requests, tokens } = store.spent
  const notes = [
    `${formatPlural(sampled.answered, 'document')} answered, ${formatCount(reused)} of them by what was stored; in all starts ${formatPlural(requests, 'request')} and ${formatCount(tokens)} tokens, in ${store.path}`,
  ]
  for (const [why, count] of sampled.unanswered)
    notes.push(`${formatPlural(count, 'document')} without an answer: ${explainUnanswered(why)}`)
  if (sampled.cut > 0)
    notes.push(
      `${formatPlural(sampled.cut, 'text')} were longer than what is judged of a text: --characters N moves that`,
    )
  if (store.damaged > 0)
    notes.push(
      `${formatPlural(store.damaged, 'line')} of the store were cut off in a kill, or are damaged, and count for nothing`,
    )
  if (heldOut > 0) notes.push(`${formatPlural(heldOut, 'document')} are held out and were not drawn`)
  if (!decided.isEnded) notes.push(`the run has not ended: this is of the slots before ${decided.to}`)
  if (decided.from > 0) notes.push(`slots before ${decided.from} were trimmed and are not in this`)
  return notes
}

/** Why documents have no answer, and whether asking again helps. */
export function explainUnanswered(why: string): string {
  const [kind] = why.split(':')
  if (kind === 'budget') return 'the budget has nothing left for them; a larger one goes on'
  if (kind === 'invalid') return `the judge's answers were none (${why}); they are not asked for again`
  if (kind === 'refused') return `the server refuses them (${why})`
  return `the server failed (${why}); the same command asks again`
}

export function describeDryRun(
  { groups, documents }: DrawnDocuments,
  { by }: Draw,
  { stored, cut, tokens, tokensMax }: Cost,
  { store }: Judge,
  width: number,
): string {
  const rows = groups
    .slice(0, shownMax)
    .map(({ of, kept, drawn }) => [...of.map(showName), formatCount(kept), formatCount(drawn)])
  const more = groups.length > shownMax ? `and ${formatPlural(groups.length - shownMax, 'group')} more\n` : ''
  const text = `${formatPlural(documents.length, 'document')} would be judged, ${formatCount(cut)} of them cut; ${formatCount(stored)} have an answer in ${store.path}, so ${formatPlural(documents.length - stored, 'request')} are to be made, of some ${formatCount(tokens)} tokens at four bytes each, and of ${formatCount(tokensMax)} with their answers at most. Second tries come on top. So far ${formatPlural(store.spent.requests, 'request')} and ${formatCount(store.spent.tokens)} tokens were spent. Nobody was asked.`
  return `${formatTable(
    [[...by, 'kept', 'drawn'], ...rows],
    by.map((_, i) => i),
  )}${more}\n${wrapText(text, width).join('\n')}\n`
}

export function sampleJson({ drawn, sampled, judge, by, out, label }: SampleAbout) {
  const listed = (counts: ReadonlyMap<string, number>) => [...counts].map(([name, documents]) => ({ name, documents }))
  return {
    out,
    label: label.name,
    by,
    documents: sampled.judged,
    answered: sampled.answered,
    cut: sampled.cut,
    reused: judge.reused,
    unanswered: listed(sampled.unanswered),
    requests: listed(judge.requests),
    spent: judge.store.spent,
    store: judge.store.path,
    damaged: judge.store.damaged,
    heldOut: drawn.heldOut,
    ended: drawn.decided.isEnded,
    groups: drawn.groups.map(group => ({
      ...group,
      labels: listed(sampled.labels.get(JSON.stringify(group.of)) ?? new Map()),
    })),
  }
}
