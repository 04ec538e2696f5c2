import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Field } from '../../src/batch/batch.ts'
import { type GuardOptions, planGuards } from '../../src/pipeline/guard.ts'
import { pipeline } from '../../src/pipeline/pipeline.ts'
import { planPipeline } from '../../src/pipeline/plan.ts'
import { jsonl } from '../../src/sources/files/jsonl.ts'

const language: Field = { name: 'language', kind: 'utf8' }
const plan = (guards: unknown[], fields: readonly Field[] = [language]) => {
  const built = (guards as GuardOptions[]).reduce((before, guard) => before.guard(guard), pipeline('p'))
  return planGuards('p', built.guards, fields, ['too-short', 'near-duplicate'])
}

const share = 'give a number from 0 to 1'
const refused: [options: object, code: string, message: string][] = [
  [{ by: 'colour', above: 0.5 }, 'bad-option', `'by' "colour": give one of all, domain, language, reason`],
  [{ by: 'reasons', above: 0.5 }, 'bad-option', "did you mean 'reason'?"],
  [{ above: 0.5 }, 'bad-option', "needs 'by': give one of all, domain, language, reason"],
  [{ by: 'all', above: 1.2 }, 'bad-option', `'above' 1.2: ${share}`],
  [{ by: 'all', above: 50 }, 'bad-option', "'above' 50"],
  [{ by: 'all', below: -0.1 }, 'bad-option', "'below' -0.1"],
  [{ by: 'all', above: Number.NaN }, 'bad-option', "'above' NaN"],
  [{ by: 'all', above: '0.5' }, 'bad-option', `'above' "0.5": ${share}`],
  [{ by: 'domain', above: 0.5, only: [] }, 'bad-option', "'only' []: give a list of at least 1, each a string"],
  [{ by: 'domain', above: 0.5, only: 'web' }, 'bad-option', `'only' "web": give a list`],
  [{ by: 'all', above: 0.5, windowSlots: 0 }, 'bad-option', "'windowSlots' 0: give a whole number from 1 to 1048576"],
  [{ by: 'all', above: 0.5, windowSlots: 2 ** 21 }, 'bad-option', "'windowSlots' 2097152"],
  [{ by: 'all', above: 0.5, rowsMin: 1.5 }, 'bad-option', "'rowsMin' 1.5"],
  [{ by: 'all', above: 0.5, window: 8 }, 'bad-option', "has no option 'window'"],
  [{ by: 'all', aboev: 0.5 }, 'bad-option', "did you mean 'above'?"],
  [{ by: 'all' }, 'bad-pipeline', 'by all has no bound; give above, below or both'],
  [{ by: 'all', below: 0.6, above: 0.5 }, 'bad-pipeline', 'has below 0.6 and above 0.5: no share is inside'],
  [{ by: 'all', above: 0.5, only: ['x'] }, 'bad-pipeline', 'has only, and counts all rows'],
  [
    { by: 'reason', above: 0.5, only: ['to-short'] },
    'bad-pipeline',
    "nothing is removed, 'to-short'; did you mean 'too-short'? there are too-short, near-duplicate, dead",
  ],
  [{ by: 'reason', below: 0.01 }, 'bad-pipeline', 'has below 0.01 without only'],
]
for (const [options, code, message] of refused)
  test(`refused: ${JSON.stringify(options)}`, () => {
    assert.throws(
      () => plan([options]),
      (error: Error & { code: string }) =>
        error.code === code && error.message.startsWith("pipeline 'p': ") && error.message.includes(message),
    )
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
