import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Annotator } from '../../../src/annotate/annotator.ts'
import { density } from '../../../src/annotate/quality/density.ts'
import type { Batch } from '../../../src/batch/batch.ts'
import { fingerprintSource } from '../../../src/pipeline/fingerprint.ts'
import { gate, pipeline } from '../../../src/pipeline/pipeline.ts'
import { type Plan, planPipeline } from '../../../src/pipeline/plan.ts'
import { recordReasons } from '../../../src/record/reasons.ts'
import { columnsOf, decodeScored, encodeScored } from '../../../src/record/scored.ts'
import { annotateSlot } from '../../../src/run/measure/annotate-slot.ts'
import { encodeStored, encodeWhole } from '../../../src/run/measure/encode-slot.ts'
import { annotateStored } from '../../../src/run/measure/stored-slot.ts'
import { jsonl } from '../../../src/sources/files/jsonl.ts'
import { plainAnnotator } from '../../annotate/plain.ts'

const source = jsonl('none')
const lines = Array.from({ length: 100 }, (_, i) => JSON.stringify({ id: `${i}`, text: `word ${'x '.repeat(i)}` }))
const chunk = { split: 'a', line: 1, bytes: Buffer.from(lines.join('\n')), dead: [], next: { offset: 0, line: 101 } }

const size = (version: number): Annotator =>
  plainAnnotator({
    name: 'size',
    version,
    writes: [{ name: 'size', kind: 'f64' }],
    annotate: ({ rows }: Batch) => ({ size: { kind: 'f64', values: new Float64Array(rows).fill(version) } }),
  })
const plans: Readonly<Record<string, (version: number) => Plan>> = {
  'without a gate': version => planPipeline(pipeline('p').from(source).annotate(density(), size(version))),
  'with a gate': version => planPipeline(pipeline('p').from(source).annotate(density(), gate(), size(version))),
}

for (const [name, planOf] of Object.entries(plans))
  test(`where one annotator changed, ${name}, what holds is read back and what comes out is what a run gives`, async () => {
    const [was, is] = [planOf(1), planOf(2)]
    const value = encodeScored((await annotateSlot(was, [chunk])).scored, columnsOf(was))
    const before = { origin: fingerprintSource(was.source), steps: recordReasons(was).steps }
    const slot = { value, dead: null, before, base: 'self' as const }
    const { scored, stored } = await annotateStored(is, slot, [], null, () => {})
    const fresh = await annotateSlot(is, [chunk])
    assert.deepEqual(decodeScored(encodeWhole(is, scored).scored), decodeScored(encodeWhole(is, fresh.scored).scored))
    if (name !== 'without a gate') return
    // Neither copied nor unpacked: what refers to the other run has the one column that changed.
    const held = Object.keys(scored.columns).filter(column => scored.columns[column] === stored.columns[column])
    assert.deepEqual(
      Object.keys(scored.columns).filter(column => !held.includes(column)),
      // The stage's own are made anew.
      ['size', 'gate', 'gateEvidence', 'gateText'],
    )
    const own = encodeStored(is, scored, slot, stored)
    assert.ok(own.isJoined && own.scored.length < value.length)
  })
