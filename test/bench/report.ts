import type { Rule } from '../../src/annotate/annotator.ts'
import { Kernel } from '../../src/page/kernel.ts'
import type { ReportPart } from '../../src/page/report-data.ts'
import { randomFrom } from '../random.ts'

// How long a page's what-if takes: rows that are made up, each with as many columns and rules as FineWeb's recipe has.

const [rows, columns] = [100_000, 30]
const random = randomFrom(1)
const names = Array.from({ length: columns }, (_, i) => `column${i}`)
const values = names.map(() => Float64Array.from({ length: rows }, () => random()))
const rules = names.map((column): Rule => ({ reason: `${column}-low`, column, below: 0.02 }))
const part: ReportPart = { steps: [{ writes: names }], rules, deciderReasons: [] }
const batch = {
  rows,
  columns: Object.fromEntries(names.map((name, i) => [name, { kind: 'f64' as const, values: values[i] }])),
}
const reasons = ['', ...rules.map(({ reason }) => reason)]
const reason = Uint16Array.from({ length: rows }, (_, row) => 1 + rules.findIndex((_, i) => values[i][row] < 0.02))
const kernel = new Kernel({ batch, reason, part: new Uint16Array(rows) }, [part], reasons)
const times = Array.from({ length: 20 }, (_, i) => {
  const started = performance.now()
  kernel.decide({ [names[i]]: { below: 0.01 } })
  return performance.now() - started
}).sort((a, b) => a - b)
console.log(
  `what-if of ${rows} rows with ${columns} rules: ${times[10].toFixed(1)} ms in the middle, ${times.at(-1)!.toFixed(1)} ms at most; ${kernel.unequal} fates unequal`,
)
