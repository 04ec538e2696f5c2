import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { FileBytes } from '../../../src/disk/file-bytes.ts'
import { writeArpa } from '../../../src/text/language-model/arpa.ts'
import { LanguageModelScorer, windowBytes } from '../../../src/text/language-model/model.ts'
import { encodeLanguageModel, readLanguageModel, readModelHeader } from '../../../src/text/language-model/model-file.ts'
import { loadEncoding } from '../../../src/text/tokens/bpe.ts'
import { LanguageModelFitter } from '../../../src/value/fit-language-model.ts'
import { drawFrom } from '../../random.ts'
import { makeFolder } from '../../temporary.ts'
import { logarithmOf, readArpa } from './arpa-reader.ts'

const directory = makeFolder('language-model')
const draw = drawFrom(31)
const letters = [...'abcde \n.é水']
const makeText = (length: number) => Array.from({ length }, () => letters[draw(letters.length)]).join('')
const texts = Array.from({ length: 200 }, () => makeText(1 + draw(200)))
using fitter = new LanguageModelFitter()
for (const text of texts) fitter.add(new TextEncoder().encode(text))
const { model, report } = fitter.finish(3000)
const arpa = readArpa(Buffer.concat([...writeArpa(model)]).toString())
const scorer = new LanguageModelScorer(model)
const encoding = loadEncoding('gpt2')
const file = join(directory, 'x.lm')
writeFileSync(file, Buffer.concat([...encodeLanguageModel({ name: 'x', model, report })]))

function score(text: string) {
  const bytes = new TextEncoder().encode(text)
  scorer.score(bytes, 0, bytes.length)
  return { bits: scorer.bits, worst: scorer.worst, tokenBits: scorer.tokenBits }
}

/** The bits of each token by the ARPA file, with its bytes. */
function lookUp(text: string): { bits: number; bytes: number }[] {
  const bytes = new TextEncoder().encode(text)
  const ids = new Int32Array(bytes.length)
  const found = ids.subarray(0, encoding.encode(bytes, 0, bytes.length, ids, 0))
  const words = ['<s>', ...Array.from(found, String), '</s>']
  return words.slice(1).map((_, i) => ({
    bits: -logarithmOf(arpa, words.slice(Math.max(0, i - 1), i + 2)) / Math.log10(2),
    bytes: i < found.length ? encoding.decode([found[i]]).length : 0,
  }))
}

const near = (found: number, expected: number, what: string) =>
  assert.ok(Math.abs(found - expected) < 1e-6 * expected, `${found} for ${expected}: ${what}`)

test('bits are those of its ARPA file, read by the book', () => {
  const others = ['a', 'zzz', 'Wasser \u{1F600}', ' ', makeText(5000), 'never met at all', '\ud800']
  for (const text of [...texts.slice(0, 50), ...others]) {
    const all = lookUp(text)
    const sum = all.reduce((total, { bits }) => total + bits, 0)
    const { bits, tokenBits } = score(text)
    near(bits, sum / Buffer.byteLength(text), text)
    near(tokenBits, sum / all.length, text)
  }
})

const repeat = (text: string, bytes: number) => text.repeat(bytes / text.length)
const strange = 'zqxj'
const ending: [name: string, text: string, windows: number][] = [
  ['in the middle', repeat('abcde ', 1800) + repeat(strange, 1040) + repeat('abcde ', 3000), 6],
  ['at the end', repeat('abcde ', 1200) + repeat(strange, 900), 2],
  ['in an end that is short', repeat('abcde ', 2100) + repeat(strange, 80), 2],
  ['of a short text', 'abc', 1],
]
for (const [name, text, windows] of ending)
  test(`the worst window is the one that takes most bits a byte: ${name}`, () => {
    const sums = [{ bits: 0, bytes: 0 }]
    let left = text.length
    for (const { bits, bytes } of lookUp(text)) {
      const last = sums[sums.length - 1]
      last.bits += bits
      last.bytes += bytes
      left -= bytes
      if (last.bytes >= windowBytes && left > windowBytes / 2) sums.push({ bits: 0, bytes: 0 })
    }
    assert.equal(sums.length, windows)
    near(score(text).worst, Math.max(...sums.map(({ bits, bytes }) => bits / bytes)), name)
  })

test('an empty text has no bits, and a text does not depend on what came before', () => {
  assert.deepEqual(score(''), { bits: Number.NaN, worst: Number.NaN, tokenBits: Number.NaN })
  const forward = texts.map(score)
  assert.deepEqual(texts.toReversed().map(score).reverse(), forward)
})

test('a file gives back what was written', () => {
  using bytes = new FileBytes(file)
  assert.deepEqual(readLanguageModel(bytes, file), { name: 'x', model, report: JSON.parse(JSON.stringify(report)) })
})

const whole = readFileSync(file)
const flip = (at: number) => {
  const bytes = Buffer.from(whole)
  bytes[at] ^= 1
  return bytes
}
const second = whole.indexOf('\n') + 1
const damages: [name: string, bytes: Uint8Array, says: RegExp, seenAtOnce: boolean][] = [
  ['an empty file', Buffer.of(), /is no language model, not headrace-lm\/1; fit it again/, true],
  [
    'another format',
    Buffer.from(whole.toString('latin1').replace('-lm/1', '-lm/2'), 'latin1'),
    /of format headrace-lm\/2/,
    true,
  ],
  ['a file that is cut', whole.subarray(0, whole.length - 1), /it has \d+ bytes, not \d+/, true],
  ['one that is longer', Buffer.concat([whole, Buffer.of(0)]), /it has \d+ bytes, not \d+/, true],
  ['no header', Buffer.from('headrace-lm/1\n{}\n'), /does not say what it has/, true],
  ['a header without an end', Buffer.from('headrace-lm/1\n{"name":"x"'), /does not say what it has/, true],
  [
    'another encoding',
    Buffer.from(whole.toString('latin1').replace('"encodingSha256":"3', '"encodingSha256":"4'), 'latin1'),
    /another encoding/,
    true,
  ],
  ['a bit of the header', flip(second + 10), /does not say|SHA-256/, false],
  ['a bit of the arrays', flip(whole.length - 5000), /does not match its SHA-256/, false],
  ['a bit of the checksum', flip(whole.length - 1), /does not match its SHA-256/, false],
]
for (const [name, bytes, says, seenAtOnce] of damages)
  test(`refused: ${name}`, () => {
    const path = join(directory, 'damaged.lm')
    writeFileSync(path, bytes)
    using opened = new FileBytes(path)
    assert.throws(() => readLanguageModel(opened, path), { code: 'corrupt', message: says })
    if (seenAtOnce) assert.throws(() => readModelHeader(opened, path), { code: 'corrupt', message: says })
  })
