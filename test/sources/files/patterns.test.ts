import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { listSplits } from '../../../conformance/source.ts'
import { jsonl } from '../../../src/sources/files/jsonl.ts'
import { textFolder } from '../../../src/sources/files/text-folder.ts'
import { parquet } from '../../../src/sources/parquet/parquet.ts'
import { makeFolder } from '../../temporary.ts'

const folder = makeFolder('patterns')
const names = async (pattern: string) =>
  (await listSplits(jsonl(join(folder, pattern)))).map(({ name }) => name.slice(folder.length + 1))

test('an address is refused before any work, with how to get what lies there', () => {
  const cases: [make: () => unknown, message: RegExp][] = [
    [
      () => jsonl('s3://bucket/*.jsonl'),
      /jsonl\(\) reads files, and s3:\/\/bucket\/\*\.jsonl is an address.*aws s3 sync/,
    ],
    [() => jsonl(['a.jsonl', 'https://host/a.jsonl.gz']), /curl -O/],
    [() => parquet('hf://datasets/a/b.parquet'), /parquet\(\).*hf download/],
    [() => jsonl('constructor://x'), /copy it here first, or mount it/],
    [() => textFolder('file:///data/texts'), /give the path alone: \/data\/texts/],
  ]
  for (const [make, message] of cases) assert.throws(make, { code: 'bad-option', message })
})

test('a folder that is there is meant, whatever signs it has in its name', async () => {
  for (const name of ['d[1]', 'd{a,b}', 'd(x)', 'd1', 'd[1]/sub!']) mkdirSync(join(folder, name), { recursive: true })
  for (const name of ['d[1]/a.jsonl', 'd[1]/sub!/b.jsonl', 'd{a,b}/a.jsonl', 'd(x)/a.jsonl', 'd1/c.jsonl'])
    writeFileSync(join(folder, name), '')
  const cases: [pattern: string, files: string[]][] = [
    ['d[1]/*.jsonl', ['d[1]/a.jsonl']],
    ['d[1]/**/*.jsonl', ['d[1]/a.jsonl', 'd[1]/sub!/b.jsonl']],
    ['d[1]/sub!/*', ['d[1]/sub!/b.jsonl']],
    ['d{a,b}/*', ['d{a,b}/a.jsonl']],
    ['d(x)/*', ['d(x)/a.jsonl']],
    ['d[12]/*', ['d1/c.jsonl']],
    ['./d[1]/../d1/*', ['d1/c.jsonl']],
  ]
  for (const [pattern, files] of cases) assert.deepEqual(await names(pattern), files, pattern)
})

test('where nothing is found, links to folders and hidden folders are named', async () => {
  for (const name of ['tree/.hidden', 'links', 'target']) mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, 'tree/.hidden/a.jsonl'), '')
  writeFileSync(join(folder, 'target/a.jsonl'), '')
  symlinkSync(join(folder, 'target'), join(folder, 'links/linked'))
  await assert.rejects(names('tree/**/*.jsonl'), { code: 'not-found', message: /tree\/\.hidden\/\*\*\/\*/ })
  await assert.rejects(names('links/**/*.jsonl'), { code: 'not-found', message: /links\/linked\/\*\*\/\*/ })
  assert.deepEqual(await names('links/linked/**/*.jsonl'), ['links/linked/a.jsonl'])
})

test('a name that is not UTF-8 is named, not lost', async () => {
  mkdirSync(join(folder, 'latin'))
  const bytes = Buffer.concat([Buffer.from(join(folder, 'latin/na')), Buffer.from([0xef]), Buffer.from('ve.txt')])
  writeFileSync(bytes, 'a')
  const error = { code: 'not-found', message: /the name of na\ufffdve\.txt in .*latin is not UTF-8/ }
  await assert.rejects(names('latin/*'), error)
  await assert.rejects(listSplits(textFolder(join(folder, 'latin'))), error)
})
