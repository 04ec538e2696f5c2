import { parseArgs } from 'node:util'
import { checkCase, drawCase } from '../promote/property.ts'

// Promotes feeds over random thresholds, steps and kills, and holds each against an oracle: the property test of
// test/promote/promote.test.ts, as often as it is asked for.
//
//   npm run bench -- promote [--count 100] [--seed N]
//
// It says what the cases came to, or the first seed that fails and how.
const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
})
const [first, count] = [Number(values.seed), Number(values.count)]
const sums: Record<string, number> = { cases: 0, 'without a step before': 0 }
for (let seed = first; seed < first + count; seed++) {
  const done = await checkCase(await drawCase(seed)).catch(error => {
    throw new Error(`seed ${seed}: ${error.message}`, { cause: error })
  })
  sums[done ? 'cases' : 'without a step before']++
  for (const [name, figure] of Object.entries(done ?? {})) sums[name] = (sums[name] ?? 0) + figure
}
console.log(`seeds ${first} to ${first + count - 1} hold`, sums)
