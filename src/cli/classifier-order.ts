import { readFileSync } from 'node:fs'
import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'
import { kind, listOf, name, type OptionsOf, oneOf, optional, resolveOptions } from '../options.ts'
import type { Head } from '../text/linear/model.ts'
import { isModelName } from '../text/model-name.ts'
import { isRows } from '../value/rows-wanted.ts'
import type { ParsedArgs } from './command.ts'
import type { TextFields } from './grouped-texts.ts'
import { cleanName } from './wrap.ts'

/** A head that is wanted. */
export interface HeadWanted {
  readonly name: string
  readonly kind: Head['kind']
  /** The field or column that holds its labels, where these say what a text is. */
  readonly label: string
}

/** Texts that are read once, and for which heads: `target` is what they are to it, null where their label says it. */
export interface TextsWanted {
  readonly input: readonly string[]
  /** Files with the labels of these, by row; null where each text comes with its own. */
  readonly labels: readonly string[] | null
  /** Whether half of them are damaged (`value/damage-text.ts`): these are not what a head looks for, and the others are. */
  readonly isDamaged: boolean
  readonly uses: readonly { readonly head: number; readonly target: number | null }[]
}

export interface FitOrder {
  readonly heads: readonly HeadWanted[]
  readonly texts: readonly TextsWanted[]
  readonly fields: TextFields
}

const inputs = kind<string | readonly string[]>(
  'a path, glob or rows of a run, or a list of them',
  value => name.accepts(value) || listOf(name, 1).accepts(value),
)
const headTable = {
  positive: optional('texts that are it', inputs),
  negative: optional('texts that are not', inputs),
  labels: optional('labelled texts, in place of these two', inputs),
  damaged: optional(
    'fluent texts, in place of all these: half of them is learned from with words moved, left out and repeated',
    inputs,
  ),
  rows: optional("rows of a run that 'labels' names by slot and row, or by id, where it has no texts of its own", name),
  label: optional('field or column that holds the label', name),
  kind: optional('what a label is', oneOf(['value', 'class'])),
}
type HeadGiven = OptionsOf<typeof headTable>

/** What `classifier fit NAME` is to do, by its options or by the file of `--heads`. Throws `bad-option` before anything is read. */
export function readOrder(own: string, args: ParsedArgs): FitOrder {
  const file = args.text('heads')
  const given = file === undefined ? [[own, givenBy(args)] as const] : readHeads(file, args)
  const who = (head: string) => (file === undefined ? '' : `${file}: head '${cleanName(head)}': `)
  const sides = given.map(([head, options]) => sidesOf(options, what => refuse(`${who(head)}${what}`)))
  return {
    heads: given.map(([head, { label = 'label' }], i) => ({ name: head, kind: sides[i].kind, label })),
    texts: joinSides(sides.map(({ texts }) => texts)),
    fields: {
      text: args.text('text') ?? 'text',
      url: args.text('url') ?? 'url',
      source: args.text('source') ?? 'source',
      groups: args.text('groups') ?? 'host',
      dir: args.text('dir') ?? '.headrace',
    },
  }
}

const lists = ['positive', 'negative', 'labels', 'damaged'] as const
const ofHead = [...lists, 'rows', 'label', 'kind'] as const

function givenBy(args: ParsedArgs): HeadGiven {
  const list = (name: string) => (args.texts(name).length > 0 ? args.texts(name) : undefined)
  const kind = args.text('kind')
  if (kind !== undefined && kind !== 'value' && kind !== 'class')
    throw refuse(`--kind is '${kind}': it takes value or class`)
  const [positive, negative, labels, damaged] = lists.map(list)
  return { positive, negative, labels, damaged, rows: args.text('rows'), label: args.text('label'), kind }
}

/** Heads by name, as a file of JSON has them. */
function readHeads(file: string, args: ParsedArgs): (readonly [string, HeadGiven])[] {
  const own = ofHead.find(name =>
    lists.some(list => list === name) ? args.texts(name).length > 0 : args.text(name) !== undefined,
  )
  if (own !== undefined) throw refuse(`--${own} stands in the file of --heads, for each head`)
  const heads = Object.entries(parseHeads(file))
  if (heads.length === 0) throw refuse(`${file} names no head`)
  if (heads.length > limits.headsMax)
    throw new HeadraceError('limit', `${file} has ${heads.length} heads, and ${limits.headsMax} are the most`)
  return heads.map(([name, given]) => {
    if (!isModelName(name))
      throw refuse(`${file} names a head '${cleanName(name)}': use 1 to 64 letters, digits or '-'`)
    if (typeof given !== 'object' || given === null || Array.isArray(given))
      throw refuse(`${file}: head '${name}' is no object with positive and negative, or labels`)
    return [name, resolveOptions(`${file}: head '${name}'`, headTable, given as HeadGiven)] as const
  })
}

function parseHeads(file: string): object {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new HeadraceError('not-found', `file ${file} of --heads cannot be read`, error)
  }
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch (error) {
    throw refuse(`${file} is no JSON: ${(error as Error).message}`)
  }
  throw refuse(`${file} is no object of heads by name`)
}

interface Side extends Omit<TextsWanted, 'uses'> {
  readonly target: number | null
}

function sidesOf(
  { positive, negative, labels, damaged, rows, label, kind }: HeadGiven,
  fail: (what: string) => HeadraceError,
): { kind: Head['kind']; texts: Side[] } {
  const list = (given: string | readonly string[] | undefined) => (given === undefined ? [] : [given].flat())
  const [positives, negatives, labelled, fluent] = [positive, negative, labels, damaged].map(list)
  if (labelled.length > 0) {
    if (positives.length + negatives.length + fluent.length > 0)
      throw fail('--labels stands in place of --positive and --negative, and of --damaged')
    if (rows !== undefined && !isRows(rows))
      throw fail(`--rows is '${cleanName(rows)}': it takes run:RUN, the rows that are labelled`)
    const of = rows === undefined ? { input: labelled, labels: null } : { input: [rows], labels: labelled }
    return { kind: kind ?? 'value', texts: [{ ...of, isDamaged: false, target: null }] }
  }
  for (const [name, given] of Object.entries({ label, kind, rows }))
    if (given !== undefined) throw fail(`--${name} goes with --labels`)
  if (fluent.length > 0) {
    if (positives.length + negatives.length > 0) throw fail('--damaged stands in place of --positive and --negative')
    return { kind: 'score', texts: [{ input: fluent, labels: null, isDamaged: true, target: null }] }
  }
  if (positives.length === 0 || negatives.length === 0)
    throw fail('give --positive GLOB and --negative GLOB, or --labels GLOB, or --damaged GLOB')
  const sides = [
    [positives, 1],
    [negatives, 0],
  ] as const
  return { kind: 'score', texts: sides.map(([input, target]) => ({ input, labels: null, isDamaged: false, target })) }
}

/** Lists of texts that several heads have are read once. */
function joinSides(sides: readonly (readonly Side[])[]): TextsWanted[] {
  const joined = new Map<string, TextsWanted & { readonly uses: { head: number; target: number | null }[] }>()
  for (const [head, own] of sides.entries())
    for (const { target, ...of } of own) {
      const key = JSON.stringify(of)
      const wanted = joined.get(key) ?? { ...of, uses: [] }
      joined.set(key, wanted)
      wanted.uses.push({ head, target })
    }
  return [...joined.values()]
}

export function refuse(what: string): HeadraceError {
  return new HeadraceError('bad-option', `${what}. See: headrace classifier --help`)
}
