import type { Described } from '../annotate/filter.ts'
import type { Measure } from '../annotate/measure.ts'
import { balanceOptions } from '../decide/balance.ts'
import { exactDuplicatesOptions } from '../decide/exact-duplicates.ts'
import { holdoutOptions } from '../decide/holdout.ts'
import { nearDuplicatesOptions } from '../decide/near-duplicates.ts'
import { feedOptions } from '../feed/options.ts'
import { readFeedOptions } from '../feed/read.ts'
import * as headrace from '../index.ts'
import type { OptionTable } from '../options.ts'
import { guardOptions } from '../pipeline/guard.ts'
import { thresholdOptions } from '../pipeline/overrides.ts'
import { storeOptions } from '../pipeline/pipeline.ts'
import { topicOptions } from '../record/topic.ts'
import { kafkaTopicOptions } from '../sources/kafka/kafka-topic.ts'

/** What is no annotator and takes options. */
const others: Readonly<Record<string, OptionTable>> = {
  exactDuplicates: exactDuplicatesOptions,
  nearDuplicates: nearDuplicatesOptions,
  holdout: holdoutOptions,
  balance: balanceOptions,
  'rules and gate, for each column': thresholdOptions,
  '.feed': feedOptions,
  '.guard': guardOptions,
  '.store': storeOptions,
  jsonl: headrace.jsonl.kind.options,
  parquet: headrace.parquet.kind.options,
  textFolder: headrace.textFolder.kind.options,
  kafkaTopic: kafkaTopicOptions,
  topic: topicOptions,
  readFeed: readFeedOptions,
}

/** `docs/operators.md`, made from the tables of all operators that the package exports. `npm run docs` writes it. */
export function describeOperators(tables = others): string {
  const annotators = Object.entries(headrace).filter((entry): entry is [string, Described] & typeof entry =>
    Object.hasOwn(entry[1], 'table'),
  )
  const sections = [
    '# Operators',
    'Made by `npm run docs` from the tables that check the options. Another option, or another value, is refused before any work.\n`headrace plan PIPELINE --columns` shows the columns of a pipeline, and what its rules drop.',
    ...annotators.map(([name, { table }]) => describeAnnotator(name, table)),
    ...Object.entries(tables).map(([name, options]) =>
      joinParts(`## ${name}`, optionTable(optionRows(options)) || 'Has no options.'),
    ),
  ]
  return `${joinParts(...sections)}\n`
}

function describeAnnotator(name: string, table: Described['table']): string {
  const { about = '', measures, measuresFor, options = {} } = table
  const defaults = Object.fromEntries(Object.entries(options).map(([option, one]) => [option, one.default]))
  const all = Object.entries({ ...measures, ...measuresFor?.(defaults) })
  const columns = all.map(([column, measure]) => [`\`${column}\``, `\`${measure.kind}\``, describeMeasure(measure)])
  const ofMeasures = all.flatMap(([column, measure]) => optionRows(measure.options, `\`${column}\`: `))
  return joinParts(
    `## ${name}`,
    about.replace(/\s+/g, ' '),
    formatTable(['column', 'kind', 'what it says'], columns),
    optionTable([...ofMeasures, ...optionRows(options)]),
  )
}

/** What a column says, and what is dropped of it whatever the options are. */
function describeMeasure({ about, fixed }: Measure): string {
  const drops = fixed.map(bound => `drops as \`${bound.reason}\` what is ${bound.side} ${bound.default}`)
  return [about, ...drops].join('; ')
}

function optionRows(options: OptionTable, prefix = ''): string[][] {
  return Object.entries(options).map(([name, { about, kind, default: value, mayBeMissing }]) => {
    const needed = mayBeMissing ? '' : 'must be given'
    const shown = value === undefined ? needed : `\`${JSON.stringify(value)}\``
    return [`\`${name}\``, prefix + about, kind.is, shown]
  })
}
const optionTable = (rows: string[][]) => formatTable(['option', 'what it does', 'give', 'default'], rows)

function formatTable(head: string[], rows: string[][]): string {
  const format = (cells: string[]) =>
    `| ${cells.map(cell => cell.replace(/\s+/g, ' ').replaceAll('|', '\\|')).join(' | ')} |`
  return rows.length === 0 ? '' : [head, head.map(() => '---'), ...rows].map(format).join('\n')
}

const joinParts = (...parts: string[]) => parts.filter(part => part !== '').join('\n\n')

if (import.meta.main) process.stdout.write(describeOperators())
