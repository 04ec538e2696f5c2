import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { listFiles, listNames, readText, removeFile, sizeOf } from '../../src/disk/files.ts'
import {
  isCount,
  isFields,
  isListOf,
  isObjectOf,
  isOneOf,
  isRecordOf,
  isText,
  isTupleOf,
  readJson,
  type Shape,
  writeJson,
} from '../../src/disk/json-file.ts'
import { makeFolder } from '../temporary.ts'

const fault = 'is no count: delete it'
const read = (path: string, shape = isObjectOf({ count: isCount })) => readJson<{ count: number }>(path, shape, fault)

test('a file is read as it was written, in lines that people read, and there is none before', async () => {
  const dir = makeFolder('json')
  const path = join(dir, 'a.json')
  assert.equal(await read(path), null)
  const effects: string[] = []
  await writeJson(path, { count: 5 }, effect => effects.push(effect.split(' ')[0]))
  assert.deepEqual(await read(path), { count: 5 })
  assert.equal(await readFile(path, 'utf8'), '{\n  "count": 5\n}\n')
  assert.deepEqual(effects, ['write', 'rename', 'sync'])
  assert.deepEqual(await readdir(dir), ['a.json'])
})

test('fields of a newer version are left alone, and one line is as good as many', async () => {
  const path = join(makeFolder('json'), 'a.json')
  await writeFile(path, '{"count":5,"later":{}}')
  assert.deepEqual(await read(path), { count: 5, later: {} })
})

const damaged = ['', '{', '[]', 'null', '5', '"count"', '{}', '{"count":-1}', '{"count":"5"}', '{"count":5}}']
for (const text of damaged)
  test(`a file with ${JSON.stringify(text)} is refused with its name and what to do`, async () => {
    const path = join(makeFolder('json'), 'a.json')
    await writeFile(path, text)
    await assert.rejects(read(path), { code: 'corrupt', message: `${path} ${fault}` })
  })

const shapes: [name: string, shape: Shape, right: unknown[], wrong: unknown[]][] = [
  ['fields', isFields, [{}, { a: 1 }], [null, [], 'a', 1]],
  ['a count', isCount, [0, 5, Number.MAX_SAFE_INTEGER], [-1, 0.5, Number.MAX_SAFE_INTEGER + 1, '5', null]],
  ['text', isText, ['', 'a'], [null, 5, ['a']]],
  ['one of', isOneOf(1, null), [1, null], [2, '1', undefined]],
  ['a list', isListOf(isCount), [[], [1, 2]], [{}, null, [1, null], { 0: 1, length: 1 }]],
  [
    'a tuple',
    isTupleOf(isText, isCount),
    [
      ['a', 1],
      ['a', 1, 'more'],
    ],
    [['a'], [1, 'a'], null, {}],
  ],
  ['a record', isRecordOf(isCount), [{}, { a: 1 }, JSON.parse('{"__proto__": 1}')], [{ a: null }, [1], null]],
  ['an object', isObjectOf({ a: isCount }), [{ a: 1 }, { a: 1, later: {} }], [{}, { a: '1' }, [], null]],
]
for (const [name, shape, right, wrong] of shapes)
  test(`the shape of ${name}`, () => {
    for (const value of right) assert.equal(shape(value), true, JSON.stringify(value))
    for (const value of wrong) assert.equal(shape(value), false, JSON.stringify(value))
  })

test('a check that stumbles over what it is given refuses it', async () => {
  const path = join(makeFolder('json'), 'a.json')
  await writeFile(path, '{"list":null}')
  await assert.rejects(
    read(path, value => (value as { list: unknown[] }).list.length > 0),
    { code: 'corrupt' },
  )
})

test("what the disk refuses is no damage, and is told in the system's words", async () => {
  const dir = makeFolder('json')
  await assert.rejects(read(dir), { code: 'EISDIR' })
})

test('what is not there has no text, no bytes, no names and no files, and is removed without harm', async () => {
  const path = join(makeFolder('files'), 'none')
  assert.deepEqual([await readText(path), await sizeOf(path)], [null, null])
  assert.deepEqual([await listNames(path), await listFiles(path)], [[], []])
  await removeFile(path)
})

test('files are listed below a folder, in order', async () => {
  const dir = makeFolder('files')
  await mkdir(join(dir, 'b', 'c'), { recursive: true })
  for (const name of ['z', 'b/y', 'b/c/x']) await writeFile(join(dir, name), 'text')
  assert.deepEqual(await listFiles(dir), ['b/c/x', 'b/y', 'z'])
  assert.deepEqual([await sizeOf(join(dir, 'z')), await readText(join(dir, 'b', 'y'))], [4, 'text'])
  await removeFile(join(dir, 'z'))
  assert.deepEqual(await listNames(dir), ['b'])
})
