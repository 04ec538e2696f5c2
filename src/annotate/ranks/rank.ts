import { type Batch, numbers, utf8 } from '../../batch/batch.ts'
import { Names, Strings } from '../../batch/strings.ts'
import { name, type OptionsOf, required, resolveOptions } from '../../options.ts'
import type { Annotator } from '../annotator.ts'
import { nameFor, ratio } from '../measure.ts'
import { readNeeded } from '../model-file.ts'
import { groupKey, type PercentileTable, readPercentiles } from './percentile-file.ts'
import { type Percentiles, rankIn } from './percentiles.ts'

const share = ratio(
  'share of the documents of its language and domain whose value is below its own; NaN without a value',
)
const table = {
  name: 'rank',
  about: `Ranks a column among documents of the same kind, by a table that \`headrace calibrate\` made: 0.9 is above nine of ten of them, in
    any domain. A document whose group is not in the table, as too few were there, is ranked among those of its first column alone, then among all.`,
  measures: { '<column>Rank': share },
  options: { table: required('a file that `headrace calibrate` wrote', name) },
}

/** What a column's ranks are called. */
export const rankColumn = (column: string) => `${column}Rank`

/**
 * Ranks a column, from 0 to 1, within its group: no raw score means the same in two domains or languages (see `headrace calibrate`).
 *
 *     pipeline('web')
 *       .from(jsonl('data/*.jsonl'))
 *       .annotate(language(), classifier({ model: 'models/math.linear' }), rank({ table: 'ranks/class-math.json' }))
 *       .decide(rules({ 'class:mathRank': { below: 0.5 } }))
 */
export function rank(given: OptionsOf<typeof table.options>): Annotator {
  const { table: path } = resolveOptions("annotator 'rank'", table.options, given)
  const { ranks, sha256 } = loadTable(path)
  const { column, by } = ranks
  const own = rankColumn(column)
  return Object.freeze({
    name: nameFor('rank', column),
    version: 1,
    exact: true,
    options: { column, by },
    reads: [column, ...by],
    writes: [{ name: own, kind: 'f64' as const }],
    resources: [{ name: `percentiles:${column}`, sha256 }],
    rules: [],
    measures: { [own]: share },
    annotate: (batch: Batch) => ({ [own]: { kind: 'f64' as const, values: rankRows(ranks, batch) } }),
  })
}
rank.table = table

function rankRows({ column, by, groups }: PercentileTable, batch: Batch): Float64Array {
  const values = numbers(batch, column)
  const names = by.map(name => new Strings(utf8(batch, name), new Names()))
  const ranks = new Float64Array(batch.rows)
  let [before, group] = ['', groups.get(groupKey([]))!]
  for (let row = 0; row < batch.rows; row++) {
    const key = groupKey(names.map(column => column.at(row)))
    // Neighbours are mostly of one group.
    if (key !== before)
      group = findGroup(
        groups,
        names.map(column => column.at(row)),
      )
    before = key
    ranks[row] = rankIn(group, values[row])
  }
  return ranks
}

/** The smallest group of the table that has these names. */
function findGroup(groups: PercentileTable['groups'], names: readonly string[]): Percentiles {
  for (let count = names.length; ; count--) {
    const found = groups.get(groupKey(names.slice(0, count)))
    if (found) return found
  }
}

function loadTable(file: string): { readonly ranks: PercentileTable; readonly sha256: string } {
  const { bytes, sha256 } = readNeeded({ what: 'table', path: file, advice: "make it with 'headrace calibrate'" })
  return { ranks: readPercentiles(bytes.toString('utf8'), file), sha256 }
}
