import assert from 'node:assert/strict'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { main } from '../../src/cli/main.ts'
import { bindingOf } from '../../src/record/binding.ts'
import { readRunFile } from '../../src/record/run-file.ts'
import { writeTrimmed } from '../../src/record/trimmed.ts'
import { runValues, type Value, writeDocuments } from '../diff/fixture.ts'
import { setLimits } from '../simulate/small-limits.ts'
import { makeFolder } from '../temporary.ts'
import { parseLines, runMain } from './terminal.ts'

setLimits({ slotBytes: 4 * 1024 })

// Forty documents in some slots. Run b keeps the fourth that run a has dropped, with hostile names; held stops before the last slots.
const hostile = '\u001b[2J\u202ename\n'
const documents = Array.from({ length: 40 }, (_, i) => ({
  id: i === 3 ? hostile : `d${i}`,
  domain: i === 3 ? hostile : 'plain',
  text: `Document ${i} says that ${'the river goes on and on. '.repeat(20)}`,
}))
const valuesOf = (third: Value, last: Value) =>
  documents.map(({ id }, i): [string, Value] => [id, i === 3 ? third : i > 30 ? last : 5])

const dir = makeFolder('cli-diff')
before(async () => {
  const input = await writeDocuments(dir, 'documents.jsonl', documents)
  await runValues(dir, 'a', { input, values: valuesOf(0.25, 5) })
  await runValues(dir, 'b', { input, values: valuesOf(1.5, 5), tokenizer: false })
  const guard = ".guard({ by: 'reason', only: ['low'], above: 0.5, windowSlots: 1, rowsMin: 1 })"
  await runValues(dir, 'held', { input, values: valuesOf(0.25, 0), also: guard, status: 3 })
})

const diff = (...args: string[]) => runMain(['diff', ...args, '--dir', dir])

test('exit status 0 says that nothing differs, 1 that something does, and a run may be named by its path', async () => {
  for (const [other, status] of [
    ['a', 0],
    [join(dir, 'a'), 0],
    ['b', 1],
    [join(dir, 'b'), 1],
  ] as const)
    assert.equal((await diff('a', other)).status, status, other)
  assert.match((await diff('a', 'a')).err, /nothing differs/)
})

for (const [args, status, what] of [
  [['a', 'nowhere'], 66, /no run 'nowhere': .* holds (held|b|a), .*and nowhere is no folder of a run/],
  [['a', 'b', '--by', 'domian'], 64, /--by has no 'domian'; did you mean 'domain'\?/],
  [['a', 'b', '--key', 'text'], 64, /--key has no 'text'; there are id, url/],
  [['a', 'b', '--rows', '--json'], 64, /give one of them/],
  [['a'], 64, /takes A B/],
] as const)
  test(`diff ${args.join(' ')} is refused`, async () => {
    const printed = await diff(...args)
    assert.deepEqual([printed.status, printed.out], [status, ''])
    assert.match(printed.err, what)
  })

test('a pipe gets a line a row, figures as they are, and nothing that steers a terminal', async () => {
  const { out, err } = await diff('a', 'b', '--by', 'domain', '--by', 'reason')
  const cells = out.split('\n').map(line => line.split(/ {2,}/))
  assert.deepEqual(
    cells.filter(([name]) => name === 'kind').map(row => row.slice(1, 5)),
    [
      ['same', '39', '39', '39'],
      ['added', '1', '0', '1'],
    ],
  )
  assert.deepEqual(cells.find(([name]) => name === 'move')!.slice(1, 5), ['low', 'kept', 'added', '1'])
  assert.deepEqual(cells.find(([name]) => name === 'reason')!.slice(1), ['low', '1', '0', '0', '1'])
  assert.doesNotMatch(out + err, /[^\P{Cc}\n]|\p{Bidi_Control}/u)
  // b makes no tokens, which is not none.
  assert.match(err, /b has no tokenizer, so its tokens are not known/)
  assert.equal(cells.find(row => row[0] === 'run' && row[1] === 'B')!.at(-1), '-')
})

test('a terminal gets tables and samples with the distance of both runs to their thresholds', async () => {
  let out = ''
  const terminal = { write: (text: string) => (out += text), isTTY: true, columns: 120 }
  await main(['diff', 'a', 'b', '--dir', dir, '--samples', '1'], { out: terminal, err: { write: () => {} } })
  assert.match(out, /^kind +documents +kept A +kept B/m)
  assert.match(out, /── low → kept \(added\): 1 record\n/)
  assert.match(out, / {4}A {2}low, measured 0\.25, 0\.75 beyond quality < 1\n/)
  assert.match(out, / {4}B {2}kept in .*, measured 1\.5, 0\.5 within quality < 1\n/)
})

test('--rows prints each record that differs with what both runs say of it, --json all counts', async () => {
  const [row, ...others] = parseLines((await diff('a', 'b', '--rows')).out)
  assert.deepEqual(others, [])
  const { a, b, ...labels } = row as { a: Record<string, unknown>; b: Record<string, unknown> }
  assert.deepEqual(labels, { kind: 'added', id: hostile, file: join(dir, 'documents.jsonl'), line: 4 })
  assert.deepEqual([a.fate, a.reason, a.measured, a.distance, a.tokens], ['dropped', 'low', 0.25, 0.75, null])
  assert.deepEqual([b.fate, b.reason, b.measured, b.distance, b.domain], ['kept', null, 1.5, -0.5, hostile])
  const [all] = parseLines((await diff('a', 'b', '--json')).out) as unknown as [
    {
      same: boolean
      kinds: Record<string, { documents: number; tokens: unknown[] }>
      by: { domain: { name: string }[] }
    },
  ]
  assert.deepEqual([all.same, all.kinds.added.documents, all.kinds.added.tokens], [false, 1, [0, null]])
  assert.deepEqual(
    all.by.domain.map(({ name }) => name),
    ['plain', hostile],
  )
})

test('a run that has not ended is compared as far as it is decided, and says so', async () => {
  const { status, out, err } = await diff('a', 'held')
  assert.equal(status, 0, out)
  assert.match(err, /held has not ended: it has decided the slots before \d+/)
  assert.match(err, /compared are the slots before \d+, of which both are decided/)
  assert.match(err, /not held against what a has counted: slots from \d+ on are not compared/)
  assert.match(out, /^run {2,}B {2,}held {2,}0-\d+ so far/m)
})

test('runs that were trimmed are compared from the first slot that both keep, and say so', async () => {
  const trimmed = join(dir, 'trimmed')
  await cp(join(dir, 'b'), trimmed, { recursive: true })
  await writeTrimmed(trimmed, bindingOf((await readRunFile(trimmed))!), 1, () => {})
  const { status, out, err } = await diff('a', 'trimmed')
  assert.equal(status, 0, out)
  assert.match(err, /trimmed was trimmed: it keeps the slots from 1 on/)
  assert.match(err, /not held against what a has counted: slots before 1 are not compared/)
})
