import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { folderBefore, folderOf, ShardFolders } from '../../src/shards/folder.ts'

const long = '水'.repeat(100)

// Names that some file system, or some shortening, takes for one: each row must be as many folders as it has names.
const alike: [why: string, names: string[]][] = [
  ['a long name and what stands for it', [long, hash('sha256', long), folderBefore(long), folderOf(long)]],
  ['case', ['A', 'a', 'Wiki', 'wiki', 'WIKI', 'ß', 'ẞ', 'ss', 'İ', 'i']],
  ['normal forms', ['\u00e9', 'e\u0301', '\ufb01', 'fi', '\u212b', '\u00c5']],
  ['paths', ['.', '..', '...', '', '/', 'a/b', 'a\\b', 'a:b', './a', 'a/', 'a']],
  ['what Windows drops or opens', ['a.', 'a ', ' a', 'con', 'CON', 'con.txt', 'nul', 'com1', 'com10', 'lpt9.tar', 'a']],
  ['controls', ['a\0', 'a\n', 'a\u202e', 'a\u2028', 'a\x7f', 'a']],
  ['escapes', ['%', '%25', '%2E', '%2e', '+', 'a+b', 'a%2Bb', '%41', '*', '?', '~', '-']],
  ['properties', ['__proto__', 'constructor', 'toString', 'holdout']],
  ['long beginnings', ['x'.repeat(100), 'x'.repeat(101), 'x'.repeat(1000), `${'x'.repeat(100)}.`]],
]

/** What every file system that trainers use keeps apart and takes: letters in one case, no reserved name. */
const safe = /^(?!(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$))[a-z0-9_+-](?:[a-z0-9._+-]{0,118}[a-z0-9_+-])?$/

for (const [why, names] of alike)
  test(`no two names share a folder: ${why}`, () => {
    const folders = names.map(folderOf)
    assert.equal(new Set(folders).size, new Set(names).size, folders.join(' '))
    for (const folder of folders) assert.match(folder, safe)
  })

test('a plain name is its own folder, as it was before', () => {
  for (const name of ['web', 'en-webpages', 'd0', 'common_crawl', 'cc-2024.10', '1', '_', 'console', 'holdout'])
    assert.deepEqual([folderOf(name), folderBefore(name)], [name, name])
  assert.match(folderOf('Pile-CC'), /^pile-cc\+[0-9a-f]{64}$/)
})

test('no name has the folder that another had before', () => {
  const names = [...new Set(alike.flatMap(([, some]) => some))]
  for (const name of names)
    for (const other of names) if (name !== other) assert.notEqual(folderOf(name), folderBefore(other))
})

test('the rule before gave two names one folder', () => {
  const name = 'x'.repeat(300)
  assert.equal(folderBefore(name), folderBefore(hash('sha256', name)))
})

test('a domain goes on in the folder that it has, where no other has it', () => {
  const folders = new ShardFolders()
  const [name, twin] = [long, hash('sha256', long)]
  folders.add({ domain: 'Pile-CC', path: 'Pile-CC/00000000.arrow' })
  folders.add({ domain: name, path: `${twin}/00000000.arrow` })
  assert.deepEqual(
    ['Pile-CC', 'pile-cc', name].map(domain => folders.of(domain)),
    ['Pile-CC', 'pile-cc', twin],
  )
  assert.equal(folders.of(twin), folderOf(twin))
  folders.add({ domain: twin, path: `${twin}/00000000.arrow` })
  assert.deepEqual(
    [name, twin].map(domain => folders.of(domain)),
    [name, twin].map(folderOf),
  )
})
