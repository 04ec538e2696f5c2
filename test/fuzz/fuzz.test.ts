import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runJobs } from './fuzz.ts'
import { targets } from './targets.ts'
import type { Job } from './worker.ts'

const seed = Number(process.env.HEADRACE_SEED ?? Date.now() % 1_000_000)
/**
 * Milliseconds for each reader at most, so that a busy machine runs fewer cases and not a longer test. `npm run fuzz`, which the clean
 * clone must pass too, gives each more than a second.
 */
const msMax = 100

/** A worker for a group of readers: loading them takes longer than their cases. */
const groups: Readonly<Record<string, RegExp>> = {
  'the log and the state': /^(journal|slots|arrow|state|lock|run-file)/,
  'shards and feeds': /^(shard|block|steps|head|control|feed)/,
  'documents from outside': /^(jsonl|json-array|gzip|zstd|bz2|xz|text|parquet|topic)/,
}

for (const [name, pattern] of Object.entries(groups))
  test(`damaged bytes of ${name} are read as far as they are whole, or refused (HEADRACE_SEED=${seed})`, async () => {
    const chosen = targets.filter(target => pattern.test(target.name))
    const jobs = chosen.map((target): Job => {
      return { target: target.name, from: 0, cases: target.cases, ms: msMax, withRegressions: true }
    })
    const { failures, done } = await runJobs(jobs, { seed })
    const told = failures.map(({ target, name: number, message }) => `${target}, case ${number}: ${message}`)
    assert.deepEqual(told, [], 'see test/fuzz/main.ts: npm run fuzz -- --target NAME --seed N')
    assert.deepEqual(
      done.map(({ target }) => target),
      chosen.map(target => target.name),
    )
  })

test('every reader is in a group', () => {
  const lone = targets.filter(({ name }) => Object.values(groups).filter(pattern => pattern.test(name)).length !== 1)
  assert.deepEqual(lone, [])
})

const mistakes: readonly [target: string, found: RegExp | null][] = [
  ['not', null],
  ['crash', /TypeError: Cannot read properties of undefined/],
  ['memory', /made it allocate 268435456 bytes at once/],
  ['heap', /ended the worker: .*memory/],
  ['hang', /did not end within 1000 ms/],
  ['values', /other values/],
  ['always', /undamaged: HeadraceError: it is damaged/],
]
for (const [name, found] of mistakes)
  test(found ? `a reader with a mistake is found: ${name}` : 'a reader without a mistake passes', async () => {
    const job = { target: `broken-${name}`, from: 0, cases: 1, ms: 5000, withRegressions: false }
    const { failures } = await runJobs([job], { seed: 1, caseMsMax: name === 'hang' ? 1000 : 20_000 })
    if (!found) assert.deepEqual(failures, [])
    else assert.match(failures[0]?.message ?? 'nothing was found', found)
  })
