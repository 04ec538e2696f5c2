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

/** What spells something, with the character before it that is kept and the one after it. */
const spelling = [
  /^[\p{Script=Arabic}\p{Script=Devanagari}][\u200c\u200d]/u,
  /^\P{Default_Ignorable_Code_Point}?[\u200c\u200d][\p{Script=Arabic}\p{Script=Devanagari}]$/u,
  /^(?:\p{Extended_Pictographic}|\ufe0f)\u200d\p{Extended_Pictographic}$/u,
  /^(?![0-9])[\p{Emoji}][\ufe0e\ufe0f]/u,
  /^[0-9#*]\ufe0f\u20e3$/u,
  /^\p{Script=Han}[\ufe00\u{e0100}]/u,
]

function dropIdle(text: string): string {
  const points = [...text]
  let kept = ''
  for (const [i, point] of points.entries()) {
    const around = [...kept].slice(-1).join('') + point + (points[i + 1] ?? '')
    const isIdle = /^\p{Default_Ignorable_Code_Point}$/u.test(point) && !spelling.some(pattern => pattern.test(around))
    if (!isIdle && !/^(?![\t\n])\p{Cc}$/u.test(point)) kept += point
  }
  return kept
}

/** The same by regular expressions. */
function expected(text: string): string {
  return dropIdle(text.replace(/\r\n|[\r\v\f\u0085\u2028\u2029]/g, '\n'))
    .replace(/[ \t\u00a0\u3000]+(?=\n|$)/g, '')
    .replace(/\n{4,}/g, '\n\n\n')
    .replace(/^\n+|\n+$/g, '')
    .normalize('NFC')
}

/** Tag characters, as flags of parts of countries have. */
const tags = (letters: string) => letters.replace(/./g, letter => String.fromCodePoint(0xe0000 + letter.charCodeAt(0)))

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
    // What shows nothing goes.
    ['mi\u00adll\u200cer\u200d \u200e\u202esa\u2066ck\u061c\u034f', 'miller sack'],
    ['\u3164a\uffa0\u115f\u1160b\u17b4\u180ec\ufff0d\u{e0001}\u{e0041}e\u{1d173}f', 'abcdef'],
    ['a\ufe0f b\u{e0100} 1\ufe0f \ufe0f', 'a b 1'],
    ['日\u200d本', '日本'],
    ['می\u200c\u200c\u200dخواهم', 'می\u200cخواهم'],
    // What spells something stays.
    ['क्\u200dष \u200dه ه\u200d', 'क्\u200dष \u200dه ه\u200d'],
    ['ශ්\u200dරී ক্\u200cষ ᠠ\u180b', 'ශ්\u200dරී ক্\u200cষ ᠠ\u180b'],
    ['❤\ufe0f\u200d🔥 ☺\ufe0e 1\ufe0f\u20e3', '❤\ufe0f\u200d🔥 ☺\ufe0e 1\ufe0f\u20e3'],
    ['❤\ufe0f\ufe0f\ufe0f\u200d\u200dx', '❤\ufe0fx'],
    ['葛\u{e0100}城 ∩\ufe00 က\ufe00', '葛\u{e0100}城 ∩\ufe00 က\ufe00'],
    ['\u115fᅡ ᄀ\u1160', '\u115fᅡ ᄀ\u1160'],
    ['לִ\u034fֽ', 'לִ\u034fֽ'],
    [`🏴${tags('gbsct')}\u{e007f}`, `🏴${tags('gbsct')}\u{e007f}`],
    [`🏴${tags('gbsct')} 🏴${tags('secretword')}\u{e007f} x${tags('gbsct')}\u{e007f}`, '🏴 🏴 x'],
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
  pieces.push(
    '\u00ad',
    '\u200c',
    'ب',
    'क',
    '❤',
    '👩',
    '\ufe0f',
    '1',
    '\u20e3',
    '\u{e0100}',
    '\ufe00',
    '\u3164',
    '\u202e',
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
  for (const unit of [
    '\n',
    ' ',
    ' \n',
    '\r',
    '\u3000',
    '\u200b',
    '\u0301',
    'x \u200b',
    '\u200d',
    'ب\u200c',
    '\u{e0061}',
  ]) {
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
