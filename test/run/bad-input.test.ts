import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, open, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { randomFrom } from '../random.ts'
import { makeFolder } from '../temporary.ts'
import { makeText, runHeadrace, writePipeline } from './fixture.ts'

// A folder with a file of each kind of bad input, through the real command line: each record has one fate, with its file and line, and
// everything good is kept.
const random = randomFrom(11)
let ids = 0
const good = () => JSON.stringify({ id: `good-${ids++}`, text: makeText(random, 6) })

interface BadFile {
  readonly bytes: string | Buffer
  /** `kept`, or the reason of a dead record, by line. */
  readonly fates: Readonly<Record<number, string>>
}

const lines = (...all: string[]): string => `${all.join('\n')}\n`
const nested = `{"text":"x","deep":${'['.repeat(5000)}${']'.repeat(5000)}}`
const files: Record<string, BadFile> = {
  'good.jsonl': { bytes: lines(good(), good(), good()), fates: { 1: 'kept', 2: 'kept', 3: 'kept' } },
  'broken.jsonl': {
    bytes: lines(good(), '{"text": "cut off', good(), 'no JSON', '{"text":"a"} {"text":"b"}'),
    fates: { 1: 'kept', 2: 'broken-json', 3: 'kept', 4: 'broken-json', 5: 'broken-json' },
  },
  'types.jsonl': {
    bytes: lines(
      '{"id":"x"}',
      '{"text":5}',
      '{"text":null}',
      '{"text":["a"]}',
      '[1]',
      '"text"',
      'null',
      '{"text":""}',
      good(),
    ),
    fates: {
      ...{ 1: 'missing-text', 2: 'text-not-a-string', 3: 'text-not-a-string', 4: 'text-not-a-string' },
      ...{ 5: 'not-an-object', 6: 'not-an-object', 7: 'not-an-object', 8: 'empty-text', 9: 'kept' },
    },
  },
  'labels.jsonl': {
    bytes: lines('{"text":"a b","id":{"a":1}}', nested, '{"text":"a b","domain":"\\ud800"}', good()),
    fates: { 1: 'kept', 2: 'kept', 3: 'lone-surrogate', 4: 'kept' },
  },
  'utf8.jsonl': {
    bytes: Buffer.concat([
      Buffer.from(lines(good(), '{"text":"').slice(0, -1)),
      Buffer.from([0xc3, 0x28]),
      Buffer.from(lines('"}', good())),
      Buffer.alloc(100, 0xe9),
    ]),
    fates: { 1: 'kept', 2: 'kept', 3: 'kept', 4: 'invalid-utf8' },
  },
  'surrogates.jsonl': {
    bytes: lines('{"text":"a\\ud800b"}', '{"text":"\\udc00"}', '{"text":"\\ud83d\\ude00 is whole"}'),
    fates: { 1: 'kept', 2: 'lone-surrogate', 3: 'kept' },
  },
  'nul.jsonl': {
    bytes: lines('{"text":"a\\u0000b"}', '{"text":"a\0b"}', good()),
    fates: { 1: 'kept', 2: 'kept', 3: 'kept' },
  },
  'empty.jsonl': { bytes: '', fates: {} },
  'blank.jsonl': { bytes: '\n \n\r\n\t\n', fates: {} },
  'no-newline.jsonl': { bytes: `\n${good()}\n\n${good()}`, fates: { 2: 'kept', 4: 'kept' } },
  'crlf.jsonl': { bytes: `${good()}\r\n\r\n${good()}\r\n`, fates: { 1: 'kept', 3: 'kept' } },
  'bom.jsonl': { bytes: `\ufeff${lines(good(), good())}`, fates: { 1: 'kept', 2: 'kept' } },
  'equal-ids.jsonl': {
    bytes: lines(...[1, 2, 3].map(() => JSON.stringify({ id: 'same', text: makeText(random, 6) }))),
    fates: { 1: 'kept', 2: 'kept', 3: 'kept' },
  },
  'whole.jsonl.gz': { bytes: gzipSync(lines(good(), good())), fates: { 1: 'kept', 2: 'kept' } },
  'not-gzip.jsonl.gz': { bytes: lines(good()), fates: { 1: 'kept' } },
  'odd name *?[a].jsonl': { bytes: lines(good()), fates: { 1: 'kept' } },
}

/** Written by hand below: what the file system itself makes bad. */
const special: Record<string, Readonly<Record<number, string>>> = {
  'long.jsonl': { 1: 'kept', 2: 'document-too-long', 3: 'kept' },
  'empty.jsonl.gz': { 0: 'truncated-file' },
}
const longLineBytes = 200 * 1024 * 1024

let dir: string
let pipeline: string

before(async () => {
  dir = makeFolder('bad')
  for (const [name, { bytes }] of Object.entries(files)) await writeFile(join(dir, name), bytes)
  await writeFile(join(dir, 'empty.jsonl.gz'), '')
  const whole = gzipSync(lines(...Array.from({ length: 800 }, good)))
  await writeFile(join(dir, 'cut.jsonl.gz'), whole.subarray(0, whole.length * 0.7))
  await mkdir(join(dir, 'folder.jsonl'))
  const long = await open(join(dir, 'long.jsonl'), 'w')
  const head = Buffer.from(`${good()}\n{"text":"`)
  await long.write(head)
  await long.write(Buffer.from(`"}\n${good()}\n`), 0, null, head.length + longLineBytes)
  await long.close()
  pipeline = await writePipeline(
    dir,
    glob => `h.pipeline('bad').from(h.jsonl(${glob})).annotate(h.normalize()).decide(h.rules()).tokenize('gpt2')`,
  )
})

interface Fate {
  readonly file: string
  readonly line: number
  readonly fate: string
  readonly reason: string | null
}

async function fatesOf(runs: string): Promise<Fate[]> {
  const { out, status, err } = await runHeadrace(['fates', '--dir', runs])
  assert.equal(status, 0, err)
  return out
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
}

/** Follows the child's peak of resident memory. */
function watchPeak(child: ChildProcess, report: (bytes: number) => void): void {
  const timer = setInterval(() => {
    try {
      const kilobytes = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]
      if (kilobytes) report(Number(kilobytes) * 1024)
    } catch {
      clearInterval(timer)
    }
  }, 20)
  child.on('close', () => clearInterval(timer))
}

test('every record of bad files has one fate with its file and line, and what is good is kept', async () => {
  const runs = makeFolder('bad-runs')
  let peak = 0
  const args = ['run', pipeline, '--dir', runs, '--workers', '2', '--json']
  const { status, out, err } = await runHeadrace(args, child =>
    watchPeak(child, bytes => {
      peak = bytes
    }),
  )
  assert.equal(status, 0, err)
  const figures = JSON.parse(out.trim().split('\n').at(-1)!)
  const dropped = Object.values(figures.dropped as Record<string, number>).reduce((a, b) => a + b, 0)
  const fates = await fatesOf(runs)
  assert.equal(figures.documents, figures.kept + dropped + figures.dead)
  assert.deepEqual([fates.length, dropped], [figures.documents, 0])
  const repairs = { 'nul-character': 2, 'bad-field': 1, 'invalid-utf8': 1, 'lone-surrogate': 1, 'too-deep': 1 }
  assert.deepEqual([figures.repaired, figures.repairs], [6, repairs])

  const found: Record<string, Record<number, string>> = {}
  for (const { file, line, fate, reason } of fates) {
    const lines = (found[basename(file)] ??= {})
    assert.equal(lines[line], undefined, `${file}:${line} has two fates`)
    lines[line] = reason ?? fate
  }
  const { 'cut.jsonl.gz': cut, ...rest } = found
  const given = Object.entries(files).map(([name, { fates }]) => [name, fates] as const)
  const expected = [...given, ...Object.entries(special)].filter(([, fates]) => Object.keys(fates).length > 0)
  assert.deepEqual(rest, Object.fromEntries(expected))

  const cutLines = Object.keys(cut).map(Number)
  assert.deepEqual(
    cutLines,
    Array.from(cutLines, (_, i) => i + 1),
  )
  assert.ok(cutLines.length > 10, `${cutLines.length} records of the cut file`)
  assert.deepEqual([...new Set(cutLines.slice(0, -1).map(line => cut[line]))], ['kept'])
  assert.equal(cut[cutLines.length], 'truncated-file')
  if (process.platform === 'linux') assert.ok(peak > 0 && peak < 700e6, `peak of ${Math.round(peak / 1e6)} MB`)
})

test('a Parquet file that is cut is one dead record, those beside it are read without a column that cannot be', async () => {
  const folder = makeFolder('bad-parquet')
  const texts = Array.from({ length: 50 }, () => makeText(random, 6))
  const whole = Buffer.from(
    parquetWriteBuffer({
      columnData: [
        { name: 'id', data: texts.map((_, i) => `p${i}`), type: 'STRING' },
        { name: 'text', data: texts, type: 'STRING' },
        { name: 'unread', data: texts, type: 'STRING', codec: 'LZO' },
      ],
      compressors: { LZO: bytes => bytes },
    }),
  )
  await writeFile(join(folder, 'a.parquet'), whole.subarray(0, whole.length / 2))
  await writeFile(join(folder, 'b.parquet'), whole)
  await writeFile(join(folder, 'c.parquet'), '')
  await writeFile(join(folder, 'd.parquet'), 'no Parquet at all')
  const runs = makeFolder('bad-runs')
  const own = await writePipeline(
    folder,
    () => `h.pipeline('parquet').from(h.parquet(${JSON.stringify(join(folder, '*.parquet'))}))`,
  )
  const { status, out, err } = await runHeadrace(['run', own, '--dir', runs, '--workers', '1', '--json'])
  assert.equal(status, 0, err)
  assert.match(err, /b\.parquet: the column "unread" is left out of meta .*: the codec LZO is not supported\n/)
  assert.equal(JSON.parse(out).passedOver, 1)
  const fates = await fatesOf(runs)
  const dead = fates
    .filter(({ fate }) => fate === 'dead')
    .map(({ file, line, reason }) => `${basename(file)}:${line} ${reason}`)
  assert.deepEqual(dead, ['a.parquet:0 truncated-file', 'c.parquet:0 truncated-file', 'd.parquet:0 corrupt-file'])
  const kept = fates.filter(({ fate }) => fate === 'kept').map(({ file, line }) => `${basename(file)}:${line}`)
  assert.deepEqual(
    kept,
    Array.from(texts, (_, i) => `b.parquet:${i + 1}`),
  )
})
