import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AnnotatorSubject, annotatorSuite, testAnnotator } from '../../conformance/annotator.ts'
import { documents, oddTexts } from '../../conformance/texts.ts'
import type { Annotator } from '../../src/annotate/annotator.ts'
import { stringAt, utf8, utf8From } from '../../src/batch/batch.ts'
import { plainAnnotator } from '../annotate/plain.ts'
import { type Mutant, testMutants } from './mutants.ts'

const plain = plainAnnotator({
  writes: [{ name: 'length', kind: 'u32' }],
  rules: [{ reason: 'too-short', column: 'length', below: 1 }],
  annotate: batch => {
    const text = utf8(batch, 'text')
    return lengths(Uint32Array.from({ length: batch.rows }, (_, row) => text.offsets[row + 1] - text.offsets[row]))
  },
})
const lengths = (values: Uint32Array) => ({ length: { kind: 'u32' as const, values } })
const lengthsOf = (batch: Parameters<Annotator['annotate']>[0]) =>
  (plain.annotate(batch) as ReturnType<typeof lengths>).length.values

testAnnotator('a plain annotator', () => ({ annotator: plain }))

const rule = { reason: 'too-short', column: 'length' }
const shared = new Uint32Array(100)
let made = 0
const mutants: readonly (readonly [RegExp, string, Partial<Annotator> | (() => Partial<Annotator>)])[] = [
  [/writes what it declares/, 'it forgets a column', { annotate: () => ({}) }],
  [
    /writes what it declares/,
    'it writes another column too',
    { annotate: batch => ({ ...lengths(lengthsOf(batch)), text: utf8(batch, 'text') }) },
  ],
  [
    /reads no column but/,
    'it looks at the id, which it does not declare',
    { annotate: batch => lengths(lengthsOf(batch).map((_, row) => stringAt(utf8(batch, 'id'), row).length)) },
  ],
  [
    /columns again/,
    'it remembers earlier calls',
    () => {
      let calls = 0
      return { annotate: batch => lengths(new Uint32Array(batch.rows).fill(calls++)) }
    },
  ],
  [
    /columns again/,
    'each one made measures differently',
    () => {
      const number = made++
      return { annotate: batch => lengths(lengthsOf(batch).map(length => length + number)) }
    },
  ],
  [/columns again/, 'each one made has other options', () => ({ options: { seed: made++ } })],
  [
    /alone, in a batch/,
    'it measures a row by its place',
    { annotate: batch => lengths(lengthsOf(batch).map((_, row) => row)) },
  ],
  [
    /alone, in a batch/,
    'it compares a row with the longest of the batch',
    { annotate: batch => lengths(lengthsOf(batch).map((length, _, all) => Math.max(...all) - length)) },
  ],
  [
    /wherever its bytes lie/,
    'it takes a text to begin where its row would',
    { annotate: batch => lengths(lengthsOf(batch).map((_, row) => utf8(batch, 'text').offsets[row + 1])) },
  ],
  [
    /very long row/,
    'it gives up on a long text',
    {
      annotate: batch => {
        const all = lengthsOf(batch)
        if (Math.max(...all) > 100_000) throw new RangeError('too long')
        return lengths(all)
      },
    },
  ],
  [
    /leaves what it reads/,
    'it writes into what it reads',
    {
      annotate: batch => {
        utf8(batch, 'text').bytes.fill(65)
        return plain.annotate(batch)
      },
    },
  ],
  [
    /returned stays as it was/,
    'it returns one array again and again',
    {
      annotate: batch => {
        const values = shared.subarray(0, batch.rows)
        values.set(lengthsOf(batch))
        return lengths(values)
      },
    },
  ],
  [
    /without rows/,
    'it takes for granted that there is a row',
    { annotate: batch => lengths(Uint32Array.from({ length: Math.max(1, batch.rows) })) },
  ],
  [
    /well-formed/,
    'it cuts a character in two',
    {
      writes: [{ name: 'text', kind: 'utf8' }],
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
  ],
  [/rules are bounds/, 'a rule is on another column', { rules: [{ ...rule, column: 'width', below: 1 }] }],
  [/rules are bounds/, 'a rule lists strings for a number', { rules: [{ ...rule, oneOf: ['1'] }] }],
  [/rules are bounds/, 'a bound is NaN, which drops nothing', { rules: [{ ...rule, below: Number.NaN }] }],
  [
    /rules are bounds/,
    'two rules have one reason',
    {
      rules: [
        { ...rule, below: 1 },
        { ...rule, above: 9 },
      ],
    },
  ],
  [/depends on/, 'an option is a function', { options: { score: () => 1 } }],
  [/depends on/, 'a resource has no hash', { resources: [{ name: 'list.txt', sha256: '' }] }],
]

testMutants(
  annotatorSuite,
  mutants.map(([pattern, mistake, change]): Mutant<AnnotatorSubject> => {
    const open = () => ({ annotator: { ...plain, ...(typeof change === 'function' ? change() : change) } })
    return [pattern, mistake, open]
  }),
)

test('odd texts survive a batch as they are', () => {
  const batch = documents(oddTexts)
  assert.deepEqual(
    oddTexts.map((_, row) => stringAt(utf8(batch, 'text'), row)),
    oddTexts.map(text => text.toWellFormed()),
  )
})
