import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { classifier } from '../../src/annotate/classifier.ts'
import { numbers, stringAt, utf8, utf8From } from '../../src/batch/batch.ts'
import { checkFields } from '../../src/batch/contract.ts'
import { HeadraceError } from '../../src/errors.ts'
import { FeatureReader, featureBuckets } from '../../src/text/linear/features.ts'
import type { Head } from '../../src/text/linear/model.ts'
import { encodeModel } from '../../src/text/linear/model-file.ts'
import { makeFolder } from '../temporary.ts'

const directory = makeFolder('classifier')
const model = join(directory, 'two.linear')
const heads: Head[] = [
  { name: 'maths', kind: 'score', classes: [], scale: 2, shift: -1 },
  { name: 'topic', kind: 'class', classes: ['a', 'b', 'c'], scale: 1, shift: 0 },
]

before(() => {
  const weights = new Float32Array(4 * (featureBuckets + 1))
  const reader = new FeatureReader()
  for (const [word, row] of Object.entries({ prime: [3, 0, 1, 0], sofa: [-3, 0, 0, 2] })) {
    const bytes = new TextEncoder().encode(word)
    reader.read(bytes, 0, bytes.length)
    weights.set(row, 4 * reader.buckets[0])
  }
  weights.set([0.5, 0.25, 0, 0], 4 * featureBuckets)
  writeFileSync(model, Buffer.concat([...encodeModel({ model: { heads, weights }, report: null })]))
})

test('a head is a column of calibrated logits, one of classes a name and how sure that is', async () => {
  const annotator = classifier({ model })
  const texts = ['prime', 'sofa', 'other', '...']
  const columns = await annotator.annotate({ rows: 4, columns: { text: utf8From(texts) } })
  const batch = { rows: 4, columns }
  checkFields(batch, annotator.writes, annotator.name)
  assert.deepEqual([...numbers(batch, 'class:maths')], [6, -6, 0, Number.NaN])
  const topics = utf8(batch, 'class:topic')
  assert.deepEqual(
    texts.map((_, row) => stringAt(topics, row)),
    ['b', 'c', 'a', ''],
  )
  assert.deepEqual([...numbers(batch, 'class:topic:margin')], [0.75, 1.75, 0.25, Number.NaN])
  assert.deepEqual(annotator.rules, [])
  assert.match(annotator.resources[0].sha256, /^[0-9a-f]{64}$/)
})

test('a model that is not there, or none, is refused with what to do', () => {
  const refused = (code: string, path: string) =>
    assert.throws(
      () => classifier({ model: path }),
      error => error instanceof HeadraceError && error.code === code && /headrace classifier fit/.test(error.message),
    )
  refused('not-found', join(directory, 'gone.linear'))
  writeFileSync(join(directory, 'none.linear'), '{"format":"headrace-seed/3"}\n')
  refused('corrupt', join(directory, 'none.linear'))
})
