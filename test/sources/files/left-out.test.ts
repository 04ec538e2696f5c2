import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { listSplits } from '../../../conformance/source.ts'
import { jsonl } from '../../../src/sources/files/jsonl.ts'
import { textFolder } from '../../../src/sources/files/text-folder.ts'
import { makeFolder } from '../../temporary.ts'

// Every kind of what a pattern passes over while other files match.
const folder = makeFolder('left-out')
const under = (name: string) => join(folder, name)
const put = (name: string) => {
  mkdirSync(dirname(under(name)), { recursive: true })
  writeFileSync(under(name), '')
}
for (const name of ['a.jsonl', '.b.jsonl', 'c/d.jsonl', 'c/.e/f.jsonl', '.g/h.jsonl', 'i.jsonl/j.jsonl'])
  put(`t/${name}`)
put('far/k.jsonl')
symlinkSync(under('far'), under('t/c/link'))
symlinkSync(under('far/k.jsonl'), under('t/c/l.jsonl'))
for (const name of ['a.txt', '.b.md', 'c/d.csv', 'c/.e/f.txt']) put(`texts/${name}`)
symlinkSync(under('far'), under('texts/link.txt'))

const cases: [patterns: string[], read: string[], leftOut: string[]][] = [
  [['t/*.jsonl'], ['t/a.jsonl'], ['1 hidden t/.b.jsonl', '1 folder t/i.jsonl']],
  [
    ['t/**/*.jsonl'],
    ['t/a.jsonl', 't/c/d.jsonl', 't/c/l.jsonl', 't/i.jsonl/j.jsonl'],
    ['3 hidden t/.b.jsonl t/.g t/c/.e', '1 link t/c/link'],
  ],
  [['t/*/*.jsonl'], ['t/c/d.jsonl', 't/c/l.jsonl', 't/i.jsonl/j.jsonl'], ['1 hidden t/.g']],
  [['t/c/**'], ['t/c/d.jsonl', 't/c/l.jsonl'], ['1 hidden t/c/.e', '1 link t/c/link']],
  [['t/{c,x/y}/*'], ['t/c/d.jsonl', 't/c/l.jsonl'], ['1 hidden t/c/.e', '1 link t/c/link']],
  // What another pattern reads is read.
  [['t/*.jsonl', 't/.*.jsonl', 't/i.jsonl/*'], ['t/.b.jsonl', 't/a.jsonl', 't/i.jsonl/j.jsonl'], []],
  [
    ['t/c/**/*.jsonl', 't/c/.e/*', 't/c/link/*'],
    ['t/c/.e/f.jsonl', 't/c/d.jsonl', 't/c/l.jsonl', 't/c/link/k.jsonl'],
    [],
  ],
  [['t/a.jsonl', 't/c/d.jsonl'], ['t/a.jsonl', 't/c/d.jsonl'], []],
]

const shorten = (path: string) => path.replace(`${folder}/`, '')
const describe = (leftOut: Awaited<ReturnType<NonNullable<ReturnType<typeof jsonl>['leftOut']>>>) =>
  leftOut.map(({ kind, count, names }) => [count, kind, ...names.map(shorten)].join(' '))

for (const [patterns, read, leftOut] of cases)
  test(`${patterns.join(' ')} leaves out ${leftOut.join(', ') || 'nothing'}`, async () => {
    const source = jsonl(patterns.map(under))
    assert.deepEqual(
      (await listSplits(source)).map(({ name }) => shorten(name)),
      read,
    )
    assert.deepEqual(describe(await source.leftOut!()), leftOut)
  })

test('a folder of text leaves out files of other endings, and folders that are links', async () => {
  const source = textFolder(under('texts'))
  const read = ['texts/.b.md', 'texts/a.txt', 'texts/c/.e/f.txt']
  assert.deepEqual(
    (await listSplits(source)).map(({ name }) => shorten(name)),
    read,
  )
  assert.deepEqual(describe(await source.leftOut!()), ['1 link texts/link.txt', '1 ending texts/c/d.csv'])
})

test('however many there are, three are named, and no name is long', async () => {
  for (let i = 0; i < 40; i++) put(`many/${'x'.repeat(i < 2 ? 240 : 1)}${i}/.hidden/a`)
  put('many/a')
  const [{ count, names }] = await jsonl(under('many/**')).leftOut!()
  assert.deepEqual([count, names.length], [40, 3])
  assert.ok(names.every(name => name.length <= 200))
})
