import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, renameSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { listSplits } from '../../../conformance/source.ts'
import { type WatchFolders, watchFolders } from '../../../src/sources/files/follow.ts'
import { jsonl } from '../../../src/sources/files/jsonl.ts'
import { textFolder } from '../../../src/sources/files/text-folder.ts'
import { makeFolder } from '../../temporary.ts'

const folder = makeFolder('sources')
const path = (name: string) => join(folder, name)
const names = async (...patterns: string[]) =>
  (await listSplits(jsonl(patterns.map(path)))).map(({ name }) => name.slice(folder.length + 1))

test('patterns give files in byte order, once each, and no folders', async () => {
  mkdirSync(path('sub/deep.jsonl'), { recursive: true })
  for (const name of [
    'b.jsonl',
    'a.jsonl',
    'Z.jsonl',
    'a[1].jsonl',
    'ä.jsonl',
    '\uffee.jsonl',
    '😀.jsonl',
    'sub/c.jsonl',
  ])
    writeFileSync(path(name), '')
  const all = ['Z.jsonl', 'a.jsonl', 'a[1].jsonl', 'b.jsonl', 'ä.jsonl', '\uffee.jsonl', '😀.jsonl']
  const cases: [patterns: string[], files: string[]][] = [
    [['*.jsonl'], all],
    [['**/*.jsonl'], [...all.slice(0, 4), 'sub/c.jsonl', ...all.slice(4)]],
    [
      ['b.jsonl', 'a.jsonl', '[ab].jsonl', 'sub/../b.jsonl'],
      ['a.jsonl', 'b.jsonl'],
    ],
    [['a[1].jsonl'], ['a[1].jsonl']],
    [['{a,b}.jsonl'], ['a.jsonl', 'b.jsonl']],
  ]
  for (const [patterns, files] of cases) assert.deepEqual(await names(...patterns), files, patterns.join())
})

test('a pattern without a match and a folder are errors that name them', async () => {
  await assert.rejects(names('a.jsonl', '*.none'), { code: 'not-found', message: /no file matches '.*\*\.none'/ })
  await assert.rejects(names('missing.jsonl'), { code: 'not-found' })
  await assert.rejects(names('sub'), { code: 'bad-option', message: /is a folder.*sub\/\*/ })
})

test('a stamp follows the content and the size, not the time', async () => {
  const stamp = async (name: string) => (await listSplits(jsonl(path(name))))[0].stamp
  const content = Buffer.alloc(300_000, 'x')
  writeFileSync(path('stamp'), content)
  const first = await stamp('stamp')
  copyFileSync(path('stamp'), path('copy'))
  utimesSync(path('copy'), 1, 1)
  assert.equal(await stamp('copy'), first)
  const changes: [what: string, change: () => void][] = [
    ['first byte', () => writeFileSync(path('copy'), Buffer.concat([Buffer.from('y'), content.subarray(1)]))],
    ['last byte', () => writeFileSync(path('copy'), Buffer.concat([content.subarray(1), Buffer.from('y')]))],
    ['cut', () => truncateSync(path('copy'), 299_999)],
    ['grown', () => writeFileSync(path('copy'), Buffer.concat([content, Buffer.from('x')]))],
  ]
  for (const [what, change] of changes) {
    change()
    assert.notEqual(await stamp('copy'), first, what)
  }
})

test('a follower yields what is there, then what comes, until the signal', async () => {
  const inbox = path('inbox')
  mkdirSync(inbox)
  writeFileSync(join(inbox, 'b.txt'), 'b')
  writeFileSync(join(inbox, 'a.txt'), 'a')
  const stop = new AbortController()
  // Each look is preceded by what happens before it.
  const before = [
    () => {},
    () => {},
    () => {
      for (const name of ['d.txt', 'c.txt']) writeFileSync(join(inbox, name), name)
      rmSync(join(inbox, 'a.txt'))
    },
    () => {
      writeFileSync(join(inbox, 'part'), 'e')
      renameSync(join(inbox, 'part'), join(inbox, 'e.txt'))
    },
    () => stop.abort(),
  ]
  const script: WatchFolders = async function* (folders) {
    assert.deepEqual(folders, [inbox])
    for (const happen of before) {
      happen()
      yield
    }
  }
  for (const source of [
    jsonl(`${inbox}/*.txt`, { follow: true }, script),
    textFolder(inbox, { follow: true }, script),
  ]) {
    rmSync(inbox, { recursive: true })
    mkdirSync(inbox)
    for (const name of ['b.txt', 'a.txt']) writeFileSync(join(inbox, name), name)
    const seen: string[] = []
    for await (const { name } of source.splits(new AbortController().signal)) seen.push(name.slice(inbox.length + 1))
    assert.deepEqual(seen, ['a.txt', 'b.txt', 'c.txt', 'd.txt', 'e.txt'])
  }
})

test('a follower waits for a folder that is empty, not for one that is missing', async () => {
  mkdirSync(path('hollow'))
  const once: WatchFolders = async function* () {
    yield
  }
  assert.deepEqual(await listSplits(jsonl(path('hollow/*.jsonl'), { follow: true }, once)), [])
  await assert.rejects(listSplits(jsonl(path('none/*.jsonl'), { follow: true }, once)), { code: 'not-found' })
})

test('the watcher sees a file that comes, and ends with the signal', { timeout: 5000 }, async () => {
  mkdirSync(path('watched'))
  const stop = new AbortController()
  let looks = 0
  for await (const _ of watchFolders([path('watched'), path('not there')], 60_000, stop.signal)) {
    looks++
    if (looks === 1) writeFileSync(path('watched/a.txt'), 'a')
    else stop.abort()
  }
  assert.equal(looks, 2)
})

test('the watcher looks again after the poll time without any event', { timeout: 5000 }, async () => {
  const stop = new AbortController()
  let looks = 0
  for await (const _ of watchFolders([path('not there')], 1, stop.signal)) if (++looks === 3) stop.abort()
  assert.equal(looks, 3)
})
