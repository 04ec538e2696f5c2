import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { writeDurably } from '../disk/durable-file.ts'
import { HeadraceError } from '../errors.ts'
import { encodeModel } from '../text/linear/model-file.ts'
import { isModelName } from '../text/model-name.ts'
import { combineHeads } from '../value/combine-heads.ts'
import { Examples } from '../value/examples.ts'
import { fitHeads, type HeadOutcome } from '../value/fit-heads.ts'
import { GramNames } from '../value/heavy-grams.ts'
import { type FitOrder, readOrder, refuse } from './classifier-order.ts'
import { type Command, runOptions, type Terminal } from './command.ts'
import { describeHead, type NamedGrams } from './describe-head.ts'
import { Unread } from './input-text.ts'
import { checkTexts, type ReadHeads, readHeads, readOnce } from './labelled-texts.ts'
import { pageWidth } from './wrap.ts'

export const classifierCommand: Command = {
  name: 'classifier',
  usage: 'fit NAME',
  summary: 'Fits a classifier on texts of two kinds, or on labelled ones, for classifier() to score documents by.',
  details:
    "Learns from words and pairs of words, on the CPU. A fifth of the texts and more is held out, whole groups of them, and what is printed was measured on those. A model that does no better than a text's length or source alone is refused. Inputs are folders of .txt and .md files, globs (in quotes) of JSON Lines or Parquet, or rows that a run has stored: 'run:web?domain=math,forum&class:math>=2' are those that run web keeps, 'run:web?dropped' and '?any' others.",
  options: {
    positive: { value: 'GLOB', multiple: true, help: 'texts that are it' },
    negative: { value: 'GLOB', multiple: true, help: 'texts that are not: text at large will do' },
    labels: { value: 'GLOB', multiple: true, help: 'labelled texts, in place of these two; --label says how' },
    damaged: {
      value: 'GLOB',
      multiple: true,
      help: 'fluent texts, in place of all these: half of them are learned from with words moved, left out or repeated, so that the head tells how fluent a text is',
    },
    rows: {
      value: 'run:RUN',
      help: 'where --labels has no texts: the rows of a run that it names by slot and row, or by id',
    },
    label: { value: 'FIELD', help: "field or column that holds the label (default 'label')" },
    kind: { value: 'KIND', help: 'what a label is: value, a number (default), or class, a name' },
    heads: {
      value: 'FILE',
      help: 'several heads of one model, in place of these: JSON of their names, each with positive and negative, or labels, rows, label and kind, or damaged',
    },
    groups: {
      value: 'FIELD',
      help: "what is held out as a whole: host (of the url, default), file, domain, a field's or column's name, or document, which is no group and flatters",
    },
    source: { value: 'FIELD', help: "field that says where a text is from (default 'source')" },
    text: { value: 'FIELD', help: "field that holds the text (default 'text')" },
    url: { value: 'FIELD', help: "field that holds the url (default 'url')" },
    epochs: { value: 'N', help: 'times that all texts are learned from (default 5)' },
    dir: runOptions.dir,
    out: { value: 'FILE', help: 'where to write it (default models/NAME.linear)' },
    force: { help: 'writes heads that do no better than length or source alone, too; the file says so' },
    json: { help: 'prints one line of JSON' },
  },
  run: async (args, terminal) => {
    const [verb, name] = args.positionals
    if (verb !== 'fit') throw refuse(`'${verb}' is not 'fit', the one thing it does`)
    if (!isModelName(name)) throw refuse(`NAME is '${name}': use 1 to 64 letters, digits or '-'`)
    const order = readOrder(name, args)
    const epochs = args.count('epochs', 5, 1, 100)
    await checkTexts(order)
    const unread = new Unread()
    await using examples = await Examples.open()
    const read = await readHeads(examples, order, unread)
    const heads = order.heads.map((head, i) => ({ ...head, classes: read.classes[i], epochs }))
    const outcomes = await fitHeads(examples, heads)
    const fit = choose(outcomes, args.flag('force'))
    const file = args.text('out') ?? `models/${name}.linear`
    await writeModel(file, fit)
    const grams = await nameGrams(fit, order)
    print(terminal, args.flag('json'), { file, fit, grams, unread, read, isOne: args.text('heads') === undefined })
    return fit.leftOut.length > 0 ? leftOutStatus : undefined
  },
}

/** A model was written, and a head that was wanted is not in it. */
const leftOutStatus = 4

type Fitted = Extract<HeadOutcome, { fitted: object }>

interface Fit {
  /** Those that are written. */
  readonly fitted: readonly Fitted[]
  readonly leftOut: readonly HeadOutcome[]
}

/** Which heads are written. Throws `bad-option` where none is. */
function choose(outcomes: readonly HeadOutcome[], isForced: boolean): Fit {
  const isWritten = (outcome: HeadOutcome): outcome is Fitted =>
    outcome.fitted !== null && (outcome.fault === null || isForced)
  const [fitted, leftOut] = [outcomes.filter(isWritten), outcomes.filter(one => !isWritten(one))]
  if (fitted.length > 0) return { fitted, leftOut }
  const canForce = outcomes.some(outcome => outcome.fitted !== null)
  const advice = canForce ? '. Give other texts, or --force' : ''
  if (outcomes.length === 1) throw new HeadraceError('bad-option', `${outcomes[0].fault}; nothing was written${advice}`)
  const all = outcomes.map(({ name, fault }) => `${name}: ${fault}`).join('; ')
  throw new HeadraceError(
    'bad-option',
    `none of ${outcomes.length} heads is of use, and nothing was written: ${all}${advice}`,
  )
}

async function writeModel(file: string, { fitted, leftOut }: Fit): Promise<void> {
  await mkdir(dirname(resolve(file)), { recursive: true })
  const faults = fitted.flatMap(({ name, fault }) => (fault === null ? [] : [`${name}: ${fault}`]))
  const report = {
    heads: fitted.map(({ fitted }) => fitted.report),
    forced: faults.length > 0 ? faults.join('; ') : null,
    ...(leftOut.length > 0 && { leftOut: faultsOf(leftOut) }),
  }
  // Put in place whole: a run may be reading the one before.
  await writeDurably(file, encodeModel({ model: combineHeads(fitted.map(({ fitted }) => fitted)), report }))
}

const faultsOf = (outcomes: readonly HeadOutcome[]) =>
  Object.fromEntries(outcomes.map(({ name, fault }) => [name, fault]))

/** Names of the heaviest words of each head, where it has two sides, from one more look at the texts. */
async function nameGrams({ fitted }: Fit, order: FitOrder): Promise<Map<string, NamedGrams>> {
  const sided = fitted.filter(({ fitted }) => fitted.head.kind !== 'class')
  const names = new GramNames(sided.flatMap(({ heavy }) => [...heavy.up, ...heavy.down]))
  if (sided.length > 0) for await (const bytes of readOnce(order)) names.read(bytes)
  const nameAll = (buckets: readonly number[]) =>
    buckets.map(bucket => names.nameOf(bucket)).filter(name => name !== null)
  return new Map(sided.map(({ name, heavy }) => [name, { up: nameAll(heavy.up), down: nameAll(heavy.down) }]))
}

interface Printed {
  readonly file: string
  readonly fit: Fit
  readonly grams: ReadonlyMap<string, NamedGrams>
  readonly unread: Unread
  readonly read: ReadHeads
  /** Whether the model was asked for without a file of heads. */
  readonly isOne: boolean
}

function print(terminal: Terminal, isJson: boolean, { file, fit, grams, unread, read, isOne }: Printed): void {
  const { fitted, leftOut } = fit
  const told = { unread: unread.count, notes: [...unread.notes, ...read.notes] }
  if (isJson) {
    const heads = fitted.map(({ name, fitted: { report }, fault }) => ({
      ...report,
      forced: fault,
      grams: grams.get(name) ?? null,
    }))
    const all = isOne ? { file, ...heads[0], ...told } : { file, heads, leftOut: faultsOf(leftOut), ...told }
    terminal.out.write(`${JSON.stringify(all)}\n`)
    return
  }
  const width = pageWidth(terminal)
  const pages = fitted.map(({ name, fitted: { report }, fault }) => {
    const forced = fault === null ? '' : `forced: ${fault}\n`
    return `${describeHead(report, grams.get(name) ?? null, width)}${forced}`
  })
  const missing = leftOut.map(
    ({ name, fault, fitted }) =>
      `left out: ${name}: ${fault}${fitted === null ? '' : '. Give other texts, or --force'}\n`,
  )
  const notes = read.notes.map(note => `${note}\n`).join('')
  const columns = fitted.map(({ name }) => `'class:${name}'`).join(', ')
  terminal.out.write(`${pages.join('\n')}${missing.length > 0 ? '\n' : ''}${missing.join('')}${unread.describe()}${notes}
wrote ${file}
use it: .annotate(classifier({ model: '${file}' })), then the column${fitted.length > 1 ? 's' : ''} ${columns}
`)
}
