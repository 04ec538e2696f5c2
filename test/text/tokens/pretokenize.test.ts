import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PieceScanner, scanCl100k, scanGpt2, scanO200k } from '../../../src/text/tokens/pretokenize.ts'
import {
  CASELESS,
  classPageOf,
  classPages,
  LOWER,
  MARK,
  NEWLINE,
  NUMBER,
  SPACE,
  UPPER,
} from '../../../src/text/unicode-classes.ts'
import { drawFrom } from '../../random.ts'

const scanners: readonly PieceScanner[] = [scanO200k, scanCl100k, scanGpt2]

function cutText(scan: PieceScanner, bytes: Uint8Array): string[] {
  const pieces: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const stop = scan(bytes, at, bytes.length)
    assert.ok(stop > at && stop <= bytes.length)
    pieces.push(Buffer.from(bytes.subarray(at, stop)).toString())
    at = stop
  }
  return pieces
}

test('pieces are those of the patterns', () => {
  // The pieces of o200k_base, cl100k_base and gpt2; between them `|`, which is in none of the texts.
  const table: readonly (readonly [string, string, string])[] = [
    ["it's| IT'S| it'\u017f| '|tis", "it|'s| IT|'S| it|'\u017f| '|tis", "it|'s| IT|'|S| it|'|\u017f| '|tis"],
    ["we'LL| o|'c", "we|'LL| o|'c", "we|'|LL| o|'|c"],
    ['HTTPServer| i|Phone| x\u0301|Y', 'HTTPServer| iPhone| x|\u0301Y', 'HTTPServer| iPhone| x|\u0301|Y'],
    ['\u0301|AB', '\u0301AB', '\u0301|AB'],
    ['\u0301ab', '\u0301ab', '\u0301|ab'],
    ["\u0301's", "\u0301'|s", "\u0301'|s"],
    ['!\u0301x', '!\u0301|x', '!\u0301|x'],
    ['A中|B', 'A中B', 'A中B'],
    ['123|45| |٣٤١|٢', '123|45| |٣٤١|٢', '12345| ٣٤١٢'],
    ['a|\n\n| | b', 'a|\n\n| | b', 'a|\n\n | b'],
    ['a|\n|  ', 'a|\n  ', 'a|\n  '],
    ['a|\u0085b|\u3000c', 'a|\u0085b|\u3000c', 'a|\u0085|b|\u3000|c'],
    ['a|\ufeffb', 'a|\ufeffb', 'a|\ufeff|b'],
    ['a|!\n/|b', 'a|!\n|/b', 'a|!|\n|/|b'],
    ['\tx| |\t|!', '\tx| |\t|!', '\t|x| |\t|!'],
  ]
  for (const row of table)
    row.forEach((expected, i) => {
      const text = expected.replaceAll('|', '')
      assert.deepEqual(cutText(scanners[i], Buffer.from(text)), expected.split('|'), JSON.stringify(text))
    })
})

test('the class table is that of Unicode 16.0', () => {
  const counts = new Map<string, number>()
  const masks = {
    upper: UPPER,
    lower: LOWER,
    caseless: CASELESS,
    mark: MARK,
    number: NUMBER,
    space: SPACE,
    newline: NEWLINE,
  }
  for (let point = 0; point < 0x110000; point++) {
    const value = classPages[(classPageOf[point >> 8] << 8) | (point & 0xff)]
    for (const [name, mask] of Object.entries(masks))
      if ((value & mask) !== 0) counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  assert.deepEqual(Object.fromEntries(counts), {
    newline: 2,
    space: 25,
    upper: 1858 + 31,
    lower: 2258,
    caseless: 404 + 136_477,
    mark: 2501,
    number: 1911,
  })
})

test('bytes that are not UTF-8 end like any other', () => {
  const seed = Date.now() % 1e9
  console.log(`seed ${seed}`)
  const draw = drawFrom(seed)
  const alphabet = [
    0x00, 0x20, 0x0a, 0x27, 0x73, 0x41, 0x30, 0x80, 0xbf, 0xc0, 0xc5, 0xcc, 0xe4, 0xed, 0xf0, 0xf5, 0xff,
  ]
  for (let round = 0; round < 3000; round++) {
    const bytes = Uint8Array.from({ length: 1 + draw(30) }, () => alphabet[draw(alphabet.length)])
    for (const scan of scanners) cutText(scan, bytes)
  }
})

test('a scanner never looks past the end that it is given', () => {
  for (const text of ["it's", "it'll", 'a中', 'a\u0301', ' x', 'a\n\n', '中', '🇩🇪', '123', '!\n'])
    for (const scan of scanners) {
      const bytes = Buffer.from(text)
      for (let end = 1; end <= bytes.length; end++) {
        const alone = scan(bytes.subarray(0, end), 0, end)
        assert.equal(scan(bytes, 0, end), alone, `${JSON.stringify(text)} to ${end}`)
      }
    }
})

test('time is linear on text made to be scanned again', () => {
  const size = 1024 * 1024
  for (const unit of ['A', '中A', '\u0301', '\u0301A', ' ', ' \n', '\n ', '! ', "'", "'s", '1', 'aB', '\u3000', '!\n'])
    for (const scan of scanners) {
      const bytes = Buffer.alloc(size, unit)
      const started = performance.now()
      for (let at = 0; at < size; ) at = scan(bytes, at, size)
      assert.ok(performance.now() - started < 5000, JSON.stringify(unit))
    }
})
