import type { Described } from '../annotate/filter.ts'
import type { Measure } from '../annotate/measure.ts'
import * as headrace from '../index.ts'
import type { OptionTable } from '../options.ts'

/** `docs/operators.md`, made from the tables of all operators that the package exports. `npm run docs` writes it. */
export function describeOperators(deciders: Readonly<Record<string, OptionTable>> = {}): string {
  const annotators = Object.entries(headrace).filter((entry): entry is [string, Described] & typeof entry =>
    Object.hasOwn(entry[1], 'table'),
  )
  const sections = [
    '# Operators',
    'Made by `npm run docs` from the tables that check the options. Another option, or another value, is refused before any work.\n`headrace plan PIPELINE --columns` shows the columns of a pipeline, and what its rules drop.',
    ...annotators.map(([name, { table }]) => describeAnnotator(name, table)),
    ...Object.entries(deciders).map(([name, options]) => joinParts(`## ${name}`, optionTable(optionRows(options)))),
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
  return Object.entries(options).map(([name, { about, kind, default: value }]) => {
    const shown = value === undefined ? 'must be given' : `\`${JSON.stringify(value)}\``
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
