import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { listFiles } from '../../src/disk/files.ts'
import { lockDirectory } from '../../src/disk/lock.ts'
import { exportFeed } from '../../src/export/export.ts'
import { defaultFields, fieldNames } from '../../src/export/fields.ts'
import { checkRoom } from '../../src/export/folder-aside.ts'
import { findFormat, formats } from '../../src/export/formats.ts'
import type { ExportOrder, ExportRecord } from '../../src/export/record.ts'
import { noCounts } from '../../src/export/sample.ts'
import { recordTakeDown } from '../../src/feed/change/take-down.ts'
import { readHead } from '../../src/feed/files/head.ts'
import { readFeed } from '../../src/feed/read.ts'
import { snapshot } from '../feed/corpus.ts'
import { makeFolder } from '../temporary.ts'
import { readers } from './read-back.ts'
import { length, padding, readSamples, writeFeed } from './samples.ts'
import { assertReadBack } from './suite.ts'

const dir = makeFolder('export')
let feed: string
before(async () => {
  feed = await writeFeed(dir)
})
const shapeless = { hasNext: false, length, endOfText: null, tokenizer: '', tokenBytes: 4, fields: [] } as const
let count = 0
const freshPath = () => join(dir, `out-${++count}`)

function orderOf(name: string, given: Partial<ExportOrder> = {}): ExportOrder {
  const format = findFormat(name)
  const fields = format.fields.length > 0 ? fieldNames : []
  const plain = { from: 0, to: null, fileBytes: 4000, tokenBytes: 4, blankMasked: false } as const
  return { ...plain, feed, format, fields, out: freshPath(), ...given }
}
const readRecord = (out: string): ExportRecord => JSON.parse(readFileSync(join(out, 'headrace.json'), 'utf8'))

for (const { name } of formats)
  test(`${name}: a feed's samples are read back from many files, with what is said of them`, async () => {
    const order = orderOf(name)
    const record = await exportFeed(order)
    const samples = await readSamples(feed)
    assertReadBack(order.format, readers[name](order.out, { length, tokenBytes: 4 }), samples)
    assert.deepEqual(readRecord(order.out), record)
    assert.ok(record.files.length > 4, 'many files')
    const found = (await listFiles(order.out)).filter(path => path !== 'headrace.json')
    assert.deepEqual(
      record.files.map(file => file.path),
      found,
    )
    for (const { path, bytes, sha256 } of record.files) {
      const content = readFileSync(join(order.out, path))
      assert.deepEqual([content.length, createHash('sha256').update(content).digest('hex')], [bytes, sha256])
    }
    const head = (await readHead(feed))!
    const tokens = samples.flatMap(sample => sample.pieces.map(piece => piece.length)).reduce((a, b) => a + b)
    const { samples: counted, firstStep, lastStep, lastDigest, paddingTokens, whole } = record
    assert.deepEqual(
      [counted, firstStep, lastStep, lastDigest, whole],
      [samples.length, 0, head.steps - 1, head.digest, true],
    )
    assert.deepEqual([record.tokens, paddingTokens], [tokens, samples.length * length - tokens])
    assert.ok(paddingTokens > 0 && record.shortPieces === record.pieces)
    assert.deepEqual([record.stepSamplesMin, record.stepSamplesMax], [12, 12])
    assert.equal(existsSync(`${order.out}.tmp`), false)
  })

test('--steps A:B exports these steps alone, and says their digests', async () => {
  const samples = (await readSamples(feed)).filter(({ step }) => step >= 2 && step < 5)
  const order = orderOf('hf', { from: 2, to: 5 })
  const record = await exportFeed(order)
  assertReadBack(order.format, readers.hf(order.out, { length, tokenBytes: 4 }), samples)
  assert.deepEqual([record.firstDigest, record.lastDigest], [await digestOf(2), await digestOf(4)])
})

async function digestOf(wanted: number): Promise<string> {
  for await (const { step, digest } of readFeed(feed, { from: wanted })) if (step === wanted) return digest
  throw new Error(`no step ${wanted}`)
}

test('two exports of the same steps have the same bytes', async () => {
  const [one, other] = [orderOf('mds'), orderOf('mds')]
  await exportFeed(one)
  await exportFeed(other)
  assert.deepEqual(await snapshot(one.out), await snapshot(other.out))
})

const refusals: [what: string, given: () => Partial<ExportOrder>, code: string, message: RegExp][] = [
  [
    'steps after the last',
    () => ({ to: 10_000 }),
    'bad-option',
    /ends before step 10000, and the feed has steps 0 to \d+$/,
  ],
  ['no steps', () => ({ from: 3, to: 3 }), 'bad-option', /--steps 3:3 has no step/],
  ['a first step after the last', () => ({ from: 10_000 }), 'bad-option', /--steps 10000: has no step/],
  ['a folder with files', () => ({ out: filled({ 'a.txt': 'mine' }) }), 'bad-option', /is not empty/],
  ['a file', () => ({ out: join(filled({ file: '' }), 'file') }), 'bad-option', /is a file/],
  ["somebody's folder beside it", () => ({ out: besideFilled() }), 'bad-option', /\.tmp has files of no export/],
  ['a feed that is not there', () => ({ feed: join(dir, 'nothing') }), 'not-found', /there is no feed/],
]
function filled(files: Record<string, string>): string {
  const folder = makeFolder('filled')
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}
function besideFilled(): string {
  const out = freshPath()
  mkdirSync(`${out}.tmp`)
  writeFileSync(join(`${out}.tmp`, 'mine.txt'), 'mine')
  return out
}
for (const [what, given, code, message] of refusals)
  test(`${what}: refused before anything is written`, async () => {
    const order = orderOf('datatrove', given())
    const before = existsSync(order.out) ? await listFiles(join(order.out, '..')) : null
    await assert.rejects(exportFeed(order), { code, message })
    assert.deepEqual(existsSync(order.out) ? await listFiles(join(order.out, '..')) : null, before)
    const aside = `${order.out}.tmp`
    assert.deepEqual(existsSync(aside) ? await listFiles(aside) : ['mine.txt'], ['mine.txt'])
  })

test('a disk without room is refused before anything is written', async () => {
  await assert.rejects(checkRoom(join(dir, 'a', 'b'), 2 ** 60), { code: 'disk', message: /free, and the export takes/ })
  await checkRoom(join(dir, 'a', 'b'), 1)
})

test('2 bytes a token: written where ids fit, and refused before anything is written where padding does not', async () => {
  const order = orderOf('olmo', { tokenBytes: 2 })
  await exportFeed(order)
  assertReadBack(order.format, readers.olmo(order.out, { length, tokenBytes: 2 }), await readSamples(feed))
  const other = await writeFeed(makeFolder('large-ids'), {}, { endOfText: 199_999 })
  const refused = orderOf('olmo', { feed: other, tokenBytes: 2 })
  await assert.rejects(exportFeed(refused), { code: 'bad-option', message: /token id 199999 does not fit 2 bytes/ })
  assert.equal(existsSync(`${refused.out}.tmp`), false)
})

const killed = `
import { exportFeed } from ${JSON.stringify(join(import.meta.dirname, '../../src/export/export.ts'))}
import { findFormat } from ${JSON.stringify(join(import.meta.dirname, '../../src/export/formats.ts'))}
const [feed, out, name, step] = process.argv.slice(1)
const plain = { from: 0, to: null, fileBytes: 4000, tokenBytes: 4, fields: [], blankMasked: false }
await exportFeed({ ...plain, feed, out, format: findFormat(name) }, ({ steps }) => {
  if (steps === Number(step)) process.kill(process.pid, 'SIGKILL')
})
`
for (const [name, step] of [
  ['megatron', 1],
  ['litdata', 4],
] as const)
  test(`${name}: an export that was killed leaves nothing that looks whole, and is begun again`, async () => {
    const order = orderOf(name)
    const child = spawnSync(
      process.execPath,
      ['--input-type=module', '-e', killed, feed, order.out, name, String(step)],
      { encoding: 'utf8' },
    )
    assert.equal(child.signal, 'SIGKILL', child.stderr)
    assert.equal(existsSync(order.out), false)
    assert.equal(readRecord(`${order.out}.tmp`).whole, false)
    assert.ok((await listFiles(`${order.out}.tmp`)).length > 2)
    await exportFeed(order)
    const undisturbed = orderOf(name)
    await exportFeed(undisturbed)
    assert.deepEqual(await snapshot(order.out), await snapshot(undisturbed.out))
    assert.equal(existsSync(`${order.out}.tmp`), false)
  })

test('a disk that takes no more ends the export, the folder does not appear, and the same command begins it again', async () => {
  const order = orderOf('hf', { fileBytes: 1e9 })
  const bin = join(import.meta.dirname, '../../bin/headrace.js')
  const command = `ulimit -f 16; exec "$0" "$@"`
  const args = [process.execPath, bin, 'export', feed, '--to', 'hf', '--out', order.out]
  const { status, stderr } = spawnSync('bash', ['-c', command, ...args], { encoding: 'utf8' })
  assert.deepEqual([status, existsSync(order.out)], [74, false], stderr)
  assert.match(stderr, /EFBIG; what was committed is safe: let files be larger/)
  await exportFeed(order)
  assert.equal(readRecord(order.out).whole, true)
})

test('two exports into the same folder: the second is refused while the first is at work', async () => {
  const order = orderOf('mds')
  mkdirSync(`${order.out}.tmp`)
  await using _ = await lockDirectory(`${order.out}.tmp`)
  await assert.rejects(exportFeed(order), { code: 'locked' })
})

test('an empty folder may become the export', async () => {
  const order = orderOf('mds')
  mkdirSync(order.out)
  await exportFeed(order)
  assert.equal(readRecord(order.out).whole, true)
})

test('documents that were taken down: targets are masked, or it is told that they are not', async () => {
  const folder = makeFolder('masked')
  const masked = await writeFeed(folder)
  const rows = [0, 1, 2, 3, 4].flatMap(row => [0, 1, 2].map(slot => [slot, row] as const))
  const names = { by: 'id', names: ['x'], slots: 3 } as const
  await recordTakeDown(masked, { ...names, rows }, { step: 0, isUnread: true, blank: false, note: '' }, () => {})
  const samples = await readSamples(masked)
  const pieces = samples.flatMap(sample => sample.pieces.filter(piece => piece.isMasked))
  assert.ok(pieces.length > 5)
  const tokens = pieces.reduce((sum, piece) => sum + piece.length, 0)
  const cases: [name: string, given: Partial<ExportOrder>, masks: ExportRecord['masks']][] = [
    ['mds', {}, 'in targets'],
    ['hf', { fields: ['tokens'] }, 'lost'],
    ['megatron', {}, 'lost'],
    ['megatron', { blankMasked: true }, 'blanked'],
  ]
  for (const [name, given, masks] of cases) {
    const order = orderOf(name, { feed: masked, ...given })
    const record = await exportFeed(order)
    assert.deepEqual([record.masks, record.maskedPieces, record.maskedTokens], [masks, pieces.length, tokens])
    assert.equal(
      record.notes.some(note => /were taken down .* a trainer learns them/.test(note)),
      masks === 'lost',
    )
    const expected = order.blankMasked ? await readSamples(masked, padding) : samples
    assertReadBack(order.format, readers[name](order.out, { length, tokenBytes: 4 }), expected, order.fields)
  }
  const blanked = await readSamples(masked, padding)
  for (const { tokens, pieces } of blanked)
    for (const { start, length, isMasked } of pieces)
      if (isMasked) assert.ok(tokens.subarray(start, start + length).every(id => id === padding))
})

test('a damaged shard ends the export, and the folder does not appear', async () => {
  const folder = makeFolder('damaged')
  const damaged = await writeFeed(folder)
  const [path] = (await listFiles(join(folder, 'shards'))).map(name => join(folder, 'shards', name))
  const bytes = readFileSync(path)
  bytes[bytes.length >> 1] ^= 1
  writeFileSync(path, bytes)
  const order = orderOf('mds', { feed: damaged })
  await assert.rejects(exportFeed(order), { code: 'corrupt' })
  assert.equal(existsSync(order.out), false)
  rmSync(`${order.out}.tmp`, { recursive: true })
})

test("Megatron's prefix is another one for other tokens", async () => {
  const [one, other] = [orderOf('megatron', { to: 2 }), orderOf('megatron', { to: 3 })]
  const names = [await exportFeed(one), await exportFeed(other)].map(({ files }) => files[0].path)
  assert.notEqual(names[0], names[1])
})

test('of steps with other numbers of samples MDS says that its batches are all alike', () => {
  const notes = (stepSamplesMax: number) =>
    findFormat('mds').advise(shapeless, { ...noCounts(), stepSamplesMin: 12, stepSamplesMax })
  assert.match(notes(24).join('\n'), /Steps have 12 to 24 samples/)
  assert.doesNotMatch(notes(12).join('\n'), /Steps have/)
})

test('the default fields are those that a collator can stack', () => {
  assert.deepEqual(defaultFields, ['tokens', 'targets', 'positions', 'documents', 'domain', 'step'])
})
