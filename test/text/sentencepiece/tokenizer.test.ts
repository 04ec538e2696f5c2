import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readSentencePieceModel } from '../../../src/text/sentencepiece/model-file.ts'
import { SentencePieceTokenizer } from '../../../src/text/sentencepiece/tokenizer.ts'
import { randomFrom } from '../../random.ts'

interface Answer {
  readonly text: string
  readonly answers: Readonly<Record<string, { readonly ids: readonly number[]; readonly pieces: string }>>
}
const golden = join(import.meta.dirname, '../../golden/sentencepiece')
const answers: Answer[] = readFileSync(join(golden, 'answers.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map(line => JSON.parse(line))
const files = new Map(Object.keys(answers[0].answers).map(name => [name, readFileSync(join(golden, name))]))
const makeOf = (bytes: Uint8Array) => new SentencePieceTokenizer(readSentencePieceModel(bytes, 'x.model'), 'x.model')

function cut(tokenizer: SentencePieceTokenizer, text: string) {
  // Somewhere in a longer one, as texts lie in batches.
  const bytes = Buffer.from(`水${text}水`)
  tokenizer.cut(bytes, 3, bytes.length - 3, true)
  return {
    ids: tokenizer.ids,
    pieces: Buffer.from(tokenizer.bytes.subarray(0, Math.max(0, tokenizer.length - 1))).toString(),
  }
}

for (const [name, file] of files)
  test(`${name}: ids and pieces are those of SentencePiece`, () => {
    const tokenizer = makeOf(file)
    for (const { text, answers: all } of answers)
      assert.deepEqual(cut(tokenizer, text), all[name], JSON.stringify(text))
  })

test('a text that no place parts for certain is cut within bounds', () => {
  for (const [name, file] of files) {
    const tokenizer = makeOf(file)
    // Both characters begin and end pieces of each model, so that every place may be within one.
    const text = Buffer.from('the'.repeat(400_000))
    tokenizer.cut(text, 0, text.length, true)
    const once = tokenizer.bytes.subarray(0, tokenizer.length).filter(byte => byte !== 0x20)
    assert.ok(Buffer.from(once).includes(text), name)
  }
})

const unigram = files.get('unigram.model')!
/** A field of bytes, and of a number. */
const bytesField = (number: number, bytes: Uint8Array) =>
  Buffer.concat([Buffer.of(8 * number + 2, bytes.length), bytes])
const piece = (text: string, kind: number) =>
  bytesField(1, Buffer.concat([bytesField(1, Buffer.from(text)), Buffer.of(0x18, kind)]))
const damages: [name: string, file: Uint8Array, says: RegExp][] = [
  ['nothing', Buffer.alloc(0), /0 of its pieces stand for what is unknown/],
  ['another file', Buffer.from('the mill wheel\n'), /no model of SentencePiece/],
  ['a file that is cut', unigram.subarray(0, -9), /no model of SentencePiece/],
  ['a type without pieces to search', Buffer.concat([unigram, bytesField(2, Buffer.of(0x18, 3))]), /its type is word/],
  ['a second unknown piece', Buffer.concat([unigram, piece('<x>', 2)]), /2 of its pieces/],
  ['a kind of pieces that is not known', Buffer.concat([unigram, piece('\u001b[31m', 7)]), /has no kind or score/],
  ['an empty piece', Buffer.concat([unigram, piece('', 1)]), /a piece of 0 bytes/],
  [
    'bytes without pieces',
    Buffer.concat([unigram, bytesField(2, Buffer.of(0x98, 0x02, 1))]),
    /pieces for 0 bytes of 256/,
  ],
  [
    'rules that are cut',
    Buffer.concat([unigram, bytesField(3, bytesField(2, Buffer.of(200, 0, 0, 0, 1)))]),
    /rules of 200 bytes/,
  ],
]
for (const [name, file, says] of damages)
  test(`refused: ${name}`, () => {
    assert.throws(
      () => makeOf(file),
      error => {
        const { code, message } = error as { code: string; message: string }
        return code === 'corrupt' && says.test(message) && message.startsWith('x.model ') && !message.includes('\u001b')
      },
    )
  })

test('a damaged file is refused, or cuts every text to some pieces', () => {
  const seed = Date.now() % 1_000_000
  const random = randomFrom(seed)
  for (let i = 0; i < 300; i++) {
    const file = Uint8Array.from(unigram)
    for (let n = 0; n < 3; n++) file[Math.floor(random() * file.length)] = Math.floor(random() * 256)
    try {
      const tokenizer = makeOf(file)
      for (const { text } of answers.slice(0, 40)) cut(tokenizer, text)
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'corrupt', `seed ${seed}: ${error}`)
    }
  }
})
