import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readUrlList } from '../../../src/annotate/lists/url-list.ts'
import { urlLists } from '../../../src/annotate/lists/url-lists.ts'
import { numbers, stringAt, utf8, utf8From } from '../../../src/batch/batch.ts'
import { checkFields } from '../../../src/batch/contract.ts'
import { limits } from '../../../src/limits.ts'
import { makeFolder } from '../../temporary.ts'

const directory = makeFolder('url-lists')
let files = 0
function write(text: string | Buffer): string {
  const file = join(directory, `list-${files++}`)
  writeFileSync(file, text)
  return file
}

type Options = Parameters<typeof urlLists>[0]

/** Of each URL the list and the entry, and whether it is on the list `one`. */
async function find(options: Options, urls: readonly string[]) {
  const annotator = urlLists(options)
  const columns = await annotator.annotate({ rows: urls.length, columns: { url: utf8From(urls) } })
  const batch = { rows: urls.length, columns }
  checkFields(batch, annotator.writes, annotator.name)
  return urls.map((_, row) => ({
    list: stringAt(utf8(batch, 'urlList'), row),
    entry: stringAt(utf8(batch, 'urlListEntry'), row),
    on: annotator.writes.slice(2).map(({ name }) => numbers(batch, name)[row]),
  }))
}

const cases: [lines: string, url: string, entry: string][] = [
  ['example.com', 'https://example.com/a', 'example.com'],
  ['example.com', 'https://a.b.example.com/a', 'example.com'],
  ['b.example.com', 'https://a.b.example.com/a', 'b.example.com'],
  ['b.example.com', 'https://example.com/a', ''],
  ['example.com', 'https://badexample.com', ''],
  ['example.com', 'https://example.com.evil.org', ''],
  ['example.com', 'http://evil.org/?u=example.com', ''],
  ['example.com', 'HTTP://u:p@EXAMPLE.com.:81/', 'example.com'],
  ['EXAMPLE.com.', 'http://example.com', 'example.com'],
  ['my-site.co.uk', 'http://www.my-site.co.uk', 'my-site.co.uk'],
  ['user.github.io', 'http://other.github.io', ''],
  ['github.io', 'http://user.github.io', 'github.io'],
  ['münchen.de', 'http://xn--mnchen-3ya.de/', 'xn--mnchen-3ya.de'],
  ['xn--mnchen-3ya.de', 'http://MÜNCHEN.de/', 'xn--mnchen-3ya.de'],
  ['example.com.', 'http://example.com', 'example.com'],
  ['127.1', 'http://127.0.0.1/', '127.0.0.1'],
  ['*.example.com', 'http://example.com', 'example.com'],
  ['.example.com', 'http://a.example.com', 'example.com'],
  ['https://example.com/', 'http://a.example.com/b', 'example.com'],
  ['\ufeffexample.com\r\nother.com\r\n', 'http://example.com', 'example.com'],
  ['a.com\n\n# b.com\nc.com # a comment', 'http://c.com', 'c.com'],
  ['a.com\n# example.com', 'http://example.com', ''],
  ['0.0.0.0 ads.example.com two.example.com # x', 'http://two.example.com', 'two.example.com'],
  ['::1 ads.example.com', 'http://ads.example.com', 'ads.example.com'],
  ['127.0.0.1\tads.example.com', 'http://127.0.0.1/', ''],
  ['192.0.2.7', 'http://192.0.2.7:80/a', '192.0.2.7'],
  ['192.0.2.7', 'http://0xC0000207/', '192.0.2.7'],
  ['2.7.example.com', 'http://1.2.7.example.com/', '2.7.example.com'],
  ['example.com/forum', 'http://example.com/forum', 'example.com/forum'],
  ['example.com/forum/', 'http://www.example.com/forum/a?b', 'example.com/forum'],
  ['example.com/forum', 'http://example.com/forums', ''],
  ['example.com/forum', 'http://example.com/', ''],
  ['example.com/forum', 'http://example.com/Forum', ''],
  ['example.com/a?id=1', 'http://example.com/a?id=1&b=2', 'example.com/a?id=1'],
  ['example.com/a?id=1', 'http://example.com/a?id=12', ''],
  ['localhost.localdomain', 'http://localhost/', ''],
]
for (const [lines, url, entry] of cases)
  test(`${JSON.stringify(lines)} has ${entry || 'nothing'} of ${url}`, async () => {
    const [found] = await find({ lists: { one: write(lines) } }, [url])
    assert.deepEqual(found, { list: entry && 'one', entry, on: [entry ? 1 : 0] })
  })

test('the first list that has the URL is named, each has a column, and what has no host is not measured', async () => {
  const lists = { ads: [write('a.com'), write('b.com')], bad: write('b.com/x\nc.com') }
  assert.deepEqual(
    await find({ lists }, ['http://b.com/x', 'http://c.com', 'http://d.com', '', 'mailto:x@a.com', 'intranet']),
    [
      { list: 'ads', entry: 'b.com', on: [1, 1] },
      { list: 'bad', entry: 'c.com', on: [0, 1] },
      { list: '', entry: '', on: [0, 0] },
      { list: '', entry: '', on: [Number.NaN, Number.NaN] },
      { list: '', entry: '', on: [Number.NaN, Number.NaN] },
      { list: '', entry: '', on: [0, 0] },
    ],
  )
})

test("UT1's folder of a category is its files 'domains' and 'urls'", async () => {
  const folder = join(directory, 'adult')
  mkdirSync(folder)
  writeFileSync(join(folder, 'domains'), 'a.com\n192.0.2.1\n')
  writeFileSync(join(folder, 'urls'), 'b.com/x\n')
  writeFileSync(join(folder, 'usage'), 'c.com\n')
  const found = await find({ lists: { adult: folder } }, [
    'http://a.com',
    'http://192.0.2.1',
    'http://b.com/x/y',
    'http://c.com',
  ])
  assert.deepEqual(
    found.map(({ entry }) => entry),
    ['a.com', '192.0.2.1', 'b.com/x', ''],
  )
})

test('lines of any length and number are read piece by piece as they are', async () => {
  const names = Array.from({ length: 60_000 }, (_, i) => `site-number-${i}.example.com`)
  const lines = [...names, 'x'.repeat(3_000_000), 'last.com']
  const annotator = urlLists({ lists: { one: write(lines.join('\n')) } })
  assert.match(
    annotator.notes![0],
    /list 'one': 1 line is unusable: line 60001 of \S+, 'x+…', has more than 2048 bytes/,
  )
  const urls = [...names, 'last.com', 'x.com'].map(name => `http://${name}`)
  const columns = await annotator.annotate({ rows: urls.length, columns: { url: utf8From(urls) } })
  const on = numbers({ rows: urls.length, columns }, 'url:one')
  assert.equal([...on].filter(value => value === 1).length, names.length + 1)
})

const unusable: [line: string, why: RegExp][] = [
  ['co.uk', /'co.uk', is a public suffix/],
  ['http://com/', /has no dot/],
  ['公司.cn', /is a public suffix/],
  ['0.0.0.0 localhost', /'0.0.0.0 localhost', has no dot/],
  ['||ads.example^', /is no domain or URL/],
  ['a.com/#b', /has a fragment/],
  ['0.0.0.0 localhost broadcasthost', /has no dot/],
  ['an example', /has several words/],
  [`a.com${'/b'.repeat(40)}`, /has more than 32 parts/],
  ['\u001b[2Jx y', /'.\[2Jx y', has several words/],
]
for (const [line, why] of unusable)
  test(`the line ${JSON.stringify(line.slice(0, 20))} is told as unusable`, () => {
    const [note] = urlLists({ lists: { one: write(`good.com\n${line}\n`) } }).notes!
    assert.match(note, why)
    assert.match(note, /^list 'one': 1 line is unusable: line 2 of /)
    assert.ok(!note.includes('\u001b'))
    assert.throws(() => urlLists({ lists: { one: write(line) } }), {
      code: 'bad-option',
      message: /the list 'one' .* names no domain or URL; 1 line/,
    })
  })

const refused: [what: string, options: () => Options, code: string, message: RegExp][] = [
  ['an empty file', () => ({ lists: { one: write('') } }), 'bad-option', /names no domain or URL; there is no line/],
  ['comments alone', () => ({ lists: { one: write('# a.com\n\n') } }), 'bad-option', /there is no line but/],
  ['a missing file', () => ({ lists: { one: join(directory, 'none') } }), 'not-found', /there is no file .*none/],
  ['a folder of folders', () => ({ lists: { one: directory } }), 'not-found', /has no file 'domains' or 'urls'/],
  ['no list', () => ({ lists: {} }), 'bad-option', /give one or more/],
  ['a name that is none', () => ({ lists: { 'a b': write('a.com') } }), 'bad-option', /has a list "a b": name it by/],
  ['no file', () => ({ lists: { one: [] } }), 'bad-option', /'one' is \[\]/],
]
for (const [what, options, code, message] of refused)
  test(`${what} is refused`, () => assert.throws(() => urlLists(options()), { code, message }))

test('more entries than memory is meant for are refused', () => {
  const read = (taken: number) =>
    readUrlList('one', [write('a.com\nb.com')], { who: 'x', taken, isSuffix: () => false })
  assert.equal(read(limits.urlListEntriesMax - 2).entries.size, 2)
  assert.throws(() => read(limits.urlListEntriesMax - 1), { code: 'limit', message: /more than 16777216 entries with/ })
})

test('a list is a resource by its bytes, and by what of it is passed over as a public suffix', () => {
  const sha = (...files: string[]) => urlLists({ lists: { one: files } }).resources[0].sha256
  assert.equal(sha(write('a.com')), sha(write('a.com')))
  const all = [sha(write('a.com')), sha(write('a.com\n')), sha(write('b.com')), sha(write('a.com'), write('b.com'))]
  assert.equal(new Set(all).size, all.length)
  const file = write('a.com\nb.org\nc.org')
  const shaWith = (...suffixes: string[]) =>
    readUrlList('one', [file], { who: '', taken: 0, isSuffix: domain => suffixes.includes(domain) }).sha256
  assert.equal(shaWith('x.com'), sha(file))
  assert.equal(new Set([shaWith(), shaWith('b.org'), shaWith('c.org'), shaWith('b.org', 'c.org')]).size, 4)
})

test('rules drop what is on a list where asked', () => {
  const lists = { ads: write('a.com'), bad: write('b.com') }
  assert.deepEqual(urlLists({ lists }).rules, [])
  assert.deepEqual(urlLists({ lists, drop: true }).rules, [
    { reason: 'listed-ads', column: 'url:ads', above: 0 },
    { reason: 'listed-bad', column: 'url:bad', above: 0 },
  ])
  assert.deepEqual(urlLists({ lists, drop: true }).measuredWith, urlLists({ lists }).measuredWith)
})
