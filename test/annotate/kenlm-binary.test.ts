import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { kenlm } from '../../src/annotate/kenlm.ts'
import { numbers, utf8From } from '../../src/batch/batch.ts'
import { randomFrom } from '../random.ts'
import { makeFolder } from '../temporary.ts'

const golden = join(import.meta.dirname, '../golden')
const directory = makeFolder('kenlm-binary')
const at = (name: string) => join(directory, name)
const read = (name: string) => readFileSync(join(golden, 'kenlm', name))
const batchOf = (texts: readonly string[]) => ({ rows: texts.length, columns: { text: utf8From(texts) } })

const trie = read('five.trie.bin')
const probing = read('five.probing.bin')
const quantized = read('five.quantized.bin')
const array = read('five.array.bin')
const [order, multiplier, type, hasWords, searchVersion, counts] = [88, 92, 96, 100, 104, 108]
/** Behind the head, the hashes of 16 words and how many these are. */
const search = 152 + 8 + 8 * 16

function edit(file: Buffer, change: (file: Buffer) => unknown): Buffer {
  const copy = Buffer.from(file)
  change(copy)
  return copy
}
const withText = (text: string) => edit(trie, file => file.write(text, 0, 'latin1'))
const damages: [name: string, file: Buffer, says: RegExp][] = [
  ['a file that was not finished', withText('mmap lm http://kheafield.com/code incomplete\n'), /was not finished/],
  [
    'another version',
    withText('mmap lm http://kheafield.com/code format version 4\n'),
    /of version 4, where 5 is read/,
  ],
  [
    'a version that steers',
    withText('mmap lm http://kheafield.com/code format version \u001b\n'),
    /of version .* 5 is read/,
  ],
  [
    'another kind of file of the same name',
    withText('mmap lm something else'),
    /no binary file of KenLM as it is known/,
  ],
  ['the head alone', trie.subarray(0, 90), /ends within its head/],
  ['a head that is cut', trie.subarray(0, 120), /ends within its head|counts/],
  ['numbers of another machine', edit(trie, file => file.swap32()).fill(trie.subarray(0, 52), 0, 52), /big-endian/],
  ['n-grams of 1 word', edit(trie, file => file.writeUInt8(1, order)), /up to 1 words, where 2 to 6/],
  ['n-grams of 7 words', edit(trie, file => file.writeUInt8(7, order)), /up to 7 words, where 2 to 6/],
  ['a type that is not known', edit(trie, file => file.writeUInt32LE(6, type)), /type that is not known, 6/],
  ['another version of tries', edit(trie, file => file.writeUInt32LE(2, searchVersion)), /version 2 of a trie/],
  [
    'tables smaller than what is in them',
    edit(probing, file => file.writeFloatLE(0.5, multiplier)),
    /tables of 0.5 times/,
  ],
  ['tables without a size', edit(probing, file => file.writeFloatLE(Number.NaN, multiplier)), /tables of NaN times/],
  ['tables of any size', edit(probing, file => file.writeFloatLE(1e30, multiplier)), /bytes of the \d+ that it counts/],
  ['more n-grams than bits', edit(trie, file => file.writeBigUInt64LE(2n ** 60n, counts)), /counts 11529215046\d+,/],
  ['no words', edit(trie, file => file.writeBigUInt64LE(0n, counts)), /counts 0, 95,/],
  [
    'more n-grams than room',
    edit(trie, file => file.writeBigUInt64LE(5000n, counts + 8)),
    /bytes of the \d+ that it counts/,
  ],
  ['a file that is cut in its words', trie.subarray(0, -3), /ends with 15 words of 16/],
  [
    'a file that is cut where its words begin',
    trie.subarray(0, trie.lastIndexOf('<unk>\0')),
    /no words where they should/,
  ],
  ['a file that is cut in its n-grams', trie.subarray(0, 4000), /has 4000 bytes of the \d+ that it counts/],
  [
    'another type than it is',
    edit(trie, file => file.writeUInt32LE(4, type)),
    /counts|no words where they should be|version/,
  ],
  [
    'another version of quantized values',
    edit(quantized, file => file.writeUInt8(1, search)),
    /version 1 of quantized values/,
  ],
  ['values of no bits', edit(quantized, file => file.writeUInt8(0, search + 1)), /values of 0 and 4 bits/],
  ['values of many bits', edit(quantized, file => file.writeUInt8(200, search + 2)), /values of 5 and 200 bits/],
  ['another version of arrays', edit(array, file => file.writeUInt8(3, search + 16 * 18)), /version 3 of arrays/],
]
for (const [name, file, says] of damages)
  test(`refused before any work: ${name}`, () => {
    writeFileSync(at('damaged.bin'), file)
    assert.throws(
      () => kenlm({ model: at('damaged.bin'), name: 'x' }),
      error => {
        const { code, message } = error as { code: string; message: string }
        assert.match(message, says)
        return code === 'corrupt' && /build_binary/.test(message) && !message.includes('\u001b')
      },
    )
  })

test('a file without its words is read as any', () => {
  const cut = edit(trie, file => file.writeUInt8(0, hasWords)).subarray(0, trie.lastIndexOf('<unk>\0'))
  writeFileSync(at('wordless.bin'), cut)
  const batch = batchOf(['the mill wheel'])
  const [whole, bare] = [join(golden, 'kenlm', 'five.trie.bin'), at('wordless.bin')].map(model =>
    kenlm({ model, name: 'x' }).annotate(batch),
  )
  assert.deepEqual(bare, whole)
})

test('a damaged file is refused, or gives every text some number', () => {
  const seed = Date.now() % 1_000_000
  const random = randomFrom(seed)
  const files = [trie, probing, quantized, array, read('five.quantized-array.bin'), read('four.rest.bin')]
  const batch = batchOf(['the mill wheel of stone', 'Wasser 水 unknown\n\nthe the the', ''])
  let measured = 0
  for (let i = 0; i < 300; i++) {
    const file = Buffer.from(files[i % files.length])
    const from = i % 3 === 0 ? 0 : counts
    for (let n = 0; n < 4; n++) file[from + Math.floor(random() * (file.length - from))] = Math.floor(random() * 256)
    writeFileSync(at('random.bin'), file)
    try {
      kenlm({ model: at('random.bin'), name: 'x' }).annotate(batch)
      measured++
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'corrupt', `seed ${seed}, ${i}: ${error}`)
    }
  }
  assert.ok(measured > 100, `seed ${seed}: ${measured}`)
})

test('threads hold one copy of a model, which the first that needs it reads', async () => {
  const model = at('shared.bin')
  writeFileSync(model, trie)
  const batch = batchOf(['the mill wheel'])
  const expected = kenlm({ model: join(golden, 'kenlm', 'five.trie.bin'), name: 'x' }).annotate(batch)
  // The hash of no other test's model, as memory is shared by what is in it.
  const own = edit(trie, file => file.write('x', file.length - 2))
  writeFileSync(model, own)
  const annotator = kenlm({ model, name: 'x' })
  const worker = new Worker(new URL('kenlm-thread.ts', import.meta.url), {
    workerData: { model, texts: ['the mill wheel'] },
  })
  const inThread = await new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  await worker.terminate()
  assert.deepEqual(inThread, (await expected)['kenlm:x'])
  // What the thread has read is there: who reads the file now would find that it is another.
  writeFileSync(model, probing)
  assert.deepEqual(annotator.annotate(batch), expected)
})

test('a model that is another file when it is first needed is refused', () => {
  const own = edit(trie, file => file.write('y', file.length - 2))
  for (const other of [probing, own.subarray(1), Buffer.concat([own, Buffer.of(0)])]) {
    writeFileSync(at('moved.bin'), own)
    const annotator = kenlm({ model: at('moved.bin'), name: 'x' })
    writeFileSync(at('moved.bin'), other)
    assert.throws(() => annotator.annotate(batchOf(['the'])), { code: 'source-changed' })
  }
})

interface Measured {
  readonly text: string
  readonly ccnet: number | null
  readonly 'ccnet-lines': number
  readonly lines: number
}
const documents: Measured[] = readFileSync(join(golden, 'sentencepiece', 'documents.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map(line => JSON.parse(line))

for (const [how, options] of [
  ['ccnet', { normalize: 'ccnet' }],
  ['ccnet-lines', { normalize: 'ccnet-lines' }],
  ['lines', {}],
] as const)
  test(`perplexity by pieces of SentencePiece is CCNet's rule: ${how}`, async () => {
    const [model, sentencePiece] = ['pieces.bin', 'unigram.model'].map(name => join(golden, 'sentencepiece', name))
    const annotator = kenlm({ model, sentencePiece, name: 'x', ...options })
    const batch = batchOf(documents.map(({ text }) => text))
    const columns = await annotator.annotate(batch)
    const found = numbers({ rows: batch.rows, columns }, 'kenlm:x')
    for (const [row, document] of documents.entries()) {
      const expected = document[how]
      if (expected === null) assert.ok(Number.isNaN(found[row]), document.text)
      else assert.ok(Math.abs(found[row] / expected - 1) < 1e-12, `${found[row]} for ${expected}: ${document.text}`)
    }
  })

test('what its columns depend on: the pieces, and how texts are folded', () => {
  const [model, sentencePiece] = [join(golden, 'kenlm', 'two.arpa'), join(golden, 'sentencepiece', 'bpe.model')]
  const plain = kenlm({ model, name: 'x' })
  const folded = kenlm({ model, name: 'x', sentencePiece, normalize: 'ccnet' })
  assert.deepEqual([plain.options, folded.options], [{ name: 'x' }, { name: 'x', normalize: 'ccnet' }])
  assert.deepEqual(
    folded.resources.map(({ name }) => name),
    ['kenlm:x', 'sentencepiece:x'],
  )
  assert.throws(() => kenlm({ model, name: 'x', sentencePiece: at('gone') }), {
    code: 'not-found',
    message: /spm_train/,
  })
  assert.throws(() => kenlm({ model, name: 'x', sentencePiece: model }), { code: 'corrupt', message: /spm_train/ })
})
