import assert from 'node:assert/strict'
import fs, { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { listSplits, readChunks } from '../../../conformance/source.ts'
import { jsonl } from '../../../src/sources/files/jsonl.ts'
import { makeFolder } from '../../temporary.ts'

// So many small files that threads stamp them, and that what they read is held until its turn comes.
const folder = makeFolder('many')
const path = (name: string) => join(folder, name)
const all = path('*.jsonl')
const lineOf = (text: string) => `${JSON.stringify({ text })}\n`
const nameOf = (i: number) => `${String(i).padStart(5, '0')}.jsonl`
const count = 4200

/** Of these some are not small, or have nothing. */
const contents: Readonly<Record<number, string>> = {
  7: '',
  70: lineOf('long '.repeat(20_000)),
  700: lineOf('ä'.repeat(32_000)),
}

before(() => {
  mkdirSync(folder, { recursive: true })
  for (let i = 0; i < count; i++) put(nameOf(i), contents[i] ?? lineOf(`text ${i}`))
})

/** Writes a file that is long unchanged, as only such files are held. */
function put(name: string, content: string): void {
  writeFileSync(path(name), content)
  utimesSync(path(name), 1, 1)
}

test('each of very many files is the split that it is alone, in the order of names, and gives the same chunks', async () => {
  const source = jsonl(all)
  const splits = await listSplits(source)
  assert.deepEqual(
    splits.map(({ name }) => name),
    Array.from({ length: count }, (_, i) => path(nameOf(i))),
  )
  for (const i of [0, 1, 7, 63, 64, 65, 70, 700, 1999, count - 1]) {
    const alone = jsonl(path(nameOf(i)))
    const [split] = await listSplits(alone)
    assert.deepEqual(splits[i], split)
    assert.deepEqual(await readChunks(source, splits[i]), await readChunks(alone, split))
    assert.deepEqual(await readChunks(source, splits[i]), await readChunks(alone, split), 'a second time')
  }
})

const changes: Readonly<Record<string, (file: string) => void>> = {
  'an edit of the same length': file => writeFileSync(file, lineOf('TEXT 9')),
  'an edit whose time is set back': file => {
    writeFileSync(file, lineOf('TEXT 9'))
    utimesSync(file, 1, 1)
  },
  'a line more': file => appendFileSync(file, lineOf('more')),
  'another file in its place': file => {
    writeFileSync(`${file}.part`, lineOf('TEXT 9'))
    utimesSync(`${file}.part`, 1, 1)
    renameSync(`${file}.part`, file)
  },
  'a folder in its place': file => {
    rmSync(file)
    mkdirSync(file)
  },
  'its removal': file => rmSync(file),
}

/** Nothing that was written within some seconds is held: by this clock the files are older. */
const later = () => ({ apis: ['Date' as const], now: Date.now() + 10_000 })

test('a small file is opened once, to be stamped', async t => {
  t.mock.timers.enable(later())
  const source = jsonl(path('000*.jsonl'))
  const splits = await listSplits(source)
  const open = t.mock.method(fs.promises, 'open', () => Promise.reject(new Error('opened again')))
  syncBuiltinESMExports()
  try {
    for (const split of splits.slice(0, 9)) await readChunks(source, split)
    await assert.rejects(readChunks(source, splits[70]), /opened again/, 'too large to be held')
  } finally {
    open.mock.restore()
    syncBuiltinESMExports()
  }
  assert.equal((await readChunks(source, splits[0])).length, 1, 'a second time')
})

for (const isHeld of [true, false])
  for (const [what, change] of Object.entries(changes))
    test(`${what} between listing and reading is refused, of a file that is ${isHeld ? '' : 'not '}held`, async t => {
      if (isHeld) t.mock.timers.enable(later())
      const source = jsonl(path('000*.jsonl'))
      const splits = await listSplits(source)
      change(path(nameOf(9)))
      const code = what === 'a folder in its place' ? 'not-found' : 'source-changed'
      await assert.rejects(readChunks(source, splits[9]), { code })
      rmSync(path(nameOf(9)), { recursive: true, force: true })
      put(nameOf(9), lineOf('text 9'))
      assert.equal((await readChunks(source, splits[10])).length, 1)
    })

test('what is no file among very many is named', async () => {
  symlinkSync('nowhere', path('04000a.jsonl'))
  await assert.rejects(listSplits(jsonl(all)), { code: 'not-found', message: /04000a\.jsonl.*ENOENT/ })
  rmSync(path('04000a.jsonl'))
})
