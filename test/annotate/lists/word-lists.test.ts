import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { WordListReader } from '../../../src/annotate/lists/word-list.ts'
import { wordLists } from '../../../src/annotate/lists/word-lists.ts'
import { numbers, utf8From } from '../../../src/batch/batch.ts'
import { checkFields } from '../../../src/batch/contract.ts'
import { PhraseTrie } from '../../../src/text/phrases.ts'
import { makeFolder } from '../../temporary.ts'

const directory = makeFolder('word-lists')
let files = 0
function write(text: string): string {
  const file = join(directory, `list-${files++}`)
  writeFileSync(file, text)
  return file
}

type Options = Parameters<typeof wordLists>[0]

/** The columns' values of each text, in the order of the columns. */
async function measure(options: Options, texts: readonly string[]): Promise<number[][]> {
  const annotator = wordLists(options)
  const columns = await annotator.annotate({ rows: texts.length, columns: { text: utf8From(texts) } })
  const batch = { rows: texts.length, columns }
  checkFields(batch, annotator.writes, annotator.name)
  return texts.map((_, row) => annotator.writes.map(({ name }) => numbers(batch, name)[row]))
}

const cases: [lines: string, text: string, hits: number, share: number][] = [
  ['mill', 'the mill', 1, 1 / 2],
  ['mill', 'the MILL, and a mill.', 2, 2 / 5],
  ['mill', 'a miller of mills', 0, 0],
  ['Mill\nRiver', 'mill river', 2, 1],
  ['mill', '(mill) "mill" mill-mill', 4, 1],
  ['water mill', 'a water\nmill and a mill of water', 1, 2 / 8],
  ['water-mill', 'a water mill', 1, 2 / 3],
  ["don't", 'I don’t know', 1, 2 / 4],
  ['Straße', 'STRAßE straße', 2, 1],
  ['cafe\u0301', 'the café', 1, 1 / 2],
  ['МЕЛЬНИЦА', 'мельница', 1, 1],
  ['mill', 'mi\u00adll m\u200bill', 2, 1],
  ['ｍｉｌｌ', 'mill', 1, 1],
  ['水车', '古老的水车在转', 1, 2 / 7],
  ['タワー', '東京ﾀﾜｰです', 1, 3 / 7],
  ['น้ำ', 'แม่น้ำใหญ่', 1, 1 / 6],
  ['नदी', 'नदी नदीतट', 1, 1 / 2],
  ['# mill\nriver', 'mill river', 1, 1 / 2],
  ['\ufeffmill\r\n\r\nriver\r\n', 'mill river', 2, 1],
  ['\u{1f595}', 'a \u{1f595}', 1, 1 / 2],
]
for (const [lines, text, hits, share] of cases)
  test(`${JSON.stringify(lines)} in ${JSON.stringify(text)}: ${hits} hits`, async () => {
    const [[foundHits, foundShare]] = await measure({ lists: { one: write(lines) } }, [text])
    assert.deepEqual([foundHits, foundShare], [hits, share])
  })

test('each list has its columns, counted for each text anew; a text without words has no share', async () => {
  const lists = { mills: [write('mill'), write('wheel')], rivers: write('river\nthe river') }
  assert.deepEqual(await measure({ lists }, ['the river, the mill', '', 'wheel', 'the']), [
    [1, 1 / 4, 1, 2 / 4],
    [0, Number.NaN, 0, Number.NaN],
    [1, 1, 0, 0],
    [0, 0, 0, 0],
  ])
})

test('lists of the package naughty-words are taken by language', async () => {
  const annotator = wordLists({ naughtyWords: ['en', 'zh'] })
  assert.deepEqual(
    annotator.writes.map(({ name }) => name),
    ['words:naughty-en', 'words:naughty-en:share', 'words:naughty-zh', 'words:naughty-zh:share'],
  )
  const [[en, , zh], [none]] = await measure({ naughtyWords: ['en', 'zh'] }, ['porn, and 色情', 'the river'])
  assert.deepEqual([en, zh > 0, none], [1, true, 0])
  assert.match(
    wordLists({ naughtyWords: ['ru'] }).notes![0],
    /^list 'naughty-ru': 1 line is unusable: line \d+ of naughty-words\/ru.json, /,
  )
  const message = /has no language 'eng'; did you mean 'en'\?/
  assert.throws(() => wordLists({ naughtyWords: ['eng'] }), { code: 'bad-option', message })
  assert.throws(() => wordLists({ naughtyWords: ['toString'] }), { code: 'bad-option' })
})

const unusable: [line: string, why: RegExp][] = [
  ['a$$', /'a\$\$', has '\$', which is no part of a word/],
  ['f*ck', /has '\*'/],
  ['C++', /has '\+'/],
  ['♥ x', /has '♥'/],
  ['...', /'\.\.\.', has no word/],
  ['一'.repeat(33), /has more than 32 words/],
  ['x'.repeat(3000), /has more than 2048 bytes/],
  ['\u001b[2J?', /'.\[2J\?', has '\?'/],
]
for (const [line, why] of unusable)
  test(`the line ${JSON.stringify(line.slice(0, 20))} is told as unusable`, async () => {
    const file = write(`mill\n${line}\n`)
    const [note] = wordLists({ lists: { one: file } }).notes!
    assert.match(note, why)
    assert.match(note, /^list 'one': 1 line is unusable: line 2 of /)
    assert.ok(!note.includes('\u001b'))
    assert.deepEqual(await measure({ lists: { one: file } }, ['a c f ck x mill']), [[1, 1 / 6]])
    const message = /the list 'one' .* has no word; 1 line/
    assert.throws(() => wordLists({ lists: { one: write(line) } }), { code: 'bad-option', message })
  })

const manyLists = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`list${i}`, 'none']))
const refused: [what: string, options: () => Options, code: string, message: RegExp][] = [
  ['nothing', () => ({}), 'bad-option', /has no list: give 'lists', 'naughtyWords', or both/],
  ['an empty file', () => ({ lists: { one: write('\n# a\n') } }), 'bad-option', /has no word; there is no line but/],
  ['a missing file', () => ({ lists: { one: join(directory, 'none') } }), 'not-found', /there is no file .*none/],
  ['a folder', () => ({ lists: { one: directory } }), 'not-found', /cannot be read/],
  ['a name that is none', () => ({ lists: { 'a:b': write('a') } }), 'bad-option', /has a list "a:b": name it by/],
  ['a name twice', () => ({ naughtyWords: ['en', 'en'] }), 'bad-option', /two lists 'naughty-en'/],
  ['too many lists', () => ({ lists: manyLists }), 'bad-option', /has 33 lists: give 32 at most/],
]
for (const [what, options, code, message] of refused)
  test(`${what} is refused`, () => assert.throws(() => wordLists(options()), { code, message }))

test('more words than memory is meant for are refused, beginnings counted once', () => {
  const read = (lines: string) => new WordListReader('x', new PhraseTrie(), 3).readFiles('one', [write(lines)])
  assert.doesNotThrow(() => read('a b\na c\na'))
  assert.throws(() => read('a b\nc d'), { code: 'limit', message: /more than 3 words with/ })
})

test('a list is a resource by its bytes', () => {
  const sha = (text: string) => wordLists({ lists: { one: write(text) } }).resources[0].sha256
  assert.equal(sha('mill'), sha('mill'))
  assert.notEqual(sha('mill'), sha('mill\n'))
  const [en, zh] = wordLists({ naughtyWords: ['en', 'zh'] }).resources
  assert.match(en.sha256, /^[0-9a-f]{64}$/)
  assert.notEqual(en.sha256, zh.sha256)
})

test('thresholds hold for each list, and are in no fingerprint', () => {
  const lists = { a: write('mill'), b: write('river') }
  assert.deepEqual(wordLists({ lists }).rules, [])
  assert.deepEqual(wordLists({ lists, hitsMax: 3, shareMax: 0.1 }).rules, [
    { reason: 'words-a', column: 'words:a', above: 3 },
    { reason: 'word-share-a', column: 'words:a:share', above: 0.1 },
    { reason: 'words-b', column: 'words:b', above: 3 },
    { reason: 'word-share-b', column: 'words:b:share', above: 0.1 },
  ])
  assert.deepEqual(wordLists({ lists, hitsMax: 3 }).measuredWith, wordLists({ lists }).measuredWith)
})
