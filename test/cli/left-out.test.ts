import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { randomFrom } from '../random.ts'
import { makeText } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { parseLines, runMain } from './terminal.ts'

const dir = makeFolder('cli-left-out')
const record = `${JSON.stringify({ id: 'a', text: makeText(randomFrom(1), 9) })}\n`
mkdirSync(join(dir, 'in/.old\u001b[2J'), { recursive: true })
for (const name of ['a.jsonl', '.old\u001b[2J/b.jsonl']) writeFileSync(join(dir, 'in', name), record)
const glob = join(dir, 'in/**/*.jsonl')
const pipeline = join(dir, 'p.ts')
writeFileSync(
  pipeline,
  `import * as h from 'headrace'\nexport default h.pipeline('p').from(h.jsonl(${JSON.stringify(glob)}))\n`,
)
const runs = ['--dir', join(dir, 'runs')]
const listed = [{ kind: 'hidden', count: 1, names: [join(dir, 'in/.old\u001b[2J')] }]
const told = /beside the input, and not read: 1 hidden file or folder \(\S*\/in\/\.old\ufffd\[2J\)/

test('what a glob passes over is told by plan, run, report and try, and as JSON', async () => {
  const plan = await runMain(['plan', pipeline])
  assert.match(plan.out.replaceAll(/\n +/g, ' '), told)
  assert.deepEqual(JSON.parse((await runMain(['plan', pipeline, '--json'])).out).source.leftOut, listed)
  const run = await runMain(['run', pipeline, ...runs, '--workers', '1'])
  assert.deepEqual([run.status, told.test(run.err), told.test(run.out)], [0, true, true])
  // One that had ended before, and whoever reads it.
  assert.deepEqual(JSON.parse((await runMain(['run', pipeline, ...runs, '--json'])).out).leftOut, listed)
  assert.match((await runMain(['report', ...runs])).out, told)
  assert.deepEqual(JSON.parse((await runMain(['report', ...runs, '--json'])).out).leftOut, listed)
  assert.match((await runMain(['try', glob, '--workers', '1'])).out, told)
})

test('it is an event of the log', async () => {
  const args = ['--dir', join(dir, 'logged'), '--workers', '1', '--log-format', 'json']
  const { err } = await runMain(['run', pipeline, ...args])
  const found = parseLines(err).filter(({ event }) => event === 'left-out')
  assert.deepEqual(
    found.map(({ level, leftOut }) => [level, leftOut]),
    [['warn', listed]],
  )
})
