import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Casing, encodeWordPieces, parseWordPieces } from '../../src/text/word-piece.ts'
import { vocabulary } from './word-piece-texts.ts'

const pieces = parseWordPieces(vocabulary, 'vocab.txt')
const names = vocabulary.split('\n')
const cut = (text: string, casing: Casing, tokensMax = 1000) => {
  const { ids, isCut } = encodeWordPieces(pieces, text, tokensMax, casing)
  return ids.map(id => names[id]).join(' ') + (isCut ? ' ...' : '')
}

// A text -> its pieces folded, and not, as tokenizers 0.23.3 gives them.
const cases: [text: string, lower: string, keep?: string][] = [
  ['', ''],
  [' \n\u3000', ''],
  ['\ue000\ue001', ''],
  ['The Mill, unable', 'the mill , un ##able', '[UNK] Mill , un ##able'],
  ['Café cafe\u0301 straße', 'cafe cafe s ##t ##r ##a ##ße', '[UNK] [UNK] s ##t ##r ##a ##ße'],
  ['STRASSE', 's ##t ##r ##a ##ss ##e', '[UNK]'],
  ['中文字abc 漢字', '中 文 字 a ##b ##c 漢 字'],
  ['\uf900𠀀', '[UNK] 𠀀'],
  ['a\u200bb\u0000c\ufffdd', 'a ##b ##c ##d'],
  ['a\vb\u2028c\u00a0d', 'a ##b c d'],
  ['ΣΑΣ σς', 'σ ##α ##σ σ ##ς', '[UNK] σ ##ς'],
  ['river…«—»€$+', 'river … « — » € $ +'],
  ['a'.repeat(100), `a${' ##a'.repeat(99)}`],
  ['a'.repeat(101), '[UNK]'],
  ['𝒳'.repeat(100), '[UNK]'],
  ['각 कखा', '[UNK] [UNK]', '각 [UNK]'],
  ['Й Ё', 'и [UNK]', '[UNK] [UNK]'],
  ['mill#river ##ing', 'mill # river # # ing'],
  ['İi', 'i ##i', '[UNK]'],
  // Text of a document is text: there it would end what is encoded.
  ['a[SEP]b', 'a [ s ##e ##p ] b', 'a [ [UNK] ] b'],
]
for (const [text, lower, keep = lower] of cases)
  test(`${JSON.stringify(text.slice(0, 40))}: ${lower.slice(0, 60)}`, () => {
    assert.equal(cut(text, 'lower'), `[CLS] ${lower} [SEP]`.replace('  ', ' '))
    assert.equal(cut(text, 'keep'), `[CLS] ${keep} [SEP]`.replace('  ', ' '))
  })

const bounds: [tokensMax: number, becomes: string][] = [
  [3, '[CLS] un [SEP] ...'],
  [4, '[CLS] un ##able [SEP] ...'],
  [5, '[CLS] un ##able mill [SEP]'],
  [6, '[CLS] un ##able mill [SEP]'],
]
test('a text is cut to so many tokens, within a word too, and says so', () => {
  for (const [tokensMax, becomes] of bounds) assert.equal(cut('unable mill \n\u200b', 'lower', tokensMax), becomes)
})

test('no more of a text is looked at than its tokens need, however it is made', () => {
  const mega = 1 << 24
  // A word without end, signs, marks that are dropped, Chinese, and white space.
  for (const text of [
    'x'.repeat(mega),
    '.'.repeat(mega),
    '字'.repeat(mega),
    `字${'\u0301'.repeat(mega)}`,
    ' '.repeat(mega),
  ]) {
    const start = performance.now()
    encodeWordPieces(pieces, text, 128, 'lower')
    assert.ok(performance.now() - start < 5000, JSON.stringify(text.slice(0, 2)))
  }
})

const wrong: [text: string, says: RegExp][] = [
  ['', /no line '\[CLS\]'/],
  ['{"model":{}}', /no line '\[CLS\]'.*vocab.txt of a BERT model/],
  ['[CLS]\n[UNK]\na', /no line '\[SEP\]'/],
]
for (const [text, says] of wrong)
  test(`${JSON.stringify(text)} is no vocabulary: ${says}`, () => {
    assert.throws(() => parseWordPieces(text, 'vocab.txt'), { code: 'corrupt', message: says })
  })

test('a vocabulary is the same with either line end, and with none at its end', () => {
  for (const text of [vocabulary.replaceAll('\n', '\r\n'), vocabulary.trimEnd()])
    assert.deepEqual(parseWordPieces(text, 'vocab.txt'), pieces)
})
