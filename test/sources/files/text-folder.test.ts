import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { listSplits } from '../../../conformance/source.ts'
import { stringAt, utf8 } from '../../../src/batch/batch.ts'
import { limits } from '../../../src/limits.ts'
import { textFolder } from '../../../src/sources/files/text-folder.ts'
import { makeFolder } from '../../temporary.ts'
import { readSource } from '../fixture.ts'

const folder = makeFolder('sources')
for (const name of ['books', 'books/old', 'web', 'A.txt']) mkdirSync(join(folder, name))
const files: [name: string, content: string | Uint8Array][] = [
  ['top.txt', 'top\n'],
  ['books/a.md', '# a\r\n'],
  ['books/old/b.TXT', '\ufeffmarked'],
  ['web/bad.txt', Uint8Array.of(97, 0xff)],
  ['web/empty.txt', ''],
  ['web/mark-only.txt', '\ufeff'],
  ['web/long.txt', Buffer.alloc(limits.documentBytesMax + 1, 'x')],
  ['web/max.txt', Buffer.alloc(limits.documentBytesMax, 'x')],
  ['web/picture.png', 'no text'],
  ['web/水.txt', 'water'],
]
for (const [name, content] of files) writeFileSync(join(folder, name), content)

test('each file is a document; its folder is its domain', async () => {
  const source = textFolder(folder, { domainDefault: 'none' })
  const { chunks } = await readSource(source)
  const rows = []
  for (const chunk of chunks) {
    const { batch, dead } = await source.parse(chunk)
    const at = (name: string) => stringAt(utf8(batch, name), 0)
    if (batch.rows) rows.push([at('id'), at('domain'), at('text').slice(0, 10), at('file') === chunk.split])
    for (const { line, reason } of [...chunk.dead, ...dead])
      rows.push([chunk.split.slice(folder.length + 1), line, reason])
  }
  assert.deepEqual(rows, [
    ['books/a.md', 'books', '# a\n', true],
    ['books/old/b.TXT', 'books', 'marked', true],
    ['top.txt', 'none', 'top\n', true],
    ['web/bad.txt', 'web', 'a\ufffd', true],
    ['web/empty.txt', 1, 'empty-text'],
    ['web/long.txt', 1, 'document-too-long'],
    ['web/mark-only.txt', 1, 'empty-text'],
    ['web/max.txt', 'web', 'xxxxxxxxxx', true],
    ['web/水.txt', 'web', 'water', true],
  ])
})

test('a folder that is not there is an error', async () => {
  await assert.rejects(listSplits(textFolder(join(folder, 'none'))), { code: 'not-found' })
})
