import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cleanText, composeText, inspectText, needsCleaning, needsComposing } from '../../src/text/normalize.ts'
import { drawFrom } from '../random.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

function normalizeText(text: string): string {
  const bytes = encoder.encode(text)
  const out = new Uint8Array(bytes.length)
  return decoder.decode(composeText(out.subarray(0, cleanText(bytes, 0, bytes.length, out, 0))))
}

/** The same by regular expressions. */
function expected(text: string): string {
  return text
    .replace(/\r\n|[\r\v\f\u0085\u2028\u2029]/g, '\n')
    .replace(/(?![\t\n])[\p{Cc}\u200b\u2060\ufeff]/gu, '')
    .replace(/[ \t\u00a0\u3000]+(?=\n|$)/g, '')
    .replace(/\n{4,}/g, '\n\n\n')
    .replace(/^\n+|\n+$/g, '')
    .normalize('NFC')
}

test('texts and their normal forms', () => {
  const table: [string, string][] = [
    ['', ''],
    ['plain', 'plain'],
    ['a\r\nb\rc', 'a\nb\nc'],
    ['a \nb\t\nc\u00a0\nd\u3000', 'a\nb\nc\nd'],
    ['a\n\n\nb', 'a\n\n\nb'],
    ['a\n\n\n\n\nb', 'a\n\n\nb'],
    ['\n \n  indented\n\n', '  indented'],
    ['page\fbreak\u0085next\u2028line', 'page\nbreak\nnext\nline'],
    ['\ufeffb\u200bo\u2060m\0\x07\x9f', 'bom'],
    ['می\u200cخواهم 👨\u200d👩', 'می\u200cخواهم 👨\u200d👩'],
    ['e\u0301 \u212b', 'é Å'],
    ['が か\u3099', 'が が'],
    [' \t\r\n\u200b', ''],
  ]
  for (const [text, normal] of table) assert.equal(normalizeText(text), normal, JSON.stringify(text))
})

test('random texts agree with regular expressions, need nothing afterwards, and are found to need something exactly when they do', () => {
  const pieces = ['a', 'é', '中', '。', ' ', '\t', '\n', '\n\n', '\r', '\r\n', '\f', '\0', '\x7f', '\u0085', '\u009f']
  pieces.push(
    '\u00a0',
    '\u3000',
    '\u200b',
    '\u200d',
    '\u2028',
    '\u2060',
    '\ufeff',
    'e\u0301',
    '\u0301',
    '\u1100\u1161',
    '\u2000',
  )
  pieces.push('\u0387', '\u3099', 'か', '😀', '\u{1d15e}', '\u{2f800}', '”', 'ก\u0e33')
  const seed = 20_240_917
  const next = drawFrom(seed)
  for (let i = 0; i < 20_000; i++) {
    const text = Array.from({ length: next(12) }, () => pieces[next(pieces.length)]).join('')
    const normal = normalizeText(text)
    assert.equal(normal, expected(text), `seed ${seed}, round ${i}: ${JSON.stringify(text)}`)
    assert.equal(normalizeText(normal), normal, `seed ${seed}, round ${i}: ${JSON.stringify(text)} twice`)
    const bytes = encoder.encode(text)
    const needs = inspectText(bytes, 0, bytes.length)
    if (normal !== text) assert.notEqual(needs, 0, `seed ${seed}, round ${i}: ${JSON.stringify(text)} needs work`)
    if (needs & needsCleaning)
      assert.notEqual(expected(text), text, `seed ${seed}, round ${i}: ${JSON.stringify(text)} is clean`)
  }
})

test('every character that composition may change is found, whatever Unicode version runs', () => {
  const missed: string[] = []
  for (let point = 0x80; point < 0x110000; point++) {
    if (point >= 0xd800 && point < 0xe000) continue
    const character = String.fromCodePoint(point)
    const jamo = (point >= 0x1161 && point <= 0x1175) || (point >= 0x11a8 && point <= 0x11c2)
    if (!jamo && character.normalize('NFC') === character && !/\p{M}/u.test(character)) continue
    const bytes = encoder.encode(character)
    if ((inspectText(bytes, 0, bytes.length) & needsComposing) === 0) missed.push(point.toString(16))
  }
  assert.deepEqual(missed, [])
})

test('common text takes the short way', () => {
  for (const text of [
    'Plain “quotes” – and dashes…',
    '中文，标点。',
    'ひらがなカタカナ',
    'Ελληνικά',
    'Кириллица',
    '한국어',
    '😀',
  ]) {
    const bytes = encoder.encode(text)
    assert.equal(inspectText(bytes, 0, bytes.length), 0, text)
  }
})

test('hostile texts take linear time and bytes that are no UTF-8 do no harm', () => {
  const started = process.cpuUsage().user
  for (const unit of ['\n', ' ', ' \n', '\r', '\u3000', '\u200b', '\u0301', 'x \u200b']) {
    const bytes = encoder.encode(unit.repeat(1_000_000))
    const out = new Uint8Array(bytes.length)
    inspectText(bytes, 0, bytes.length)
    cleanText(bytes, 0, bytes.length, out, 0)
  }
  assert.ok(process.cpuUsage().user - started < 3e6)
  for (const bytes of [[0xe2], [0xe2, 0x80], [0xc2], [0xf0, 0x9f], [0x80, 0xff, 0x41], [0x41, 0xef, 0xbb]]) {
    const out = new Uint8Array(bytes.length)
    const to = cleanText(Uint8Array.from(bytes), 0, bytes.length, out, 0)
    assert.ok(to <= bytes.length)
    composeText(out.subarray(0, to))
  }
})
