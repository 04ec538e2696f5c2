import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { parseLines, runMain } from '../cli/terminal.ts'
import { makeFolder } from '../temporary.ts'
import { writePipeline } from './fixture.ts'

// Input that is not there, or not what the pipeline asks for, through the command line.
const line = (field: string, text: string) => `${JSON.stringify({ id: 'a', title: 'b', [field]: text })}\n`

async function makeRun(content: string, name = 'a.jsonl', options = '') {
  const dir = makeFolder('input')
  await writeFile(join(dir, name), content)
  const pipeline = await writePipeline(dir, glob => `h.pipeline('test').from(h.jsonl(${glob}${options}))`)
  return { dir, args: ['run', pipeline, '--dir', makeFolder('runs'), '--workers', '1'] }
}

test('a text field that no record has ends with the fields that are there, and not as a success', async () => {
  const { args } = await makeRun(line('body', 'x').repeat(3))
  for (const flags of [[], ['--json']]) {
    const { status, err } = await runMain([...args, ...flags])
    assert.equal(status, 65, err)
    assert.match(
      err,
      /none of 3 records has a text: no field 'text' among id, title, body \(.*a\.jsonl, line 1\); say which/,
    )
  }
  const some = await makeRun(line('body', 'x').repeat(3) + line('text', 'y'))
  assert.equal((await runMain(some.args)).status, 0)
})

test('a run of which no record became a document ends with what there was', async () => {
  const cases: [content: string, name: string, said: RegExp][] = [
    ['{\n', 'a.jsonl', /the one record became no document \(broken-json 1\), the first as .*a\.jsonl, line 1\)/],
    ['{\n{"text":""}\n{\n', 'a.jsonl', /none of 3 records became a document \(broken-json 2, empty-text 1\)/],
    ['a,b\n1,2\n', 'a.csv', /became no document \(wrong-kind 1\), the first as this is a table/],
  ]
  for (const [content, name, said] of cases) {
    const { args, dir } = await makeRun(content, name)
    const { status, err } = await runMain([...args, '--input', join(dir, name)])
    assert.equal(status, 65, err)
    assert.match(err, said)
  }
})

test('a field of domains that no document has is told', async () => {
  const told = /no document has the field "meta\.source", of which the source takes domains: all are in 'default'/
  const options = ", { domain: 'meta.source' }"
  const without = await runMain((await makeRun(line('text', 'x'), 'a.jsonl', options)).args)
  assert.equal(without.status, 0)
  assert.match(without.err, told)
  const some = `${JSON.stringify({ text: 'y', meta: { source: 'books' } })}\n${line('text', 'x')}`
  assert.doesNotMatch((await runMain((await makeRun(some, 'a.jsonl', options)).args)).err, told)
})

test('a field of ids, addresses or times that no document has is told, and one that some have is not', async () => {
  const options = ", { id: 'key', url: 'uri', added: 'meta.when' }"
  const told = (field: string) => new RegExp(`no document has the field "${field}", of which the source takes '`)
  const cases: [content: string, missed: string[]][] = [
    [line('text', 'x').repeat(2), ['key', 'uri', 'meta.when']],
    [line('text', 'x') + line('text', 'y').replace('{', '{"uri":"u","key":7,'), ['meta.when']],
    // What a record has and is empty is not there either; its place is not taken for an id.
    [line('text', 'x').replace('{', '{"uri":"","key":"","meta":{"when":"2026"},'), ['key', 'uri']],
  ]
  for (const [content, missed] of cases) {
    const { args } = await makeRun(content, 'a.jsonl', options)
    const { status, err } = await runMain(args)
    assert.equal(status, 0, err)
    for (const field of ['key', 'uri', 'meta.when'])
      assert.equal(told(field).test(err), missed.includes(field), `${field} of ${content}: ${err}`)
    // What had ended says it again, for scripts and logs, too.
    const { missingFields } = JSON.parse((await runMain([...args, '--json'])).out)
    assert.equal(missingFields.length, missed.length)
    const logged = parseLines((await runMain([...args, '--log-format', 'json'])).err)
    assert.deepEqual(logged.find(({ event }) => event === 'missing-fields')?.fields, missingFields)
  }
  // Names that nobody chose may be missing.
  assert.equal((await runMain((await makeRun(line('text', 'x'))).args)).err, '')
})

test('labels of Parquet and the columns that are to go to meta are told alike', async () => {
  const dir = makeFolder('input-columns')
  const columnData = [{ name: 'text', data: ['x', 'y'], type: 'STRING' as const }]
  await writeFile(join(dir, 'a.parquet'), Buffer.from(parquetWriteBuffer({ columnData })))
  const source = `h.parquet(${JSON.stringify(join(dir, 'a.parquet'))}, { url: 'uri', columns: ['score'] })`
  const pipeline = await writePipeline(dir, () => `h.pipeline('test').from(${source})`)
  const { err } = await runMain(['run', pipeline, '--dir', makeFolder('runs'), '--workers', '1'])
  assert.match(err, /no document has the field "uri", of which the source takes 'url': none has an address/)
  assert.match(err, /a\.parquet: there is no column "score", which the option columns names/)
})

test('a file that can not be opened ends a run before it has one, and the same command goes on once it can', async () => {
  const { dir, args } = await makeRun(line('text', 'x'))
  const special: [name: string, make: (path: string) => unknown][] = [
    ['dangling.jsonl', path => symlink('nowhere', path)],
    ['pipe.jsonl', path => execFileSync('mkfifo', [path])],
  ]
  for (const [name, make] of special) {
    await make(join(dir, name))
    const { status, err } = await runMain(args)
    assert.equal(status, 66, err)
    assert.match(err, new RegExp(`${name.replace('.', '\\.')}.*leave it out of the input`))
    await rename(join(dir, name), join(dir, `${name}.off`))
    await mkdir(join(dir, 'off'), { recursive: true })
    await rename(join(dir, `${name}.off`), join(dir, 'off', name))
  }
  assert.equal((await runMain(args)).status, 0)
  // What has ended needs its input no more.
  await rename(join(dir, 'a.jsonl'), join(dir, 'off', 'a.jsonl'))
  assert.equal((await runMain(args)).status, 0)
})
