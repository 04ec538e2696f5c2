import assert from 'node:assert/strict'
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { limits } from '../../src/limits.ts'
import { randomFrom } from '../random.ts'
import { makeText } from '../run/fixture.ts'
import { setLimits } from '../simulate/small-limits.ts'
import { makeFolder } from '../temporary.ts'
import { parseLines, runMain } from './terminal.ts'

// A corpus whose every name wants to steer the terminal of who reads about it, and more domains than are kept apart.
const { domainsMax, fedDomainsMax, noteLengthMax } = limits
setLimits({ domainsMax: 12, fedDomainsMax: 8, noteLengthMax: 300 })
const dir = makeFolder('hostile')
const takeOver = '\u001b[2J\u001b]0;owned\u0007'
const names = [
  `c0${takeOver}`,
  'c1\u009b2J\u0085x',
  'bidi\u202egnp.exe\u2066\u200f',
  'lines\u2028a\u2029b\nc\r\td',
  `long ${'x'.repeat(2000)}`,
  `marks ${'e\u0301'.repeat(400)}`,
  `wide ${'水'.repeat(100)}`,
  'del\u007f',
  '__proto__',
  'constructor',
  ...Array.from({ length: 8 }, (_, i) => `late ${i}`),
]
const random = randomFrom(5)
const file = join(dir, `in${takeOver.replaceAll('\u0007', '')}\u202e\n.jsonl`)
const records = names.flatMap(name => {
  const text = makeText(random, 30)
  const one = { id: name, domain: name, text }
  return [one, { ...one, id: `copy of ${name}` }, { ...one, id: `short ${name}`, text: `short ${takeOver}` }]
})
const broken = `{"text": "broken ${takeOver.replaceAll('\u0007', '')}`
await writeFile(file, `${records.map(record => JSON.stringify(record)).join('\n')}\n${broken}\n`)
await copyFile(join(import.meta.dirname, '..', 'faults', 'esc.jsonl'), join(dir, 'esc.jsonl'))
const reason = `too few ${takeOver}`
const pipeline = join(dir, 'hostile.ts')
await writeFile(
  pipeline,
  `import * as h from 'headrace'
const size = {
  name: 'size', version: 1, exact: true, options: {}, reads: ['text'], resources: [],
  writes: [{ name: 'size', kind: 'f32' }],
  rules: [{ column: 'size', below: 100, reason: ${JSON.stringify(reason)} }],
  annotate: ({ rows, columns: { text } }) => {
    const values = Float32Array.from({ length: rows }, (_, row) => text.offsets[row + 1] - text.offsets[row])
    return { size: { kind: 'f32', values } }
  },
}
export default h.pipeline('hostile')
  .from(h.jsonl(${JSON.stringify(join(dir, '*.jsonl'))}))
  .annotate(size, h.normalize(), h.signature())
  .decide(h.rules(), h.exactDuplicates())
  .tokenize('gpt2')
  .feed({ length: 64, batch: 4 })\n`,
)
const runs = ['--dir', join(dir, 'runs'), '--run', 'hostile']

/** All that moves a cursor, ends a line or turns text around; line feeds are the commands' own. */
const steers = /[^\P{Cc}\n]|[\p{Zl}\p{Zp}\p{Bidi_Control}]/u

const first = await runMain(['run', pipeline, ...runs, '--workers', '1'])

// Arguments, exit status.
const told: [string[], number][] = [
  [['run', pipeline, ...runs, '--log-format', 'text'], 0],
  [['run', pipeline, ...runs, '--log-format', 'json'], 0],
  [['report', ...runs], 0],
  [['report', ...runs, '--json'], 0],
  [['look', ...runs, '--samples', '50'], 0],
  [['fates', ...runs], 0],
  [['decisions', 'size', pipeline, ...runs], 0],
  [['feed', ...runs], 0],
  [['feed', ...runs, '--json'], 0],
  [['verify', ...runs], 0],
  [['doctor', ...runs], 0],
  [['doctor', pipeline, ...runs], 0],
  [['doctor', ...runs, '--json'], 0],
  [['redrive', pipeline, ...runs, '--into', 'redriven'], 0],
  [['plan', pipeline], 0],
  [['plan', pipeline, '--json'], 0],
  [['try', join(dir, '*.jsonl')], 0],
  ...names.slice(0, 6).flatMap((name): [string[], number][] => [
    [['trace', name, ...runs], 0],
    [['trace', `copy of ${name}`, ...runs, '--json'], 0],
  ]),
  [['trace', `nobody ${takeOver}`, ...runs], 66],
  [['look', takeOver, ...runs], 66],
  [['decisions', takeOver, pipeline, ...runs], 64],
  [['run', takeOver], 66],
  [['run', pipeline, '--run', takeOver], 64],
  [['report', '--dir', join(dir, takeOver)], 66],
  [[takeOver], 64],
]

test('the check sees what steers', () => {
  assert.match(takeOver, steers)
  for (const name of names.slice(0, 4)) assert.match(name, steers)
  assert.doesNotMatch('plain\n水', steers)
})

test('a run says nothing that steers a terminal, and cuts what is long', () => {
  assert.equal(first.status, 0, first.err)
  assert.doesNotMatch(first.out + first.err, steers)
  for (const line of first.out.split('\n')) assert.ok(line.length <= 200, line)
})

test('no command does, whatever it is asked and whatever it finds', async () => {
  for (const [args, status] of told) {
    const printed = await runMain(args)
    assert.equal(printed.status, status, `${JSON.stringify(args)}: ${printed.err}${printed.out}`)
    assert.doesNotMatch(printed.out + printed.err, steers, JSON.stringify(args))
  }
})

test('lines of JSON keep the values', async () => {
  const fates = parseLines((await runMain(['fates', ...runs])).out)
  const ids = new Set(fates.map(({ id }) => id))
  assert.deepEqual(
    records.map(({ id }) => id).filter(id => !ids.has(id)),
    [],
  )
  assert.ok(fates.some(fate => fate.file === file && fate.reason === reason))
  const report = parseLines((await runMain(['report', ...runs, '--json'])).out)[0]
  const byDomain = report.byDomain as Record<string, { documents: number }>
  for (const name of [names[0], names[2], '__proto__', 'constructor']) assert.equal(byDomain[name].documents, 3, name)
})

test('documents of domains beyond those that are kept apart have one fate each, are fed and traced, and it is told', async () => {
  const { documents, otherDomains } = JSON.parse((await runMain(['report', ...runs, '--json'])).out)
  // The file of one document comes first; long names are never kept apart.
  assert.deepEqual([documents, otherDomains], [records.length + 2, 3 * (names.length - domainsApart)])
  assert.match(first.out, /documents of further domains are in 'other': the first 12 of at most 512 characters/)
  const steps = parseLines((await runMain(['feed', ...runs, '--json'])).out) as { domains: Record<string, number> }[]
  const fed = new Set(steps.flatMap(({ domains }) => Object.keys(domains)))
  assert.ok(fed.has('other') && fed.has(names[0]) && fed.size <= 9, [...fed].join(' '))
  const traced = parseLines((await runMain(['trace', 'late 7', ...runs, '--json'])).out)[0]
  assert.ok((traced.samples as unknown[]).length > 0, 'a document of another domain is found in the steps')
})

/** Of `names`: the names that are short enough, less the one place that esc.jsonl takes. */
const domainsApart = 11

process.on('exit', () => setLimits({ domainsMax, fedDomainsMax, noteLengthMax }))
