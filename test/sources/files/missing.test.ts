import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs, { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { listSplits } from '../../../conformance/source.ts'
import { jsonl } from '../../../src/sources/files/jsonl.ts'
import { textFolder } from '../../../src/sources/files/text-folder.ts'
import type { Source } from '../../../src/sources/source.ts'
import { makeFolder } from '../../temporary.ts'

// What can't be listed or opened stops: no part of the input is missing without a word.
const folder = makeFolder('missing')
const path = (name: string) => join(folder, name)
function put(...names: readonly string[]): void {
  for (const name of names) {
    mkdirSync(join(path(name), '..'), { recursive: true })
    writeFileSync(path(name), '{"text":"a"}\n')
  }
}

put('web/a/1.jsonl', 'web/b/2.jsonl', 'web/b/deep/3.jsonl', 'web/b/4.txt', 'web/.hidden/5.jsonl')

/** Lists while the system answers for the path with the code. */
async function listFaulty(source: Source, call: 'readdir' | 'open' | 'stat', faulty: string, code: string) {
  const real = fs.promises[call] as (...args: unknown[]) => Promise<unknown>
  const fail = async (at: unknown, ...rest: unknown[]) => {
    if (at === path(faulty)) throw Object.assign(new Error(`${code}: injected`), { code, syscall: call, path: at })
    return real(at, ...rest)
  }
  Object.assign(fs.promises, { [call]: fail })
  syncBuiltinESMExports()
  try {
    return (await listSplits(source)).map(({ name }) => name.slice(folder.length + 1))
  } finally {
    Object.assign(fs.promises, { [call]: real })
    syncBuiltinESMExports()
  }
}

const faults: [pattern: string, call: 'readdir' | 'open' | 'stat', faulty: string, code: string, becomes: string][] = [
  ['web/**/*.jsonl', 'readdir', 'web/b', 'EIO', 'disk'],
  ['web/**/*.jsonl', 'readdir', 'web/b', 'EACCES', 'not-found'],
  ['web/**/*.jsonl', 'readdir', 'web/b/deep', 'EIO', 'disk'],
  ['web/*/*.jsonl', 'readdir', 'web/b', 'EPERM', 'not-found'],
  ['web/*/deep/*.jsonl', 'readdir', 'web/b/deep', 'ESTALE', 'disk'],
  ['web/{a/1,b/2}.jsonl', 'readdir', 'web/b', 'EIO', 'disk'],
  ['web/b/*.jsonl', 'readdir', 'web/b', 'EMFILE', 'disk'],
  ['web/**/*.jsonl', 'open', 'web/a/1.jsonl', 'EACCES', 'not-found'],
  ['web/**/*.jsonl', 'open', 'web/a/1.jsonl', 'EIO', 'disk'],
  ['web/a/1.jsonl', 'stat', 'web/a/1.jsonl', 'EIO', 'disk'],
]
for (const [pattern, call, faulty, code, becomes] of faults)
  test(`${code} by ${call} of ${faulty} stops what ${pattern} asks for`, async () => {
    const named = new RegExp(`${faulty.replaceAll('/', '\\/')}.*${code}`)
    const listing = listFaulty(jsonl(path(pattern)), call, faulty, code)
    await assert.rejects(listing, { code: becomes, message: named })
  })

test('what no pattern leads to may be unreadable', async () => {
  const all = ['web/a/1.jsonl', 'web/b/2.jsonl', 'web/b/deep/3.jsonl']
  assert.deepEqual(await listFaulty(jsonl(path('web/**/*.jsonl')), 'readdir', 'web/.hidden', 'EACCES'), all)
  assert.deepEqual(await listFaulty(jsonl(path('web/a*/*.jsonl')), 'readdir', 'web/b', 'EACCES'), all.slice(0, 1))
  assert.deepEqual(await listFaulty(jsonl(path('web/a/1.jsonl')), 'readdir', 'web/a', 'EACCES'), all.slice(0, 1))
})

test('a folder that another user keeps to itself stops, of every kind of files', {
  skip: process.getuid?.() !== 0,
}, () => {
  put('own/a/1.jsonl', 'own/b/2.jsonl', 'own/b/2.txt', 'own/1.txt')
  chmodSync(path('own/b'), 0)
  for (let at = folder; at !== '/tmp' && at !== '/'; at = join(at, '..')) chmodSync(at, 0o755)
  const root = join(import.meta.dirname, '..', '..', '..', 'src', 'sources', 'files')
  const script = `
    import { jsonl } from ${JSON.stringify(join(root, 'jsonl.ts'))}
    import { textFolder } from ${JSON.stringify(join(root, 'text-folder.ts'))}
    process.setuid(65534)
    for (const source of [jsonl(${JSON.stringify(path('own/**/*.jsonl'))}), textFolder(${JSON.stringify(path('own'))})])
      await Array.fromAsync(source.splits(new AbortController().signal)).catch(({ code, message }) => console.log(code, message))`
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  assert.deepEqual(
    out
      .trim()
      .split('\n')
      .map(line => line.replace(folder, '')),
    Array.from(
      { length: 2 },
      () =>
        "not-found /own/b can't be read (EACCES, no permission): let this user read it, or leave it out of the input",
    ),
  )
})

test('a link to nothing or to itself, and a pipe, stop and are named', async () => {
  const special: [name: string, make: () => void, message: RegExp][] = [
    ['dangling.jsonl', () => symlinkSync('nowhere', path('odd/dangling.jsonl')), /dangling\.jsonl.*ENOENT.*restore it/],
    ['loop.jsonl', () => symlinkSync('loop.jsonl', path('odd/loop.jsonl')), /loop\.jsonl.*ELOOP/],
    ['pipe.jsonl', () => execFileSync('mkfifo', [path('odd/pipe.jsonl')]), /pipe\.jsonl is not a regular file/],
  ]
  put('odd/a.jsonl')
  for (const [name, make, message] of special) {
    make()
    await assert.rejects(listSplits(jsonl(path('odd/*.jsonl'))), { code: 'not-found', message }, name)
    rmSync(path(`odd/${name}`))
  }
})

const instead: [source: () => Source, message: RegExp][] = [
  [() => jsonl(path('tree/*.txt')), /no file matches .*tree has 3 \.jsonl: say .*tree\/\*\*\/\*\.jsonl/],
  [() => jsonl(path('flat/*.json')), /flat has 2 \.jsonl\.gz: say .*flat\/\*\.jsonl\.gz/],
  [() => jsonl(path('tree')), /is a folder.*tree has 3 \.jsonl: say .*tree\/\*\*\/\*\.jsonl/],
  [() => jsonl(path('books/*.jsonl')), /books has 1 \.pdf, 1 \.txt: say \S*\/books;/],
  [() => jsonl(path('none/*.jsonl')), /there is no folder '.*none'/],
  [() => jsonl(path('hollow/*.jsonl')), /hollow has no files/],
  [() => textFolder(path('tree')), /tree has no \.txt and no \.md: .*tree has 3 \.jsonl: say .*tree\/\*\*\/\*\.jsonl/],
  [() => textFolder(path('hollow')), /hollow has no files/],
]
for (const [source, message] of instead)
  test(`what is there instead is said: ${message.source}`, async () => {
    put('tree/1.jsonl', 'tree/x/2.jsonl', 'tree/x/y/3.jsonl', 'flat/1.jsonl.gz', 'flat/2.jsonl.gz')
    put('books/a.txt', 'books/b.pdf')
    mkdirSync(path('hollow'), { recursive: true })
    await assert.rejects(listSplits(source()), ({ code, message: said }) => {
      assert.match(said, message)
      return ['not-found', 'bad-option'].includes(code)
    })
  })
