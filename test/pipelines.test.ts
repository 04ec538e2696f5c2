import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { readRubric } from '../src/annotate/judge/rubric.ts'
import { groupKey, writePercentiles } from '../src/annotate/ranks/percentile-file.ts'
import { percentilesOf } from '../src/annotate/ranks/percentiles.ts'
import { featureBuckets } from '../src/text/linear/features.ts'
import { countOutputs, type Head } from '../src/text/linear/model.ts'
import { encodeModel } from '../src/text/linear/model-file.ts'
import { makeFolder } from './temporary.ts'

// The recipes that need models: what they say without them, and what they plan with models that stand in for these.
const [bare, equipped] = ['bare', 'equipped'].map(name => makeFolder(`pipelines-${name}`))
const root = join(import.meta.dirname, '..')

before(() => {
  for (const name of ['models', 'ranks']) mkdirSync(join(equipped, name))
  const write = (name: string, bytes: Uint8Array | string) => writeFileSync(join(equipped, name), bytes)
  const safety = ['toxic', 'advertising', 'fluent', 'pornographic']
  for (const [name, heads] of Object.entries({ edu: ['edu'], 'edu-a': ['edu-a', 'edu-b'], safety })) {
    const all = heads.map(headOf)
    const weights = new Float32Array(countOutputs(all) * (featureBuckets + 1))
    write(`models/${name}.linear`, Buffer.concat([...encodeModel({ model: { heads: all, weights }, report: null })]))
  }
  const golden = readFileSync(join(root, 'test', 'golden', 'fasttext', 'softmax.bin')).toString('latin1')
  write('models/oh-eli5.bin', Buffer.from(golden.replace('__label__t1', '__label__hq'), 'latin1'))
  const groups = new Map([[groupKey([]), percentilesOf(Float64Array.of(0, 1), 300)]])
  for (const column of ['class:edu-a', 'class:edu-b', 'fasttext:dclm:hq'])
    write(`ranks/${column.replaceAll(':', '-')}.json`, writePercentiles({ column, by: [], groups }))
})

function headOf(name: string): Head {
  const isClass = name === 'pornographic'
  return isClass
    ? { name, kind: 'class', classes: ['no', 'yes'], scale: 1, shift: 0 }
    : { name, kind: 'value', classes: [], scale: 1, shift: 2 }
}

function plan(cwd: string, pipeline: string) {
  const args = [join(root, 'bin', 'headrace.js'), 'plan', join(root, 'pipelines', pipeline), '--columns']
  return spawnSync(process.execPath, args, { cwd, encoding: 'utf8' })
}

const recipes: [pipeline: string, missing: RegExp, planned: readonly string[]][] = [
  ['dclm.ts', /models\/oh-eli5\.bin cannot be read/, ['fasttext:dclm:hq', 'below-the-best-tenth']],
  ['fineweb-edu.ts', /models\/edu\.linear cannot be read/, ['class:edu', 'not-educational']],
  ['internlm2.ts', /models\/safety\.linear cannot be read/, ['class:fluent', 'pornographic', 'not-fluent']],
  ['nemotron-cc.ts', /models\/edu-a\.linear cannot be read/, ['worthLevel', 'of-the-lowest-level']],
]
for (const [pipeline, missing, planned] of recipes)
  test(`${pipeline} says which model it needs, and is planned with it`, () => {
    const without = plan(bare, pipeline)
    assert.deepEqual([without.status, without.stdout], [66, ''])
    assert.match(without.stderr, missing)
    const { status, stdout, stderr } = plan(equipped, pipeline)
    assert.equal(status, 0, stderr)
    for (const name of planned) assert.ok(stdout.includes(name), `${name} is not in\n${stdout}`)
  })

test('the rubric that docs/safety.md names has the four dimensions', () => {
  const { name, dimensions } = readRubric(join(root, 'docs', 'rubrics', 'safety.md'))
  assert.equal(name, 'safety')
  assert.deepEqual(
    dimensions.map(dimension => dimension.name),
    ['toxicity', 'pornography', 'advertising', 'fluency'],
  )
})
