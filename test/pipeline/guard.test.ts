import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Field } from '../../src/batch/batch.ts'
import { type GuardOptions, planGuards } from '../../src/pipeline/guard.ts'
import { pipeline } from '../../src/pipeline/pipeline.ts'
import { planPipeline } from '../../src/pipeline/plan.ts'
import { jsonl } from '../../src/sources/files/jsonl.ts'

const language: Field = { name: 'language', kind: 'utf8' }
const plan = (guards: unknown[], fields: readonly Field[] = [language]) =>
  planGuards('p', guards as GuardOptions[], fields, ['too-short', 'near-duplicate'])

const refused: [options: object, message: RegExp][] = [
  [{ by: 'colour', above: 0.5 }, /by colour counts by what it does not know: by is all, domain, language or reason/],
  [{ above: 0.5 }, /by undefined counts by what it does not know/],
  [{ by: 'all' }, /by all has no bound; give above, below or both/],
  [{ by: 'all', above: 1.2 }, /has above 1\.2; a share is a number from 0 to 1/],
  [{ by: 'all', above: 50 }, /has above 50/],
  [{ by: 'all', below: -0.1 }, /has below -0\.1/],
  [{ by: 'all', above: Number.NaN }, /has above NaN/],
  [{ by: 'all', above: '0.5' }, /has above 0\.5; a share is a number from 0 to 1/],
  [{ by: 'all', below: 0.6, above: 0.5 }, /has below 0\.6 and above 0\.5: no share is inside/],
  [{ by: 'all', above: 0.5, only: ['x'] }, /has only, and counts all rows/],
  [{ by: 'domain', above: 0.5, only: [] }, /has only \[\]; it is a list of names/],
  [{ by: 'domain', above: 0.5, only: 'web' }, /has only "web"; it is a list/],
  [
    { by: 'reason', above: 0.5, only: ['to-short'] },
    /names 'to-short'.*the reasons are too-short, near-duplicate, dead/,
  ],
  [{ by: 'reason', below: 0.01 }, /has below 0\.01 without only/],
  [{ by: 'all', above: 0.5, windowSlots: 0 }, /has windowSlots 0; it must be a whole number/],
  [{ by: 'all', above: 0.5, windowSlots: 2 ** 21 }, /has windowSlots 2097152; .* at most 1048576/],
  [{ by: 'all', above: 0.5, rowsMin: 1.5 }, /has rowsMin 1\.5/],
  [{ by: 'all', above: 0.5, window: 8 }, /has 'window', which it does not know; it knows only, above/],
]
for (const [options, message] of refused)
  test(`refused: ${JSON.stringify(options)}`, () => {
    assert.throws(() => plan([options]), { code: 'bad-pipeline', message })
    assert.throws(() => plan([options]), /pipeline 'p': the guard by /)
  })

test('a guard by language needs a column of languages, and one that counts the same stands once', () => {
  assert.throws(() => plan([{ by: 'language', above: 0.5 }], []), {
    code: 'bad-pipeline',
    message: /reads column 'language', which no annotator writes; add language\(\)/,
  })
  const twice = [
    { by: 'all', above: 0.5 },
    { by: 'all', below: 0.1, rowsMin: 5 },
  ]
  assert.throws(() => plan(twice), /the guard by all over 64 slots stands twice: give one guard both bounds/)
})

test('what is left out has defaults, bounds without a value never pass, and 0 and 1 are bounds', () => {
  assert.deepEqual(plan([{ by: 'reason', only: ['dead'], above: 0 }]), [
    {
      ...{ name: 'by reason ["dead"] over 64 slots', by: 'reason', only: ['dead'], above: 0 },
      ...{ below: Number.NEGATIVE_INFINITY, windowSlots: 64, rowsMin: 1000 },
    },
  ])
  assert.equal(plan([{ by: 'language', below: 1, windowSlots: 1, rowsMin: 1 }])[0].above, Number.POSITIVE_INFINITY)
})

test('the builder adds guards, which change no fingerprint', () => {
  const plain = pipeline('p').from(jsonl('none'))
  const guarded = plain.guard({ by: 'all', above: 0.5 }).guard({ by: 'domain', above: 0.9 })
  const [without, withGuards] = [planPipeline(plain), planPipeline(guarded)]
  assert.deepEqual([without.guards.length, withGuards.guards.length], [0, 2])
  for (const part of ['annotateFingerprint', 'decideFingerprint', 'shardFingerprint'] as const)
    assert.equal(without[part], withGuards[part])
})
