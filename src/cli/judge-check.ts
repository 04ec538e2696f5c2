import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { isMissing } from '../disk/files.ts'
import { HeadraceError, wrapDiskError } from '../errors.ts'
import { parseObject } from '../sealed-json.ts'
import { type Agreement, measureAgreement } from '../value/agreement.ts'
import type { ParsedArgs, Terminal } from './command.ts'
import { formatCount, formatPlural, formatShare, formatTable } from './table.ts'
import { cleanName, cleanPath, pageWidth, wrapText } from './wrap.ts'

/** With 50 texts the standard error of a kappa of 0.6 is some 0.11; with fewer nothing is said by it. */
const textsMin = 50
/** Different labels: a table of pairs is made of them. */
const labelsMax = 200

interface Labels {
  readonly labels: ReadonlyMap<string, string>
  /** Lines without an id or a label, and those whose id stood before. */
  readonly unusable: number
  readonly repeated: number
}

/** `headrace judge check LABELS --by-hand FILE`. */
export async function checkLabels(input: string, args: ParsedArgs, terminal: Terminal): Promise<void> {
  const file = args.text('by-hand')
  if (!file) throw refuse('--by-hand is missing: it takes a file of JSON Lines with id and label')
  const field = args.text('label') ?? 'label'
  const judged = await readLabels(input, field)
  const byHand = await readLabels(file, field)
  const pairs: [string, string][] = []
  for (const [id, label] of byHand.labels) {
    const other = judged.labels.get(id)
    if (other !== undefined) pairs.push([other, label])
  }
  if (pairs.length < textsMin)
    throw refuse(
      `${formatPlural(pairs.length, 'document')} of ${file} are in ${input} by their id, and ${textsMin} are the fewest that say anything: label more by hand`,
    )
  if (new Set(pairs.flat()).size > labelsMax)
    throw refuse(
      `'${cleanName(field)}' has more than ${labelsMax} different values: give a field of grades or names by --label`,
    )
  const agreement = measureAgreement(pairs)
  const about = { judged, byHand, missing: byHand.labels.size - pairs.length }
  terminal.out.write(
    args.flag('json')
      ? `${JSON.stringify({ ...agreement, unusable: [judged.unusable, byHand.unusable], repeated: [judged.repeated, byHand.repeated], missing: about.missing })}\n`
      : describe(agreement, about, pageWidth(terminal)),
  )
}

async function readLabels(path: string, field: string): Promise<Labels> {
  const labels = new Map<string, string>()
  let [unusable, repeated] = [0, 0]
  const file = createReadStream(path, { encoding: 'utf8' })
  try {
    for await (const line of createInterface({ input: file, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (line.trim() === '') continue
      const object = parseObject(line.replace(/^\uFEFF/, ''))
      const [id, label] = [object?.id, object && Object.hasOwn(object, field) ? object[field] : undefined].map(asText)
      if (id === null || label === null) unusable++
      else if (labels.has(id)) repeated++
      else labels.set(id, label)
    }
  } catch (error) {
    if (isMissing(error)) throw new HeadraceError('not-found', `there is no file ${cleanPath(path)}`, error)
    throw wrapDiskError(error, `reading ${path}`)
  } finally {
    file.destroy()
  }
  return { labels, unusable, repeated }
}

const asText = (value: unknown) =>
  typeof value === 'string' && value !== '' ? value : Number.isFinite(value) ? String(value) : null

interface About {
  readonly judged: Labels
  readonly byHand: Labels
  /** Labelled by hand, and not judged. */
  readonly missing: number
}

function describe(agreement: Agreement, about: About, width: number): string {
  const { texts, labels, confusion, same, kappa, weightedKappa, meanDifference } = agreement
  const names = labels.map(label => cleanName(label))
  const show = (value: number) => (Number.isNaN(value) ? 'not defined, as one label is all there is' : value.toFixed(3))
  const rows = [
    ['documents', formatCount(texts)],
    ['same label', formatShare(Math.round(same * texts), texts)],
    ["Cohen's kappa", show(kappa)],
  ]
  if (weightedKappa !== null) rows.push(['weighted by squares', show(weightedKappa)])
  if (meanDifference !== null) rows.push(['judge less hand, mean', meanDifference.toFixed(3)])
  const table = formatTable([
    ['judge \\ hand', ...names],
    ...confusion.map((row, i) => [names[i], ...row.map(formatCount)]),
  ])
  const notes = [
    'Kappa is 0 where both agree as often as chance would have it, and 1 where they always do. Landis and Koch (1977) call 0.41 to 0.60 moderate and 0.61 to 0.80 substantial.',
    about.missing > 0 ? `${formatPlural(about.missing, 'document')} labelled by hand have no label of the judge.` : '',
    ...[about.judged, about.byHand].map(({ unusable, repeated }, i) =>
      unusable + repeated > 0
        ? `${formatPlural(unusable, 'line')} of the ${i === 0 ? 'judge' : 'hand'} without an id or a label, and ${formatCount(repeated)} with an id that stood before, count for nothing.`
        : '',
    ),
  ].filter(Boolean)
  return `${formatTable(rows)}\n${table}\n${notes.map(note => `${wrapText(note, width).join('\n')}\n`).join('')}`
}

function refuse(what: string): HeadraceError {
  return new HeadraceError('bad-option', `${what}. See: headrace judge --help`)
}
