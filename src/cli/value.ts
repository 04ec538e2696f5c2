import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { writeDurably } from '../disk/durable-file.ts'
import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'
import { type Cut, surveyValue } from '../value/survey.ts'
import { type Command, type ParsedArgs, runOptions } from './command.ts'
import { openNamedRun } from './find-run.ts'
import { surveyJson } from './value-json.ts'
import { drawPage } from './value-page.ts'
import { describeSurvey } from './value-tables.ts'
import { cleanName } from './wrap.ts'

export const valueCommand: Command = {
  name: 'value',
  usage: 'RUN',
  summary:
    "Shows what a run's value columns say: how they lie, which say the same, and what a threshold on each would keep.",
  details: `Nothing of the run is written. RUN is a run's name or folder. Counted are the documents that it keeps: what it has decided so far, where it goes on. A threshold keeps what is at or above it (at or below it of language models and of --lower), and documents without a value, as rules do. Tokens are those of sealed shards, and else an estimate by bytes. Percentiles are of ${limits.calibrationSampleMax} documents a column at most, rank correlations of ${limits.correlationSampleMax}; what is kept is counted of all.`,
  options: {
    dir: runOptions.dir,
    columns: {
      value: 'COLUMN,...',
      help: "columns of numbers (default those of classifiers, seeds, language models, rank(), combine(), drawByScore(), density() and language's score)",
    },
    at: {
      value: 'CUT,...',
      help: 'where to cut: p75 for a percentile of each column, 0.5 for a value (default p10,p25,p50,p75,p90)',
    },
    lower: {
      value: 'COLUMN,...',
      help: 'columns of which low values are kept, besides those of languageModel() and kenlm()',
    },
    dropped: { help: 'counts the documents, too, that the run has dropped' },
    page: { value: 'FILE', help: 'also writes a page of HTML with histograms and mixtures, without scripts' },
    json: { help: 'prints one line of JSON' },
  },
  run: async (args, terminal) => {
    const cuts = (args.text('at') ?? 'p10,p25,p50,p75,p90').split(',').map(readCut)
    if (cuts.length > limits.valueThresholdsMax)
      throw refuse(`--at has ${cuts.length} thresholds, and ${limits.valueThresholdsMax} are the most`)
    const columns = readColumns(args, 'columns')
    const order = { columns, cuts, lower: readColumns(args, 'lower') ?? [], hasDropped: args.flag('dropped') }
    const page = args.text('page')
    if (page === '') throw refuse('--page is empty: it takes a file')
    await using run = await openNamedRun(args.text('dir') ?? '.headrace', args.positionals[0])
    const survey = await surveyValue(run, order)
    if (page !== undefined) {
      await mkdir(dirname(resolve(page)), { recursive: true })
      await writeDurably(page, [Buffer.from(drawPage(run, order, survey))])
    }
    if (args.flag('json')) terminal.out.write(`${JSON.stringify(surveyJson(run, order, survey))}\n`)
    else terminal.out.write(`${describeSurvey(run, order, survey)}${page === undefined ? '' : `\nwrote ${page}\n`}`)
    return undefined
  },
}

function readColumns(args: ParsedArgs, option: 'columns' | 'lower'): string[] | null {
  const given = args.text(option)
  if (given === undefined) return null
  const columns = given.split(',').filter(Boolean)
  if (columns.length === 0) throw refuse(`--${option} is empty: it takes columns of numbers, as class:math,seed:math`)
  if (new Set(columns).size < columns.length)
    throw refuse(`--${option} is '${cleanName(given)}', which names a column twice`)
  return columns
}

function readCut(text: string): Cut {
  const percentile = /^p(\d{1,2}|100)$/.exec(text)?.[1]
  if (percentile !== undefined) return { percentile: Number(percentile) }
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (Number.isFinite(value)) return { value }
  throw refuse(`--at has '${cleanName(text)}'; it takes percentiles from p0 to p100, or values, as p50,p90,0.8`)
}

function refuse(what: string): HeadraceError {
  return new HeadraceError('bad-option', `${what}. See: headrace value --help`)
}
