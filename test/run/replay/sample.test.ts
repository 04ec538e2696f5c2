import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, test } from 'node:test'
import * as h from '../../../src/index.ts'
import { planPipeline } from '../../../src/pipeline/plan.ts'
import { RunReader } from '../../../src/record/run-reader.ts'
import { planReplay } from '../../../src/run/replay/replay-plan.ts'
import { sampleReplay } from '../../../src/run/replay/sample.ts'
import { setLimits } from '../../simulate/small-limits.ts'
import { makeFolder } from '../../temporary.ts'
import { writeCorpus } from '../fixture.ts'
import { runWhole } from './whole-run.ts'

// What a replay is guessed to take, by some of its slots.
setLimits({ slotBytes: 12 * 1024 })

let glob: string
let base: string
before(async () => {
  glob = join((await writeCorpus({ seed: 5, files: 2, documentsPerFile: 12 })).dir, '*.jsonl')
  base = join(makeFolder('base'), 'run')
  await runWhole(base, planOf(h.c4()))
})

const planOf = (...annotators: readonly h.Annotator[]) =>
  planPipeline(
    h
      .pipeline('p')
      .from(h.jsonl(glob))
      .annotate(...annotators)
      .decide(h.rules()),
  )

const busyMs = 20
/** Takes a while for each slot, of which it counts how many it is asked for. */
function busy() {
  const asked: number[] = []
  const writes = [{ name: 'busy', kind: 'u8' }] as const
  const annotate: h.Annotator['annotate'] = ({ rows }) => {
    asked.push(rows)
    for (const end = process.cpuUsage().user + busyMs * 1000; process.cpuUsage().user < end; );
    return { busy: { kind: 'u8', values: new Uint8Array(rows) } }
  }
  const one = {
    name: 'busy',
    version: 1,
    exact: true,
    options: {},
    reads: [],
    writes,
    resources: [],
    rules: [],
    annotate,
  }
  return { one, asked }
}

test('three slots are tried, one in each third, and what they take is timed without the first go', async () => {
  await using reader = await RunReader.open(base)
  const { one, asked } = busy()
  const plan = planOf(h.c4(), one)
  const [segment] = planReplay(plan, reader.run, [])
  const { slots, logBytes, textBytes, seconds } = await sampleReplay(plan, reader, segment, { from: 0, to: 3 })
  const texts = await Promise.all([0, 1, 2].map(async slot => h.utf8(await reader.scored(slot), 'text').bytes.length))
  assert.equal(slots, 3)
  assert.equal(textBytes, texts.reduce((sum, bytes) => sum + bytes, 0) / 3)
  assert.ok(logBytes > 1000 && logBytes < textBytes * 2, `${logBytes}`)
  assert.equal(asked.length, 6)
  assert.ok(seconds! >= busyMs / 1000, `${seconds}`)
})

test('of a slot alone one is tried; nothing is measured where columns hold, nor where records are needed', async () => {
  await using reader = await RunReader.open(base)
  const cases = [
    { plan: planOf(h.c4()), seconds: 0 },
    { plan: planOf(h.normalize(), h.c4()), seconds: null },
  ]
  for (const { plan, seconds } of cases) {
    const [segment] = planReplay(plan, reader.run, [])
    const sample = await sampleReplay(plan, reader, segment, { from: 1, to: 2 })
    assert.deepEqual([sample.slots, sample.seconds], [1, seconds])
  }
})
