import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { writePercentiles } from '../annotate/ranks/percentile-file.ts'
import { rankColumn } from '../annotate/ranks/rank.ts'
import { writeDurably } from '../disk/durable-file.ts'
import { HeadraceError } from '../errors.ts'
import { type CalibratedGroup, type Calibration, calibrate } from '../value/calibrate.ts'
import { columnsIn } from '../value/stored-columns.ts'
import { type Command, type ParsedArgs, runOptions } from './command.ts'
import { openNamedRun } from './find-run.ts'
import { formatCount, formatMeasured, formatPlural, formatTable } from './table.ts'
import { cleanName } from './wrap.ts'

export const calibrateCommand: Command = {
  name: 'calibrate',
  usage: 'RUN',
  summary: 'Makes the table by which rank() ranks a column within its language and domain, from what a run has stored.',
  details:
    "No raw score means the same in two domains. RUN is a run's name or folder; all of its documents that have a value count, dropped ones too. A group of fewer than --min documents has no percentiles of its own: its documents are ranked within the language, and those of a rare language among all.",
  options: {
    dir: runOptions.dir,
    column: { value: 'COLUMN', help: 'the column of numbers, as class:math (required)' },
    by: {
      value: 'COLUMN,...',
      help: 'what makes a group, at most four columns of names (default language,domain, or what the run has of both)',
    },
    min: { value: 'N', help: 'documents that a group takes to be ranked by itself (default 300)' },
    out: {
      value: 'FILE',
      help: 'where to write the table (default ranks/COLUMN.json, with - for what is no letter or digit)',
    },
    json: { help: 'prints one line of JSON' },
  },
  run: async (args, terminal) => {
    const column = args.text('column')
    if (column === undefined) throw refuse('--column is missing: it takes a column of numbers, as class:math')
    const documentsMin = args.count('min', 300, 1, Number.MAX_SAFE_INTEGER)
    const file = args.text('out') ?? `ranks/${fileName(column)}.json`
    await using run = await openNamedRun(args.text('dir') ?? '.headrace', args.positionals[0])
    const by =
      readBy(args) ??
      columnsIn(run.run)
        .filter(name => name === 'language' || name === 'domain')
        .sort()
        .reverse()
    const calibration = await calibrate(run, { column, by, documentsMin })
    await mkdir(dirname(resolve(file)), { recursive: true })
    // Put in place whole: a run may be reading the one before.
    await writeDurably(file, [Buffer.from(writePercentiles(calibration.table))])
    const print = args.flag('json') ? toJson : describe
    terminal.out.write(print(calibration, { file, documentsMin }))
  },
}

interface About {
  readonly file: string
  readonly documentsMin: number
}

const byMax = 4

function readBy(args: ParsedArgs): string[] | null {
  const given = args.text('by')
  if (given === undefined) return null
  const by = given.split(',').filter(Boolean)
  if (new Set(by).size < by.length) throw refuse(`--by is '${cleanName(given)}', which names a column twice`)
  if (by.length > byMax) throw refuse(`--by names ${by.length} columns, and ${byMax} are the most`)
  return by
}

const fileName = (column: string) => column.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '') || 'column'

const shownMax = 40

function describe({ table, groups, unmeasured }: Calibration, { file, documentsMin }: About): string {
  const ranked = groups.filter(({ percentiles }) => percentiles)
  const few = groups.length - ranked.length
  const head = [...table.by, 'documents', 'mean', 'deviation', '10%', '50%', '90%']
  const left = table.by.map((_, i) => i)
  const lines = [formatTable([head, ...ranked.slice(0, shownMax).map(group => rowOf(table.by, group))], left)]
  if (ranked.length > shownMax) lines.push(`and ${formatPlural(ranked.length - shownMax, 'group')} more\n`)
  if (few > 0)
    lines.push(
      `${formatPlural(few, 'group')} of fewer than ${formatCount(documentsMin)} documents: ranked in a larger one\n`,
    )
  if (unmeasured > 0) lines.push(`${formatPlural(unmeasured, 'document')} without a value\n`)
  const own = rankColumn(table.column)
  lines.push(`wrote ${file}\nuse it: .annotate(rank({ table: '${file}' })), then the column '${cleanName(own)}'\n`)
  return lines.join('')
}

function rowOf(by: readonly string[], { of, documents, mean, deviation, percentiles }: CalibratedGroup): string[] {
  const names = by.map((_, i) => (i < of.length ? cleanName(of[i]) || '-' : 'all'))
  const points = [10, 50, 90].map(point => percentiles!.points[point])
  return [
    ...names,
    formatCount(documents),
    ...[mean, deviation, ...points].map(value => formatMeasured(+value.toPrecision(4))),
  ]
}

function toJson({ table, groups, unmeasured }: Calibration, { file, documentsMin }: About): string {
  const listed = groups.map(({ percentiles, ...group }) => ({
    ...group,
    points: percentiles ? [...percentiles.points] : null,
  }))
  return `${JSON.stringify({ file, column: table.column, by: table.by, min: documentsMin, unmeasured, groups: listed })}\n`
}

function refuse(what: string): HeadraceError {
  return new HeadraceError('bad-option', `${what}. See: headrace calibrate --help`)
}
