import assert from 'node:assert/strict'
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { readHead } from '../../../src/feed/files/head.ts'
import { RefusedReports, ReportFiles } from '../../../src/feed/files/report-files.ts'
import { listTrainers, readReports } from '../../../src/feed/files/reports.ts'
import { openFeed } from '../../../src/feed/publish.ts'
import { limits } from '../../../src/limits.ts'
import { makeFolder } from '../../temporary.ts'
import { writeCorpus } from '../corpus.ts'

const original = makeFolder('report-files')
let feed = ''
before(async () => {
  const corpus = await writeCorpus(original, { domains: ['en'], shards: 2 })
  const origin = { run: 'r', shards: join(original, 'shards'), tokenizer: 't', fingerprint: 'f' }
  await using publisher = await openFeed(join(original, 'feed'), { length: 16, batch: 4 }, origin)
  for (const entry of corpus.entries) await publisher.addManifest(entry)
  await publisher.end()
  feed = (await readHead(join(original, 'feed')))!.feed
})

/** A folder of the feed that nobody has reported to. */
function makeFeed(): string {
  const dir = makeFolder('reported')
  cpSync(join(original, 'feed'), dir, { recursive: true })
  return dir
}

const start = 'a'.repeat(32)
const digest = '0'.repeat(64)
const opening = (more: object = {}) => JSON.stringify({ form: 1, feed, trainer: 't', start, ...more })
const report = (n: number, step = n, more: object = {}) =>
  JSON.stringify({ n, step, digest, at: '2026-01-01T00:00:00.000Z', ...more })
const body = (...lines: string[]) => Buffer.from(lines.map(line => `${line}\n`).join(''))
const linesOf = (dir: string, trainer = 't', name = '00000000.jsonl') =>
  readFileSync(join(dir, 'trainers', trainer, name), 'utf8')
    .split('\n')
    .slice(0, -1)
const stepsOf = async (dir: string) => (await readReports(dir, 't', 100)).consumed.map(({ step }) => step)

test('reports come once, in whatever portions they are sent again, and a start has its own file', async () => {
  const dir = makeFeed()
  await using files = await ReportFiles.open(dir)
  const all = [1, 2, 3, 4, 5].map(n => report(n))
  const sent: [lines: string[], last: number, added: number][] = [
    [[], 0, 0],
    [[all[0]], 1, 1],
    [[all[0]], 1, 0],
    [[all[0], all[1], all[2]], 3, 2],
    [[all[1]], 3, 0],
    [[all[2], all[4]], 5, 1],
  ]
  for (const [lines, last, added] of sent)
    assert.deepEqual(await files.take('t', body(opening(), ...lines)), { last, added })
  assert.deepEqual(linesOf(dir), [opening(), all[0], all[1], all[2], all[4]])
  const other = opening({ start: 'b'.repeat(32) })
  assert.deepEqual(await files.take('t', body(other, report(1, 4))), { last: 1, added: 1 })
  assert.deepEqual(await stepsOf(dir), [4, 3, 2, 1], 'step 5 was taken back')
  assert.deepEqual(await listTrainers(dir), ['t'])
})

const refused: [what: string, body: () => Uint8Array, kind: string, why: RegExp][] = [
  ['nothing', () => body(), 'bad', /do not end with a whole line/],
  ['half a line', () => Buffer.from(opening()), 'bad', /do not end with a whole line/],
  ['no text', () => Buffer.concat([body(opening()), Buffer.from([0xff, 10])]), 'bad', /no UTF-8/],
  ['no first line', () => body(report(1)), 'bad', /first line does not say/],
  ['one of another trainer', () => body(opening({ trainer: 'u' })), 'bad', /start of 't'/],
  ['one of another feed', () => body(opening({ feed: '1'.repeat(64) })), 'bad', /feed 111111111111, and this is/],
  ['a start that is no name', () => body(opening({ start: '../x' })), 'bad', /first line does not say/],
  ['a first line that is too long', () => body(opening({ more: 'x'.repeat(1024) })), 'bad', /first line does not say/],
  ['a report without a number', () => body(opening(), report(9).replace('"n":9,', '')), 'bad', /line 2 is no report/],
  ['a number that does not rise', () => body(opening(), report(9), report(9)), 'bad', /line 3 has a number/],
  ['no report', () => body(opening(), report(9), '{"n":10}'), 'bad', /line 3 is no report with a number: "\{/],
  ['losses that are none', () => body(opening(), report(9, 9, { losses: { en: [1] } })), 'bad', /line 2 is no report/],
  ['another report', () => body(opening(), report(1, 7)), 'conflict', /something else was reported as number 1/],
  ['another first line', () => body(opening({ more: 1 })), 'conflict', /begun with another first line/],
]
for (const [what, make, kind, why] of refused)
  test(`${what} is refused, and nothing of it is written`, async () => {
    const dir = makeFeed()
    await using files = await ReportFiles.open(dir)
    await files.take('t', body(opening(), report(1), report(2)))
    await assert.rejects(files.take('t', make()), (error: unknown) => {
      assert.ok(error instanceof RefusedReports)
      assert.equal(error.kind, kind)
      assert.match(error.message, why)
      return true
    })
    assert.deepEqual(linesOf(dir), [opening(), report(1), report(2)])
  })

test('a server that was killed at any byte goes on where what it answered for ends', async () => {
  const dir = makeFeed()
  const path = join(dir, 'trainers', 't', '00000000.jsonl')
  const lines = [1, 2, 3].map(n => report(n))
  {
    await using files = await ReportFiles.open(dir)
    await files.take('t', body(opening(), ...lines))
  }
  const whole = readFileSync(path)
  const ends = [...whole.keys()].filter(i => whole[i] === 10)
  for (let bytes = ends[0] + 1; bytes <= whole.length; bytes += 7) {
    writeFileSync(path, whole)
    truncateSync(path, bytes)
    const notes: string[] = []
    await using files = await ReportFiles.open(dir, text => notes.push(text))
    const there = ends.filter(end => end < bytes).length - 1
    assert.deepEqual(await files.take('t', body(opening())), { last: there, added: 0 })
    assert.deepEqual(readFileSync(path), whole.subarray(0, ends[there] + 1), `byte ${bytes}`)
    const { last, added } = await files.take('t', body(opening(), ...lines))
    assert.deepEqual([last, added, notes.length], [3, 3 - there, whole[bytes - 1] === 10 ? 0 : 1], `byte ${bytes}`)
    assert.deepEqual(readFileSync(path), whole, `byte ${bytes}`)
  }
})

test('a file that is put back from an old copy under a server is looked at again', async () => {
  const dir = makeFeed()
  const path = join(dir, 'trainers', 't', '00000000.jsonl')
  await using files = await ReportFiles.open(dir)
  await files.take('t', body(opening(), report(1)))
  const old = readFileSync(path)
  await files.take('t', body(opening(), report(2)))
  writeFileSync(path, old)
  assert.deepEqual(await files.take('t', body(opening(), report(3))), { last: 3, added: 1 })
  assert.deepEqual(linesOf(dir), [opening(), report(1), report(3)])
})

test("a trainer's own files are left alone, and come before those of later starts", async () => {
  const dir = makeFeed()
  const folder = join(dir, 'trainers', 't')
  mkdirSync(folder, { recursive: true })
  const own = `${JSON.stringify({ form: 1, feed, trainer: 't' })}\n${report(1, 6)}\nhalf`
  writeFileSync(join(folder, '00000004.jsonl'), own)
  await using files = await ReportFiles.open(dir)
  await files.take('t', body(opening(), report(1, 8)))
  assert.equal(readFileSync(join(folder, '00000004.jsonl'), 'utf8'), own)
  assert.deepEqual(linesOf(dir, 't', '00000005.jsonl'), [opening(), report(1, 8)])
  assert.deepEqual(await stepsOf(dir), [8, 6])
})

test('trainers, starts and bytes have a bound', async () => {
  const dir = makeFeed()
  const folder = join(dir, 'trainers')
  await using files = await ReportFiles.open(dir)
  await files.take('t', body(opening()))
  for (let i = 1; i < limits.trainersMax; i++) mkdirSync(join(folder, `x${i}`))
  await assert.rejects(files.take('u', body(opening({ trainer: 'u' }))), /1000 trainers report to this feed/)
  assert.equal((await files.take('t', body(opening(), report(1)))).last, 1)
  for (let i = 1; i < limits.trainersMax; i++) rmSync(join(folder, `x${i}`), { recursive: true })
  for (let i = 1; i < limits.reportFilesMax; i++) writeFileSync(join(folder, 't', `${i + 10_000_000}.jsonl`), '')
  const other = body(opening({ start: 'b'.repeat(32) }))
  await assert.rejects(files.take('t', other), /'t' has 4096 files of reports/)
  appendFileSync(join(folder, 't', '00000000.jsonl'), `${' '.repeat(limits.reportFileBytesMax)}\n${report(2)}\n`)
  await assert.rejects(files.take('t', body(opening(), report(3))), /bytes of reports at most: begin another/)
})

test('one server takes the reports of a feed', async () => {
  const dir = makeFeed()
  await using _ = await ReportFiles.open(dir)
  await assert.rejects(ReportFiles.open(dir), /in use by process/)
  assert.deepEqual(readdirSync(join(dir, 'trainers')), ['.server'])
})
