import { HeadraceError } from '../errors.ts'
import { damageText, isToBeDamaged } from '../value/damage-text.ts'
import type { Examples, HeadTarget, LabelledText } from '../value/examples.ts'
import { RowLabels } from '../value/row-labels.ts'
import type { FitOrder, HeadWanted, TextsWanted } from './classifier-order.ts'
import { readGroupedTexts } from './grouped-texts.ts'
import { Unread } from './input-text.ts'
import { checkInput } from './read-texts.ts'
import { formatCount, formatPlural } from './table.ts'
import { cleanName } from './wrap.ts'

/** What was read for heads. */
export interface ReadHeads {
  /** Of each head the names of its classes, in their order. */
  readonly classes: readonly (readonly string[])[]
  /** What labels by row did not find, a sentence each. */
  readonly notes: readonly string[]
}

/** Throws what is wrong with any input before one is read. */
export async function checkTexts({ texts, fields }: FitOrder): Promise<void> {
  for (const { input } of texts) await checkInput(input, fields)
}

/** Adds the texts of all heads, each list of them read once. */
export async function readHeads(examples: Examples, order: FitOrder, unread: Unread): Promise<ReadHeads> {
  const classes = order.heads.map(() => new Map<string, number>())
  const notes: string[] = []
  for (const wanted of order.texts) {
    const labels = await openLabels(wanted, order)
    const isChosen = labels ? (place: Place) => labels.some(of => of.find(place) !== null) : undefined
    for await (const { field, place, ...text } of readGroupedTexts(wanted.input, order.fields, unread, isChosen)) {
      if (wanted.isDamaged) {
        const [bytes, target] = takeForm(text.bytes)
        await examples.addFor(
          { ...text, bytes },
          wanted.uses.map(({ head }) => ({ head, target })),
        )
        continue
      }
      const targets: HeadTarget[] = []
      for (const [i, { head, target }] of wanted.uses.entries()) {
        const { label, kind } = order.heads[head]
        const said = labels ? (labels[i].find(place!)?.label ?? null) : field(label)
        const own = target ?? targetOf(said, kind, classes[head])
        if (own !== null) targets.push({ head, target: own })
        else unread.add(text.source, [{ line: 0, reason: 'no-label', detail: describeLabel(label, said) }])
      }
      if (targets.length > 0) await examples.addFor(text, targets)
    }
    if (labels) notes.push(...labels.flatMap((of, i) => notesOf(of, wanted, order.heads[wanted.uses[i].head])))
  }
  return { classes: classes.map(names => [...names.keys()]), notes }
}

/** A fluent text as it is learned from, and whether it still is one (1). */
const takeForm = (bytes: Uint8Array): [Uint8Array, number] =>
  isToBeDamaged(bytes) ? [damageText(bytes), 0] : [bytes, 1]

type Place = Parameters<RowLabels['find']>[0]

/** The labels by row of each use of a list. */
async function openLabels({ labels, uses }: TextsWanted, { heads }: FitOrder): Promise<RowLabels[] | null> {
  if (labels === null) return null
  return await Promise.all(
    uses.map(async ({ head }) => {
      const read = new RowLabels()
      for (const path of labels) await read.read(path, heads[head].label)
      if (read.count > 0) return read
      throw new HeadraceError(
        'bad-option',
        `${labels.map(path => cleanName(path, 200)).join(', ')}: no line has a label in '${cleanName(heads[head].label)}' and a row, as slot and row or id; ${formatPlural(read.unusable, 'line')} without a row, ${formatCount(read.unlabelled)} without a label`,
      )
    }),
  )
}

function notesOf(labels: RowLabels, { input }: TextsWanted, { name }: HeadWanted): string[] {
  const missing = labels.missing()
  const [of] = input
  if (missing.length === labels.count)
    throw new HeadraceError(
      'bad-option',
      `none of ${formatPlural(labels.count, 'label')} is of a row of ${cleanName(of, 200)}: are they of another run, or of rows that it dropped (write ?any)`,
    )
  const notes = [
    [
      `labels of ${name} of no row of ${cleanName(of, 200)}`,
      missing.length,
      `, the first in line ${missing.reduce((least, line) => Math.min(least, line), missing[0])}`,
    ],
    [`lines of the labels of ${name} that name no row`, labels.unusable, ''],
    [`lines of the labels of ${name} without a label`, labels.unlabelled, ''],
    [`lines of the labels of ${name} on a row that a line before had labelled`, labels.repeated, ''],
  ] as const
  return notes.flatMap(([what, count, more]) => (count > 0 ? [`${what}: ${formatCount(count)}${more}`] : []))
}

const describeLabel = (field: string, label: string | null) =>
  label === null || label.trim() === ''
    ? `its field '${field}'`
    : `its field '${field}' is '${cleanName(label)}', which is no number`

const classesMax = 512

function targetOf(label: string | null, kind: HeadWanted['kind'], classes: Map<string, number>): number | null {
  if (label === null || label.trim() === '') return null
  if (kind === 'value') return Number.isFinite(Number(label)) ? Number(label) : null
  const known = classes.get(label)
  if (known !== undefined) return known
  if (classes.size === classesMax) throw new HeadraceError('bad-option', `--label has more than ${classesMax} classes`)
  classes.set(label, classes.size)
  return classes.size - 1
}

/** Texts of each list that are read again for names: the heaviest words are in most of them. */
const namedTextsMax = 4000

/** The first texts of each list, their bytes. */
export async function* readOnce({ texts, fields }: FitOrder): AsyncGenerator<LabelledText['bytes']> {
  for (const { input, isDamaged } of texts) {
    let read = 0
    for await (const { bytes } of readGroupedTexts(input, fields, new Unread())) {
      yield isDamaged ? takeForm(bytes)[0] : bytes
      if (++read === namedTextsMax) break
    }
  }
}
