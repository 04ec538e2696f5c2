import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { numbers } from '../../src/batch/batch.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { hashOutput, runHeadrace, runUntilCommit } from '../run/fixture.ts'
import { at, beginRuns, byMath, enrich, pipeline, runs, seed, writeModel, writePipeline } from './enrich-home.ts'
import { parseLines, runMain } from './terminal.ts'

// What the command says, and how it goes on. What it recalls is tested in test/recall/, what it refuses beside.

before(beginRuns)

test('the page: where each row is, by reason and domain; a document leads back; again there is nothing', async () => {
  const sample = at('sample.jsonl')
  const { status, out, err } = await byMath(
    'first',
    '--top',
    '20%',
    '--per-host',
    '60',
    '--sample',
    '5',
    '--sample-out',
    sample,
  )
  assert.equal(status, 0, err)
  assert.match(err, /balance: of the deciders those alone have a part that look for duplicates\n/)
  assert.match(err, /guard rails are of the pipeline/)
  assert.match(err, /the mixture names domains of the pipeline/)
  assert.match(out, /^recalled from .*runs\/base to .*runs\/first$/m)
  assert.match(out, /^seed:math of -?[\d.e-]+ and more.*: the best 20 % of what was dropped, of all \d+$/m)
  for (const name of ['seen', '  already kept', '  already recalled', '  dead', '  without a word', '  below the line'])
    assert.match(out, new RegExp(`^${name} +\\d+`, 'm'))
  assert.match(
    out,
    /^ {2}over 60 of a host +\d+ .*\n {2}exact-duplicate +\d+ .*\n {2}near-duplicate +\d+ .*\n {2}recalled +\d+/m,
  )
  assert.match(out, /^[\d,]+ tokens in recalled:math\n\ndropped for +dropped +above +recalled +tokens\n/m)
  assert.match(out, /^domain +dropped +above +recalled +tokens\n(?:.*\n)*lost +\d+ +\d+ +\d+ +[\d,]+\n/m)
  const lines = parseLines(await readFile(sample, 'utf8'))
  assert.equal(lines.length, 5)
  for (const line of lines)
    assert.deepEqual(
      ['id', 'text', 'source', 'score', 'slot', 'row', 'reason'].map(name => typeof line[name]),
      ['string', 'string', 'string', 'number', 'number', 'number', 'string'],
    )
  const [{ id, slot, row, reason }] = lines
  const trace = await runMain(['trace', String(id), '--dir', runs, '--run', 'first'])
  assert.match(trace.out, new RegExp(`address +slot ${slot}, row ${row}\\n`))
  assert.match(trace.out, new RegExp(`fate +kept in recalled:math\\n +before +dropped by .*runs/base:\\s+${reason}\\n`))
  const again = await byMath('second', '--min-score', '1.2')
  assert.equal(again.status, 65)
  assert.match(again.err, /nothing was recalled \(\d+ already kept, \d+ already recalled\): .* the line is 1\.2/)
  assert.match(again.out, /already recalled +[1-9]/)
  const same = await byMath('first', '--top', '20%', '--per-host', '60')
  assert.equal(same.status, 0, same.err)
  assert.match(same.out, /the best 20 % of what was dropped, as it was found before$/m)
  const removed = await runMain(['remove', 'base', '--dir', runs])
  assert.notEqual(removed.status, 0)
})

test('a line of JSON has the figures of the run and of the recall', async () => {
  const { status, out } = await byMath('json', '--min-score=-0.3', '--name', 'maths', '--json')
  assert.equal(status, 0)
  const { documents, kept, dropped, recall } = parseLines(out).at(-1) as unknown as Json
  assert.equal(documents, kept + Object.values(dropped).reduce((a, b) => a + b, 0) + recall.dead)
  assert.deepEqual([recall.domain, recall.line, recall.top, recall.recalled], ['recalled:maths', -0.3, null, kept])
  assert.equal(
    Object.values(recall.byReason).reduce((sum, { recalled }) => sum + recalled, 0),
    kept,
  )
})

interface Json {
  readonly documents: number
  readonly kept: number
  readonly dropped: Record<string, number>
  readonly recall: {
    readonly domain: string
    readonly line: number
    readonly top: number | null
    readonly dead: number
    readonly recalled: number
    readonly byReason: Record<string, { readonly recalled: number }>
  }
}

test('a head of a classifier scores as a seed does', async () => {
  const { status, out, err } = await enrich(
    '--classifier',
    writeModel(),
    '--head',
    'worth',
    '--top',
    '3',
    '--out',
    'worth',
  )
  assert.equal(status, 0, err)
  assert.match(out, /^class:worth of /m)
  assert.match(out, /tokens in recalled:worth$/m)
})

test('a recall joins a feed with its run, and neither is promoted, replayed nor asked what if', async () => {
  const math = await byMath('joined', '--min-score=-0.2', '--name', 'joined')
  assert.ok([0, 65].includes(math.status), math.err)
  const united = await runMain([
    'unite',
    at('united'),
    '--dir',
    runs,
    '--run',
    'base',
    '--run',
    'first',
    '--feed',
    feedFile(),
  ])
  assert.equal(united.status, 0, united.err)
  assert.match(united.out, /recalled:math/)
  assert.doesNotMatch(united.out, /[1-9]\d* left out/)
  const refused: [args: string[], message: RegExp][] = [
    [['promote', 'base', 'first'], /first is a recall: .* headrace unite makes a feed of both runs/],
    [['replay', 'base', pipeline, '--run', 'first'], /is a recall: go on with it by 'headrace enrich'/],
    [['what-if', 'first', '--rule', 'gopherWords.below=9'], /is a recall, which other runs/],
    [['what-if', 'first', pipeline, '--rule', 'gopherWords.below=9'], /is a recall, which other runs/],
    [['run', pipeline, '--run', 'first'], /is a replay/],
    [['enrich', 'first', '--pipeline', pipeline, '--seed', seed, '--top', '5', '--out', 'x'], /is a recall itself/],
    [['doctor', pipeline, '--run', 'first'], /is a recall, whose pipeline is made by headrace enrich/],
  ]
  for (const [args, message] of refused) {
    const { status, err } = await runMain([...args, '--dir', runs])
    assert.equal(status, 64, `${args}: ${err}`)
    assert.match(err, message)
  }
  const verified = await runMain(['verify', '--dir', runs, '--run', 'first'])
  assert.equal(verified.status, 0, verified.out)
})

function feedFile(): string {
  writeFileSync(at('feed.json'), '{ "length": 64, "batch": 2 }')
  return at('feed.json')
}

test('stopped halfway and killed, the same command goes on to the same shards', async () => {
  const dir = at('stopped')
  const small = { slotBytes: 24 * 1024 }
  const run = await runHeadrace(['run', pipeline, '--dir', dir, '--run', 'base', '--workers', '1'], undefined, small)
  assert.equal(run.status, 0, run.err)
  const args = (out: string) => [
    'enrich',
    'base',
    '--dir',
    dir,
    '--pipeline',
    pipeline,
    '--seed',
    seed,
    '--top',
    '60',
    '--out',
    out,
    '--workers',
    '1',
  ]
  const whole = await runHeadrace(args('whole'), undefined, small)
  assert.equal(whole.status, 0, whole.err)
  const expected = await hashOutput(join(dir, 'whole'))
  // It would be found as an earlier recall of all.
  await rm(join(dir, 'whole'), { recursive: true })
  for (const [signal, stage] of [
    ['SIGINT', 'annotate'],
    ['SIGKILL', 'annotate'],
    ['SIGKILL', 'decide'],
    ['SIGKILL', 'shard'],
  ] as const) {
    const out = `${signal}-${stage}`.toLowerCase()
    const stopped = await runUntilCommit(args(out), { runDir: join(dir, out), signal, stage, small })
    assert.equal(stopped.status, signal === 'SIGINT' ? 130 : null, stopped.err)
    // What a killed sharding has sealed may be all.
    const unready = stage === 'shard' ? null : await runHeadrace(args('other'), undefined, small)
    if (unready) assert.match(unready.err, /has not ended, and what it keeps is not to be recalled twice/)
    if (stage === 'decide') await rm(join(dir, out, 'state'), { recursive: true })
    const { status, err } = await runHeadrace(args(out), undefined, small)
    assert.equal(status, 0, err)
    assert.deepEqual(await hashOutput(join(dir, out)), expected)
    await rm(join(dir, out), { recursive: true })
  }
})

test('of a run that was upgraded all slots are recalled from, by the columns of its last pipeline', async () => {
  const dir = at('upgraded')
  const small = { slotBytes: 24 * 1024 }
  const args = (file: string, ...more: string[]) => [
    'run',
    file,
    '--dir',
    dir,
    '--run',
    'base',
    '--workers',
    '1',
    ...more,
  ]
  const stopped = await runUntilCommit(args(pipeline), { runDir: join(dir, 'base'), signal: 'SIGINT', small })
  assert.equal(stopped.status, 130, stopped.err)
  const later = writePipeline('later', { last: ', h.density()' })
  const run = await runHeadrace(args(later, '--upgrade'), undefined, small)
  assert.equal(run.status, 0, run.err)
  await using base = await RunReader.open(join(dir, 'base'))
  assert.equal(base.run.segments.length, 2)
  const asked = ['--seed', seed, '--min-score=-9', '--out', 'recalled', '--json']
  const recalled = await runHeadrace(['enrich', 'base', '--dir', dir, '--pipeline', later, ...asked], undefined, small)
  assert.equal(recalled.status, 0, recalled.err)
  await using found = await RunReader.open(join(dir, 'recalled'))
  const first = base.run.segments[1].from
  let [before, measured] = [0, 0]
  for (let slot = 0; slot < first; slot++) {
    const kept = (await found.kept(slot))!
    before += kept.rows
    for (const ratio of numbers(kept, 'compressionRatio')) if (ratio > 0) measured++
  }
  // Of a text that the filters cut to nothing there is none.
  assert.ok(before > 0 && measured > before / 2, `${measured} of ${before}`)
  const verified = await runHeadrace(['verify', '--dir', dir, '--run', 'recalled'], undefined, small)
  assert.equal(verified.status, 0, verified.out)
})
