import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { writeDurably } from '../disk/durable-file.ts'
import { HeadraceError } from '../errors.ts'
import { encodeModel } from '../text/linear/model-file.ts'
import { isModelName } from '../text/model-name.ts'
import { Examples } from '../value/examples.ts'
import { type FittedHead, fitHead } from '../value/fit.ts'
import { findHeavyBuckets, GramNames } from '../value/heavy-grams.ts'
import { findFault } from '../value/report-head.ts'
import type { Command, ParsedArgs, Terminal } from './command.ts'
import { describeHead, type NamedGrams } from './describe-head.ts'
import { readGroupedTexts, type TextFields } from './labelled-texts.ts'
import { checkInput, Unread } from './read-texts.ts'
import { pageWidth } from './wrap.ts'

export const classifierCommand: Command = {
  name: 'classifier',
  usage: 'fit NAME',
  summary: 'Fits a classifier on texts of two kinds, or on labelled ones, for classifier() to score documents by.',
  details:
    "Learns from words and pairs of words, on the CPU. A fifth of the texts and more is held out, whole groups of them, and what is printed was measured on those. A model that does no better than a text's length or source alone is refused. Inputs are folders of .txt and .md files, or globs (in quotes) of JSON Lines or Parquet.",
  options: {
    positive: { value: 'GLOB', multiple: true, help: 'texts that are it' },
    negative: { value: 'GLOB', multiple: true, help: 'texts that are not: text at large will do' },
    labels: { value: 'GLOB', multiple: true, help: 'labelled texts, in place of these two; --label says how' },
    label: { value: 'FIELD', help: "field that holds the label (default 'label')" },
    kind: { value: 'KIND', help: 'what a label is: value, a number (default), or class, a name' },
    groups: {
      value: 'FIELD',
      help: "what is held out as a whole: host (of the url, default), file, a field's name, or document, which is no group and flatters",
    },
    source: { value: 'FIELD', help: "field that says where a text is from (default 'source')" },
    text: { value: 'FIELD', help: "field that holds the text (default 'text')" },
    url: { value: 'FIELD', help: "field that holds the url (default 'url')" },
    epochs: { value: 'N', help: 'times that all texts are learned from (default 5)' },
    out: { value: 'FILE', help: 'where to write it (default models/NAME.linear)' },
    force: { help: 'writes a model that does no better than length or source alone; the file says so' },
    json: { help: 'prints one line of JSON' },
  },
  run: async (args, terminal) => {
    const [verb, name] = args.positionals
    if (verb !== 'fit') throw refuse(`'${verb}' is not 'fit', the one thing it does`)
    if (!isModelName(name)) throw refuse(`NAME is '${name}': use 1 to 64 letters, digits or '-'`)
    const order = orderOf(args)
    for (const { input } of order.sides) await checkInput(input, order.fields)
    const unread = new Unread()
    await using examples = await Examples.open()
    const classes = await readAll(examples, order, unread)
    const fitted = await fitHead(examples, { name, kind: order.kind, classes, epochs: args.count('epochs', 5, 1, 100) })
    const file = args.text('out') ?? `models/${name}.linear`
    const fault = findFault(fitted.report)
    if (fault !== null && !args.flag('force'))
      throw new HeadraceError('bad-option', `${fault}; nothing was written. Give other texts, or --force`)
    await writeModel(file, fitted, fault)
    const grams = order.kind === 'class' ? null : await nameGrams(fitted, order)
    print(terminal, args.flag('json'), { file, fitted, fault, grams, unread })
    return undefined
  },
}

interface Side {
  readonly input: readonly string[]
  /** What its texts are; null where their label says it. */
  readonly target: number | null
}

interface Order {
  readonly kind: 'score' | 'value' | 'class'
  readonly sides: readonly Side[]
  readonly fields: TextFields
  readonly label: string
}

function orderOf(args: ParsedArgs): Order {
  const [positive, negative, labels] = ['positive', 'negative', 'labels'].map(name => args.texts(name))
  const fields = {
    text: args.text('text') ?? 'text',
    url: args.text('url') ?? 'url',
    source: args.text('source') ?? 'source',
    groups: args.text('groups') ?? 'host',
  }
  const label = args.text('label') ?? 'label'
  if (labels.length > 0) {
    if (positive.length + negative.length > 0) throw refuse('--labels stands in place of --positive and --negative')
    const kind = args.text('kind') ?? 'value'
    if (kind !== 'value' && kind !== 'class') throw refuse(`--kind is '${kind}': it takes value or class`)
    return { kind, sides: [{ input: labels, target: null }], fields, label }
  }
  for (const name of ['label', 'kind']) if (args.text(name) !== undefined) throw refuse(`--${name} goes with --labels`)
  if (positive.length === 0 || negative.length === 0)
    throw refuse('give --positive GLOB and --negative GLOB, or --labels GLOB')
  const sides = [
    { input: positive, target: 1 },
    { input: negative, target: 0 },
  ]
  return { kind: 'score', sides, fields, label }
}

/** Adds all texts, and returns the names of classes in their order. */
async function readAll(examples: Examples, { kind, sides, fields, label }: Order, unread: Unread): Promise<string[]> {
  const classes = new Map<string, number>()
  for (const { input, target } of sides)
    for await (const { field, ...text } of readGroupedTexts(input, fields, unread)) {
      const own = target ?? targetOf(field(label), kind, classes)
      if (own === null) unread.add(text.source, [{ line: 0, reason: 'no-label', detail: `its field '${label}'` }])
      else await examples.add({ ...text, target: own })
    }
  return [...classes.keys()]
}

const classesMax = 512

function targetOf(label: string | null, kind: Order['kind'], classes: Map<string, number>): number | null {
  if (label === null || label.trim() === '') return null
  if (kind === 'value') return Number.isFinite(Number(label)) ? Number(label) : null
  const known = classes.get(label)
  if (known !== undefined) return known
  if (classes.size === classesMax) throw refuse(`--label has more than ${classesMax} classes`)
  classes.set(label, classes.size)
  return classes.size - 1
}

async function writeModel(file: string, { head, weights, report }: FittedHead, fault: string | null): Promise<void> {
  await mkdir(dirname(resolve(file)), { recursive: true })
  // Put in place whole: a run may be reading the one before.
  await writeDurably(
    file,
    encodeModel({ model: { heads: [head], weights }, report: { heads: [report], forced: fault } }),
  )
}

/** Texts that are read again for names: the heaviest words are in most of them. */
const namedTextsMax = 4000

async function nameGrams(fitted: FittedHead, { sides, fields }: Order): Promise<NamedGrams> {
  const { up, down } = findHeavyBuckets(fitted)
  const names = new GramNames([...up, ...down])
  for (const { input } of sides) {
    let texts = 0
    for await (const { bytes } of readGroupedTexts(input, fields, new Unread())) {
      names.read(bytes)
      if (++texts === namedTextsMax) break
    }
  }
  const nameAll = (buckets: readonly number[]) =>
    buckets.map(bucket => names.nameOf(bucket)).filter(name => name !== null)
  return { up: nameAll(up), down: nameAll(down) }
}

function print(
  terminal: Terminal,
  isJson: boolean,
  {
    file,
    fitted,
    fault,
    grams,
    unread,
  }: { file: string; fitted: FittedHead; fault: string | null; grams: NamedGrams | null; unread: Unread },
): void {
  const { head, report } = fitted
  if (isJson) terminal.out.write(`${JSON.stringify({ file, ...report, forced: fault, grams, unread: unread.count })}\n`)
  else
    terminal.out.write(`${describeHead(report, grams, pageWidth(terminal))}${unread.describe()}${fault === null ? '' : `forced: ${fault}\n`}
wrote ${file}
use it: .annotate(classifier({ model: '${file}' })), then the column 'class:${head.name}'
`)
}

function refuse(what: string): HeadraceError {
  return new HeadraceError('bad-option', `${what}. See: headrace classifier --help`)
}
