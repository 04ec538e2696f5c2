import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Annotator } from '../../src/annotate/annotator.ts'
import { c4 } from '../../src/annotate/c4.ts'
import { density } from '../../src/annotate/density.ts'
import { finewebQuality } from '../../src/annotate/fineweb.ts'
import { gopherQuality } from '../../src/annotate/gopher-quality.ts'
import { gopherRepetition } from '../../src/annotate/gopher-repetition.ts'
import { language } from '../../src/annotate/language.ts'
import { normalize } from '../../src/annotate/normalize.ts'
import { onlyFor } from '../../src/annotate/only-for.ts'
import { maskPii } from '../../src/annotate/pii.ts'
import { signature } from '../../src/annotate/signature.ts'
import { tokenize } from '../../src/annotate/tokenize.ts'
import { stringAt, utf8, utf8From } from '../../src/batch/batch.ts'
import { annotatorRules, documents, oddTexts, testAnnotator } from '../conformance/annotator.ts'

for (const annotator of [
  normalize(),
  language(),
  gopherQuality(),
  gopherRepetition(),
  c4(),
  finewebQuality(),
  maskPii(),
  signature(),
  density(),
  tokenize('gpt2'),
])
  testAnnotator(annotator)
testAnnotator(onlyFor('domain', ['web'], gopherQuality()))

const plain: Annotator = {
  ...{ name: 'plain', version: 1, exact: true, options: {}, reads: ['text'], resources: [] },
  writes: [{ name: 'length', kind: 'u32' }],
  rules: [{ reason: 'too-short', column: 'length', below: 1 }],
  annotate: batch => {
    const text = utf8(batch, 'text')
    return {
      length: {
        kind: 'u32',
        values: Uint32Array.from({ length: batch.rows }, (_, row) => text.offsets[row + 1] - text.offsets[row]),
      },
    }
  },
}
let calls = 0
const mutants: Record<string, Partial<Annotator>> = {
  'forgets a column': { annotate: () => ({}) },
  'measures a row by its place': {
    annotate: batch => ({ length: { kind: 'u32', values: Uint32Array.from({ length: batch.rows }, (_, row) => row) } }),
  },
  'remembers earlier calls': {
    annotate: batch => ({ length: { kind: 'u32', values: new Uint32Array(batch.rows).fill(calls++) } }),
  },
  'writes into what it reads': {
    annotate: batch => {
      utf8(batch, 'text').bytes.fill(65)
      return plain.annotate(batch)
    },
  },
  'cuts a character in two': {
    writes: [{ name: 'text', kind: 'utf8' }],
    rules: [],
    annotate: batch => {
      const { bytes } = utf8From(['é'])
      return {
        text: {
          kind: 'utf8',
          offsets: Int32Array.from({ length: batch.rows + 1 }, (_, row) => row),
          bytes: new Uint8Array(batch.rows).fill(bytes[0]),
        },
      }
    },
  },
  'has a rule on another column': { rules: [{ reason: 'odd', column: 'width', below: 1 }] },
}

test('the suite passes an annotator that is right', async () => {
  for (const check of Object.values(annotatorRules)) await check(plain, documents(oddTexts))
})
for (const [mistake, change] of Object.entries(mutants))
  test(`the suite catches an annotator that ${mistake}`, async () => {
    const checks = Object.values(annotatorRules).map(async check => check({ ...plain, ...change }, documents(oddTexts)))
    assert.ok((await Promise.allSettled(checks)).some(result => result.status === 'rejected'))
  })

test('odd texts survive a batch as they are', () => {
  const batch = documents(oddTexts)
  assert.deepEqual(
    oddTexts.map((_, row) => stringAt(utf8(batch, 'text'), row)),
    oddTexts.map(text => text.toWellFormed()),
  )
})
