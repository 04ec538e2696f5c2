import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { displayWidth } from '../../src/cli/wrap.ts'
import { randomFrom } from '../random.ts'
import { hashFiles, makeText } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { parseLines, runMain } from './terminal.ts'

// One small run with every kind of fate, and the pages that the commands print of it.
const dir = makeFolder('pages')
const random = randomFrom(7)
const original = makeText(random, 40)
const edited = original.replace(/\n\n[^\n]*$/, '\n\nAnother ending that was never here before.')
const lines = [
  JSON.stringify({ id: 'original', text: original, domain: 'web' }),
  JSON.stringify({ id: 'copy', text: original, domain: 'web', note: '\u001b[2Jescape' }),
  JSON.stringify({ id: 'near', text: edited, domain: 'web' }),
  JSON.stringify({ id: 'short', text: 'Too short to keep.', domain: 'web' }),
  '{"text": "cut off',
  ...Array.from({ length: 12 }, (_, i) =>
    JSON.stringify({ id: `more-${i}`, text: makeText(random, 40), domain: 'other' }),
  ),
]
const input = join(dir, 'in.jsonl')
await writeFile(input, `${lines.join('\n')}\n`)
const pipeline = join(dir, 'pages.ts')
await writeFile(
  pipeline,
  `import * as h from 'headrace'
export default h.pipeline('pages')
  .from(h.jsonl(${JSON.stringify(input)}))
  .annotate(h.normalize(), h.gopherQuality(), h.gate(), h.maskPii(), h.signature())
  .decide(h.rules(), h.exactDuplicates(), h.nearDuplicates())
  .tokenize('gpt2')
  .feed({ length: 128, batch: 4 })\n`,
)
const runs = ['--dir', join(dir, 'runs')]
const first = await runMain(['run', pipeline, ...runs, '--workers', '1'])

test('a run ends with its figures and the first steps of the feed', () => {
  assert.deepEqual([first.status, first.err], [0, ''])
  assert.match(first.out, /documents +17\n {2}kept +13 .*\n {2}dropped +3 /)
  for (const reason of ['exact-duplicate', 'near-duplicate', 'too-few-words'])
    assert.match(first.out, new RegExp(`^ {4}${reason} +1 +5\\.9%$`, 'm'))
  assert.match(first.out, /^ {2}dead +1 /m)
  assert.match(first.out, /first steps of the feed\n *step .*\n +0 +4 /)
  assert.match(first.out, /more: headrace feed reads them all\n\n256 tokens .*\n.*\n\nheadrace look --dir .* shows why/)
})

test('run again, it says so, changes nothing, and --json ends with one line of all figures', async () => {
  const before = await hashFiles(join(dir, 'runs', 'pages', 'feed'))
  assert.match((await runMain(['run', pipeline, ...runs])).out, /all of it had been read before/)
  const { out } = await runMain(['run', pipeline, ...runs, '--json'])
  assert.equal(out.split('\n').length, 2)
  const line = JSON.parse(out)
  assert.deepEqual(Object.keys(line), [
    'run',
    'documents',
    'kept',
    'uncompared',
    'dropped',
    'dead',
    'repaired',
    'repairs',
    'tombstones',
    'otherDomains',
    'leftOut',
    'tokens',
    'textBytes',
    'seconds',
    'cpuSeconds',
    'feed',
  ])
  assert.deepEqual(
    { run: line.run, documents: line.documents, kept: line.kept, dropped: line.dropped, dead: line.dead },
    {
      run: 'pages',
      documents: 17,
      kept: 13,
      dropped: { 'exact-duplicate': 1, 'near-duplicate': 1, 'too-few-words': 1 },
      dead: 1,
    },
  )
  assert.ok(line.tokens > 0 && line.seconds > 0 && line.cpuSeconds > 0)
  assert.deepEqual(await hashFiles(join(dir, 'runs', 'pages', 'feed')), before)
})

test('fates has a line a record, and decisions has the same fields for one annotator alone', async () => {
  const fates = parseLines((await runMain(['fates', ...runs])).out)
  assert.deepEqual(
    fates.slice(0, 5).map(({ id, line, fate, reason, duplicateOf }) => [id, line, fate, reason, duplicateOf]),
    [
      ['original', 1, 'kept', null, null],
      ['copy', 2, 'dropped', 'exact-duplicate', 'original'],
      ['near', 3, 'dropped', 'near-duplicate', 'original'],
      ['short', 4, 'dropped', 'too-few-words', null],
      ['', 5, 'dead', 'broken-json', null],
    ],
  )
  const byAnnotator = await runMain(['decisions', 'gopher-quality', pipeline, ...runs])
  const decisions = parseLines(byAnnotator.out)
  assert.equal(decisions.length, fates.length)
  for (const [i, line] of decisions.entries()) assert.deepEqual(Object.keys(line), Object.keys(fates[i]))
  assert.deepEqual(decisions.map(line => line.fate).slice(0, 5), ['kept', 'kept', 'kept', 'dropped', 'dead'])
  assert.deepEqual(await runMain(['decisions', 'gopherQuality', pipeline, ...runs]), byAnnotator)
  assert.equal((await runMain(['decisions', 'maskPii', pipeline, ...runs])).status, 0)
  const unknown = await runMain(['decisions', 'c4', pipeline, ...runs])
  assert.equal(unknown.status, 64)
  assert.match(unknown.err, /no annotator 'c4'; it has normalize, gopher-quality, pii, signature/)
})

test('look shows a sample with its evidence, its threshold, and in what a near-duplicate differs', async () => {
  const { out } = await runMain(['look', ...runs], 80)
  assert.match(
    out,
    /── too-few-words \(gopherWords < 50\): 1 record\n\n {2}short .*in\.jsonl:4 +web +4\n {4}│ Too short to keep\.\n/,
  )
  assert.match(
    out,
    /── near-duplicate: 1 record\n\n {2}near [\s\S]*repeats original .*in\.jsonl:1 {2}similarity 0\.\d+\n {4}- Another ending/,
  )
  assert.match(out, /── exact-duplicate: 1 record\n\n {2}copy [\s\S]*repeats original/)
  assert.match(out, /── broken-json: 1 record\n\n {2}\(no document\) .*in\.jsonl:5\n {4}│ Unterminated string/)
  for (const line of out.split('\n').filter(one => !one.includes('repeats'))) assert.ok(displayWidth(line) <= 80, line)
  assert.equal((await runMain(['look', 'near-duplicate', ...runs])).out.match(/──/g)?.length, 1)
  const unknown = await runMain(['look', 'nothing', ...runs])
  assert.equal(unknown.status, 66)
  assert.match(unknown.err, /no record has the reason 'nothing'; the reasons are broken-json, exact-duplicate, near-/)
})

test('trace shows the whole way of a record, by id or by file and line', async () => {
  const kept = (await runMain(['trace', 'original', ...runs])).out
  assert.match(
    kept,
    /^original\n {2}source +.*in\.jsonl:1\n {2}address +slot 0, row 0\n {2}fate +kept in web\n {2}shard +shards\/web\/00000000\.arrow, row 0, tokens 0 to /,
  )
  assert.match(kept, /sample +block 0, sample \d+, \d+ of its tokens: step \d/)
  assert.match(kept, /gopherWords +\d+/)
  const dropped = (await runMain(['trace', 'short', ...runs])).out
  assert.match(dropped, /fate +dropped: too-few-words, measured 4 \(gopherWords < 50\)/)
  assert.doesNotMatch(dropped, /shard|shingles/)
  const near = (await runMain(['trace', 'near', ...runs], 200)).out.replace(/\n +/g, ' ')
  assert.match(near, /dropped: near-duplicate of original \(.*in\.jsonl:1\), similarity 0\.\d+/)
  const dead = await runMain(['trace', `${input}:5`, ...runs])
  assert.match(dead.out.replace(/\n +/g, ' '), /\(no document\).* fate +dead: broken-json, Unterminated/)
  assert.ok(!(await runMain(['trace', 'copy', ...runs])).out.includes('\u001b'))
  const [json] = parseLines((await runMain(['trace', 'original', '--json', ...runs])).out)
  assert.deepEqual(Object.keys(json).slice(-3), ['measurements', 'shard', 'samples'])
  const unknown = await runMain(['trace', 'nobody', ...runs])
  assert.deepEqual([unknown.status, unknown.out], [66, ''])
})

test('feed prints steps as a trainer of any world reads them', async () => {
  const all = parseLines((await runMain(['feed', '--json', ...runs])).out)
  assert.deepEqual(
    all.map(step => step.step),
    all.map((_, i) => i),
  )
  const half = parseLines(
    (await runMain(['feed', join(dir, 'runs', 'pages'), '--json', '--rank', '1', '--world', '2', '--from', '1'])).out,
  )
  assert.deepEqual(
    half.map(({ step, samples, digest }) => [step, samples, digest]),
    all.slice(1).map(({ step, digest }) => [step, 2, digest]),
  )
  const shown = (await runMain(['feed', '--steps', '1', ...runs])).out
  assert.match(
    shown,
    new RegExp(
      `\\.\\.\\. ${all.length - 1} more\n\n${all.length} steps, .* tokens, read at .* tokens/s\n\n256 tokens .3.5%. are in no step\n`,
    ),
  )
  const bad = await runMain(['feed', '--world', '3', ...runs])
  assert.equal(bad.status, 64)
  assert.equal((await runMain(['feed', '--from', '9999', ...runs])).status, 66)
})

test('report shows the figures of what was kept by domain', async () => {
  const { out } = await runMain(['report', ...runs])
  assert.match(out, /kept by domain\n {2}other +12 +of 12 +100\.0%/)
  assert.doesNotMatch(out, /has not ended/)
  const figures = JSON.parse((await runMain(['report', '--json', ...runs])).out)
  assert.deepEqual([figures.documents, figures.kept, figures.ended], [17, 13, true])
})

test('plan fits the page, is brief about gates, and shows columns when asked', async () => {
  const { out } = await runMain(['plan', pipeline], 80)
  assert.match(out, /gate +stops what fails its \d+ rules: empty-text, too-few-words and \d+\s+more/)
  assert.match(out, /too-few-words +gopherWords < 50\n/)
  assert.match(out, /step +4 samples of 128 tokens\n$/)
  for (const line of out.split('\n')) assert.ok(displayWidth(line) <= 80, line)
  const columns = (await runMain(['plan', pipeline, '--columns'])).out
  assert.match(columns, /columns\n {2}text +utf8 +[0-9a-f]{16}\n +masked\n +id +utf8/)
  assert.match(
    columns,
    /gopherWords +u32 .*\n +words: tokens .*\n +dropped as too-few-words .* < 50 \(option wordsMin\)\n/,
  )
  assert.match(columns, /textBytes .*\n.*\n +dropped as empty-text where textBytes < 1\n +gopherWords/)
  assert.deepEqual(JSON.parse((await runMain(['plan', pipeline, '--json'])).out).feed, { length: 128, batch: 4 })
})

test('a run of an empty file has pages too', async () => {
  const empty = join(dir, 'empty.jsonl')
  await writeFile(empty, '')
  const args = ['--dir', join(dir, 'empty')]
  const run = await runMain(['run', pipeline, '--input', empty, ...args])
  assert.equal(run.status, 0, run.err)
  assert.match(run.out, /no step of the feed: a step has 512 tokens/)
  for (const command of [['report'], ['look'], ['fates'], ['feed'], ['decisions', 'pii', pipeline]]) {
    const printed = await runMain([...command, ...args])
    assert.deepEqual([printed.status, printed.err], [0, ''], command[0])
  }
})

test('another input under the same name is refused with what to do', async () => {
  const other = await runMain(['run', pipeline, '--input', join(dir, 'in*.jsonl'), ...runs])
  assert.equal(other.status, 64)
  assert.match(other.err, /begin another with --run NAME/)
})

test('of several runs the newest is meant, and another may be named', async () => {
  assert.equal((await runMain(['run', pipeline, '--run', 'second', ...runs])).status, 0)
  assert.match((await runMain(['report', ...runs])).out, /run second in/)
  assert.match((await runMain(['report', '--run', 'pages', ...runs])).out, /run pages in/)
  const unknown = await runMain(['report', '--run', 'third', ...runs])
  assert.match(unknown.err, /holds no run 'third'; it holds second, pages/)
})
