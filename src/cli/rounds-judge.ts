import { join } from 'node:path'
import type { Judge, Judged } from '../annotate/judge/ask.ts'
import { askingDefaults } from '../annotate/judge/judge.ts'
import { hashTerms, type Terms } from '../annotate/judge/question.ts'
import { type Dimension, type Rubric, readRubric } from '../annotate/judge/rubric.ts'
import { writeDurably } from '../disk/durable-file.ts'
import { sizeOf } from '../disk/files.ts'
import { HeadraceError } from '../errors.ts'
import { cutText } from '../text/cut-text.ts'
import { meetsAll } from '../value/conditions.ts'
import { RowLabels } from '../value/row-labels.ts'
import { addCondition } from '../value/rows-wanted.ts'
import type { SampleRow } from '../value/run-rounds.ts'
import type { Condition } from '../value/targets.ts'
import type { ParsedArgs } from './command.ts'
import { openJudge } from './judge-sample.ts'
import { explainUnanswered } from './judge-tables.ts'
import { refuse } from './rounds-options.ts'
import { formatPlural } from './table.ts'
import { cleanName, cleanPath } from './wrap.ts'

/** Who says whether rows of a sample are what is sought. */
export interface RoundsJudge {
  /** Another judge is another loop. */
  readonly identity: { readonly terms: string; readonly is: string } | null
  judge(round: number, sample: readonly SampleRow[]): Promise<readonly (boolean | null)[] | null>
  /** Where a person is to fill in labels, and how many are missing; null where none is. */
  readonly waiting: { readonly file: string; readonly missing: number } | null
}

const ofModel = [
  'is',
  'endpoint',
  'model',
  'key-from',
  'store',
  'concurrency',
  'timeout',
  'budget-requests',
  'budget-tokens',
]

/** A language model where there is a rubric, else a person. */
export async function openRoundsJudge(folder: string, args: ParsedArgs): Promise<RoundsJudge> {
  const rubric = args.text('rubric')
  const charactersMax = args.count('characters', askingDefaults.charactersMax)
  if (rubric !== undefined) {
    if (args.texts('labels').length > 0) throw refuse('--labels and --rubric are two judges: give one')
    return openModel(readRubric(rubric), charactersMax, args)
  }
  const foreign = ofModel.find(name => args.text(name) !== undefined)
  if (foreign !== undefined) throw refuse(`--${foreign} goes with --rubric`)
  return new Person(folder, charactersMax, await readLabels(args.texts('labels')))
}

async function openModel(rubric: Rubric, charactersMax: number, args: ParsedArgs): Promise<RoundsJudge> {
  const [is, model] = ['is', 'model'].map(name => {
    const given = args.text(name)
    if (given) return given
    throw refuse(`--${name} is missing, which goes with --rubric`)
  })
  const where = readIs(is, rubric)
  const terms: Terms = { rubric, model, charactersMax, answerTokensMax: askingDefaults.answerTokensMax }
  const asked = {
    terms,
    store: args.text('store') ?? '.headrace-judged',
    concurrency: args.count('concurrency', askingDefaults.concurrency, 1, 1024),
    isDry: false,
  }
  const judge = await openJudge(asked, args, 'enrich rounds')
  const names = rubric.dimensions.map(({ name }) => name)
  return {
    identity: { terms: hashTerms(terms), is },
    waiting: null,
    judge: async (_, sample) => {
      const judged = await judgeAll(judge, sample)
      return judged.map(({ values }) => values && meetsAll(where, name => values[names.indexOf(name)]))
    },
  }
}

/** Throws where something may be answered later: the sample is not judged then. */
async function judgeAll(judge: Judge, sample: readonly SampleRow[]): Promise<Judged[]> {
  const judged = await Promise.all(sample.map(({ bytes }) => judge.judge(Buffer.from(bytes).toString('utf8'))))
  const open = judged.filter(({ unanswered }) => unanswered !== '' && !/^(invalid|refused):/.test(unanswered))
  if (open.length === 0) return judged
  throw new HeadraceError(
    'limit',
    `${formatPlural(open.length, 'row')} of a sample of ${sample.length} have no answer, and the round stays open: ${explainUnanswered(open[0].unanswered)}`,
  )
}

function readIs(is: string, { dimensions }: Rubric): ReadonlyMap<string, Condition> {
  const fail = (what: string) => refuse(`--is ${what}`)
  const where = new Map<string, Condition>()
  for (const term of is.split('&')) addCondition(where, term, fail)
  for (const [name, condition] of where) {
    const dimension = dimensions.find(one => one.name === name)
    if (!dimension)
      throw fail(`asks for '${cleanName(name)}', and the rubric has ${dimensions.map(one => one.name).join(', ')}`)
    checkValues(dimension, condition, fail)
  }
  return where
}

function checkValues(dimension: Dimension, condition: Condition, fail: (what: string) => HeadraceError): void {
  const { name } = dimension
  if ('oneOf' in condition !== 'labels' in dimension)
    throw fail(
      `asks for '${name}' by ${'oneOf' in condition ? 'names' : 'a number'}, which it is not: write ${'labels' in dimension ? `${name}=${dimension.labels[0]}` : `${name}>=${dimension.to}`}`,
    )
  if (!('oneOf' in condition) || !('labels' in dimension)) return
  const unknown = [...condition.oneOf].find(label => !dimension.labels.includes(label))
  if (unknown !== undefined)
    throw fail(
      `asks for ${name} '${cleanName(unknown)}', and its labels are ${dimension.labels.map(one => cleanName(one)).join(', ')}`,
    )
}

/** Labels of one file. */
interface OwnLabels {
  readonly path: string
  readonly labels: RowLabels
}

async function readLabels(paths: readonly string[]): Promise<OwnLabels[]> {
  return await Promise.all(
    paths.map(async path => {
      const labels = new RowLabels()
      await labels.read(path, 'label')
      if (labels.count + labels.unlabelled > 0) return { path, labels }
      throw refuse(`no line of ${cleanPath(path)} names a row, by slot and row or by id, with a label`)
    }),
  )
}

/** What a person says, in a file that the loop writes, or in files that are there. */
class Person implements RoundsJudge {
  readonly identity = null
  waiting: RoundsJudge['waiting'] = null
  readonly #folder: string
  readonly #charactersMax: number
  readonly #given: readonly OwnLabels[]

  constructor(folder: string, charactersMax: number, given: readonly OwnLabels[]) {
    this.#folder = folder
    this.#charactersMax = charactersMax
    this.#given = given
  }

  async judge(round: number, sample: readonly SampleRow[]): Promise<readonly boolean[] | null> {
    const file = join(this.#folder, `sample-${round}.jsonl`)
    const isWritten = (await sizeOf(file)) !== null
    const known = isWritten ? [...this.#given, ...(await readOwn(file))] : this.#given
    const said = sample.map(row => findLabel(known, row))
    const missing = said.filter(label => label === null).length
    if (missing === 0) return said as boolean[]
    if (!isWritten) await writeDurably(file, [Buffer.from(sample.map((row, i) => this.#lineOf(row, said[i])).join(''))])
    this.waiting = { file, missing }
    return null
  }

  #lineOf({ slot, row, id, url, domain, isKept, rank, bytes }: SampleRow, said: boolean | null): string {
    const text = cutText(Buffer.from(bytes).toString('utf8'), this.#charactersMax)
    const label = said === null ? '' : said ? 'yes' : 'no'
    return `${JSON.stringify({ label, slot, row, id, ...(url && { url }), domain, kept: isKept, rank, text })}\n`
  }
}

/** A file without any label yet is one that a person has still to fill in. */
async function readOwn(path: string): Promise<OwnLabels[]> {
  const labels = new RowLabels()
  await labels.read(path, 'label')
  return [{ path, labels }]
}

const yes = ['yes', 'true', '1']
const no = ['no', 'false', '0']

function findLabel(all: readonly OwnLabels[], row: SampleRow): boolean | null {
  for (const { path, labels } of all) {
    const found = labels.find(row)
    if (!found) continue
    const label = found.label.trim().toLowerCase()
    if (yes.includes(label)) return true
    if (no.includes(label)) return false
    throw new HeadraceError(
      'bad-option',
      `${cleanPath(path)}:${found.line} has the label '${cleanName(found.label)}', which is neither yes nor no: mend it, and run the same command again`,
    )
  }
  return null
}
