import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { join } from 'node:path'
import { before } from 'node:test'
import { encodeBatch } from '../../../src/batch/arrow/ipc.ts'
import type { Utf8Column } from '../../../src/batch/batch.ts'
import { takeRows } from '../../../src/batch/rows.ts'
import * as h from '../../../src/index.ts'
import { limits } from '../../../src/limits.ts'
import type { Commit, Log, Owner, SpreadLog } from '../../../src/log/log.ts'
import { MemoryLog } from '../../../src/log/memory/memory-log.ts'
import { type Plan, planPipeline } from '../../../src/pipeline/plan.ts'
import { decodeEntry } from '../../../src/record/entry.ts'
import { JoinedLog } from '../../../src/record/joined-log.ts'
import { deadPartitionsOf, type RunShape, topics } from '../../../src/record/layout.ts'
import { openBase, openLogToRead } from '../../../src/record/open-log.ts'
import { readRunFile } from '../../../src/record/run-file.ts'
import { decodeScored } from '../../../src/record/scored.ts'
import { readBySlot } from '../../../src/record/slots.ts'
import { segmentOf } from '../../../src/run/admit.ts'
import { decideAll } from '../../../src/run/decide/decide-stage.ts'
import { openState } from '../../../src/run/decide/decide-state.ts'
import type { ReplayOptions } from '../../../src/run/options.ts'
import { placeReplay } from '../../../src/run/replay/begin.ts'
import { openReplay } from '../../../src/run/replay/open-replay.ts'
import type { Replay } from '../../../src/run/replay/replay-stage.ts'
import { openTokens } from '../../../src/run/replay/reuse-tokens.ts'
import { shardAll } from '../../../src/run/shard/shard-stage.ts'
import { openSink } from '../../../src/run/shard/sink.ts'
import { annotatePartition } from '../../../src/run/spread/annotate-stage.ts'
import { decodeRaw } from '../../../src/run/spread/raw.ts'
import { setLimits } from '../../simulate/small-limits.ts'
import { sweep, sweepOf } from '../../sweep.ts'
import { makeFolder } from '../../temporary.ts'
import { contextOf } from '../context.ts'
import { examine } from '../examine.ts'
import { asOwner, hashOutput, writeCorpus } from '../fixture.ts'
import { poolHere, runWhole } from '../replay/whole-run.ts'

// A replay whose parts are done by owners of their own, on a log in memory: what a run of one process gives, whoever died or was replaced.
type Module = typeof import('../../../src/run/spread/load-share.ts')
const { check, mutate } = examine<Module>('spread/load-share.ts')
setLimits({ slotBytes: 6 * 1024, shardTokensMax: 4000, shardSlotsMax: 4 })

const partitions = 3
const shape: RunShape = { partitions, lanes: 2, spread: true }
let glob: string
let base: string
before(async () => {
  const corpus = await writeCorpus({ seed: 9, files: 2, documentsPerFile: 7 })
  glob = join(corpus.dir, '*.jsonl')
  base = join(makeFolder('base'), 'run')
  await runWhole(base, planOf({}), { partitions: 2 })
})

interface Parts {
  readonly source?: Parameters<typeof h.jsonl>[1]
  readonly annotate?: Parameters<ReturnType<typeof h.pipeline>['annotate']>
  readonly similarity?: number
  readonly rules?: ReturnType<typeof h.rules>
  readonly tokenizer?: Parameters<ReturnType<typeof h.pipeline>['tokenize']>[0]
}
const first = (wordsMin = 200) =>
  [h.normalize(), h.gopherQuality(), h.gate({ gopherWords: { below: wordsMin } })] as const
const last = () => [h.c4(), h.maskPii(), h.signature()] as const

function planOf({
  source,
  annotate = [...first(), ...last()],
  similarity = 0.8,
  rules,
  tokenizer = 'gpt2',
}: Parts): Plan {
  return planPipeline(
    h
      .pipeline('p')
      .from(h.jsonl(glob, source ?? {}))
      .annotate(...annotate)
      .decide(rules ?? h.rules(), h.exactDuplicates(), h.nearDuplicates({ similarity }))
      .tokenize(tokenizer)
      .feed({ length: 64, batch: 2 }),
  )
}

const lengths: h.Annotator = {
  name: 'lengths',
  version: 1,
  exact: true,
  options: {},
  reads: ['text'],
  resources: [],
  writes: [{ name: 'lengths', kind: 'f64' }],
  rules: [{ reason: 'too-long', column: 'lengths', above: 3500 }],
  annotate: ({ rows, columns: { text } }) => {
    const { offsets } = text as Utf8Column
    const values = Float64Array.from({ length: rows }, (_, row) => offsets[row + 1] - offsets[row])
    return { lengths: { kind: 'f64', values } }
  },
}

const kinds: Readonly<Record<string, Parts>> = {
  // The first is tried everywhere: a mistake below must not pass it.
  'an annotator added': { annotate: [...first(), ...last(), lengths] },
  'a threshold': { rules: h.rules({ c4Sentences: { below: 4 } }) },
  'a text edit first in line': { annotate: [h.c4({ citations: false }), ...first(), h.maskPii(), h.signature()] },
  'a gate loosened': { annotate: [...first(120), ...last()] },
  'the tokenizer': { tokenizer: 'cl100k_base' },
  "a decider's similarity": { similarity: 0.5 },
  'a tighter threshold': { rules: h.rules({ gopherMeanWordLength: { above: 4.7 } }) },
  'a rule added': { rules: h.rules({ gopherWords: { above: 500, reason: 'far-too-long' } }) },
  'an option of an annotator': {
    annotate: [h.normalize(), h.gopherQuality({ stopWords: ['the', 'of'] }), first()[2], ...last()],
  },
  'a gate moved': { annotate: [h.normalize(), h.gopherQuality(), h.c4(), first()[2], ...last().slice(1)] },
  'how the source makes documents': { source: { domain: 'id' } },
}

/** A replay that may be gone on with: what its processes share. */
async function begin(plan: Plan, of = base, isCopy = false) {
  const dir = join(makeFolder('replay'), 'run')
  const asked: ReplayOptions = { of, partitions, isCopy }
  const place = await placeReplay(dir, null, { log: null, logConfig: null, ...shape }, asked)
  assert.deepEqual([place.partitions, place.spread], [partitions, true])
  return { dir, plan, asked, place, log: new MemoryLog({ spread: { annotate: partitions } }) }
}
type Begun = Awaited<ReturnType<typeof begin>>

/** A process that does all shares, one after the other. `own` is the log as it writes to it. */
async function goOn({ loadRaw }: Module, { dir, plan, asked, place, log }: Begun, own: SpreadLog = log): Promise<void> {
  await using opened = await openReplay(dir, place, plan, asked)
  const pool = poolHere(plan)
  await using reusing = await openTokens(pool, plan, opened.replay, new AbortController().signal)
  const context = contextOf({ dir, plan, log: own, pool, shape, segments: [segmentOf(plan)] })
  await asOwner(context, 'load', owner => loadRaw(context, owner, opened.replay))
  const ended = AbortSignal.abort()
  const never = new AbortController().signal
  await Promise.all([2, 0, 1].map(partition => annotatePartition(context, partition, never, () => 2)))
  await using view = await viewOf({ dir, place, log }, own)
  const ordered = { ...context, log: view, pool: reusing.work }
  await using state = await openState(ordered, join(dir, 'state'))
  await asOwner(ordered, 'decide', owner => decideAll(ordered, owner, state, ended, () => {}))
  await using sink = await openSink(ordered, { pipeline: plan.name, ledger: 2 })
  await asOwner(ordered, 'shard', owner => shardAll(ordered, owner, ended, sink))
}

const viewOf = async ({ dir, place, log }: Pick<Begun, 'dir' | 'place' | 'log'>, own: Log = log): Promise<Log> =>
  place.base ? new JoinedLog(own, await openBase(dir, place.base)) : own

/** Each slot's rows, drops and dead rows, as readers get them, and the files. */
async function outcomeOf(dir: string, log: Log, cut: RunShape) {
  const sums: string[] = []
  for (const [topic, count] of [
    [topics.scored, cut.partitions],
    [topics.drops, 1],
    [topics.dead, deadPartitionsOf(cut)],
  ] as const)
    for await (const { headers, value } of readBySlot(log, topic, count)) {
      if (headers.end) continue
      const batch = topic === topics.scored ? decodeScored(value) : decodeEntry(value)
      const rows = encodeBatch(takeRows(batch, [...Array(batch.rows).keys()]))
      sums.push(`${topic} ${headers.slot} ${batch.rows} ${hash('sha256', rows)}`)
    }
  return { sums, files: await hashOutput(dir) }
}

const full = new Map<string, Promise<Awaited<ReturnType<typeof outcomeOf>>>>()
/** What a run of one process gives. */
function outcomeOfFull(kind: string) {
  const known = full.get(kind) ?? runFull(kinds[kind])
  full.set(kind, known)
  return known
}

async function runFull(parts: Parts) {
  const dir = join(makeFolder('full'), 'run')
  await runWhole(dir, planOf(parts))
  const run = (await readRunFile(dir))!
  await using log = await openLogToRead(dir, run)
  return await outcomeOf(dir, log, run)
}

async function outcomeOfReplay(begun: Begun) {
  await using view = await viewOf(begun)
  return await outcomeOf(begun.dir, view, shape)
}

for (const [what, parts] of sweepOf(Object.entries(kinds)))
  check(`${what} changed: a spread replay gives what a run gives`, async module => {
    const begun = await begin(planOf(parts))
    await goOn(module, begun)
    assert.deepEqual(await outcomeOfReplay(begun), await outcomeOfFull(what))
  })

check('of a run that stores no texts: what a run gives', async module => {
  const textless = join(makeFolder('textless'), 'run')
  await runWhole(textless, { ...planOf({}), storedText: 'none' })
  const begun = await begin(planOf(kinds["a decider's similarity"]), textless)
  await goOn(module, begun)
  assert.deepEqual(await outcomeOfReplay(begun), await outcomeOfFull("a decider's similarity"))
})

check('of a replay, and as a copy: what a run gives', async module => {
  const between = join(makeFolder('between'), 'run')
  await runWhole(between, planOf(kinds['an annotator added']), { replay: { of: base } })
  const expected = await outcomeOfFull('a text edit first in line')
  for (const isCopy of [false, true]) {
    const begun = await begin(planOf(kinds['a text edit first in line']), between, isCopy)
    await goOn(module, begun)
    assert.deepEqual(await outcomeOfReplay(begun), expected)
  }
})

/** The log as a process sees it that, at a commit of a stage, does something first or afterwards. */
function viewAt(log: MemoryLog, at: (stage: string, commit: () => Promise<void>) => Promise<void>): SpreadLog {
  const watched = (stage: string, owner: Owner): Owner => ({
    commit: (commit: Commit) => at(stage, () => owner.commit(commit)),
    [Symbol.asyncDispose]: () => owner[Symbol.asyncDispose](),
  })
  return {
    read: (from, signal) => log.read(from, signal),
    bounds: (topic, partition) => log.bounds(topic, partition),
    position: (stage, partition) => log.position(stage, partition),
    own: async stage => watched(stage, await log.own(stage)),
    ownPartition: async (stage, partition) =>
      watched(`${stage}/${partition}`, await log.ownPartition(stage, partition)),
    join: (stages, handler) => log.join(stages, handler),
    [Symbol.asyncDispose]: async () => {},
  }
}

check('killed at every commit, another goes on to the same bytes', async module => {
  const expected = await outcomeOfFull('a gate loosened')
  for (const isAfter of [false, true])
    for (const fatal of sweep(0, 7)) {
      const begun = await begin(planOf(kinds['a gate loosened']))
      let commits = 0
      const dying = viewAt(begun.log, async (_, commit) => {
        const isFatal = commits++ === fatal
        if (!isFatal || isAfter) await commit()
        if (isFatal) throw new Error('killed')
      })
      await assert.rejects(goOn(module, begun, dying), /killed/)
      await goOn(module, begun)
      assert.deepEqual(await outcomeOfReplay(begun), expected, `commit ${fatal}${isAfter ? ', after it lasted' : ''}`)
    }
})

check('whoever was replaced and wakes is fenced, and changes nothing', async module => {
  const expected = await outcomeOfFull('an annotator added')
  for (const [stage, number] of [
    ['load', 0],
    ['load', 1],
    ['annotate/1', 0],
    ['annotate/1', 1],
    ['decide', 0],
  ] as const) {
    const begun = await begin(planOf(kinds['an annotator added']))
    let commits = 0
    const sleeping = viewAt(begun.log, async (who, commit) => {
      if (who === stage && commits++ === number) await goOn(module, begun)
      await commit()
    })
    await assert.rejects(goOn(module, begun, sleeping), { code: 'fenced' }, `${stage}, commit ${number}`)
    assert.deepEqual(await outcomeOfReplay(begun), expected, `${stage}, commit ${number}`)
  }
})

async function loaded({ loadRaw }: Module, parts: Parts) {
  const { dir, plan, asked, place, log } = await begin(planOf(parts))
  await using opened = await openReplay(dir, place, plan, asked)
  const context = contextOf({ dir, plan, log, pool: poolHere(plan), shape, segments: [segmentOf(plan)] })
  const replay: Replay = opened.replay
  await asOwner(context, 'load', owner => loadRaw(context, owner, replay))
  const entries = await Array.fromAsync(readBySlot(log, topics.raw, partitions))
  return entries.filter(({ headers }) => !headers.end)
}

check('a slot of which all holds is loaded as a reference', async module => {
  const entries = await loaded(module, kinds['a threshold'])
  assert.ok(entries.length > 3)
  for (const { value, headers } of entries) {
    assert.equal(headers.fingerprint, planOf(kinds['a threshold']).annotateFingerprint)
    const work = decodeRaw(value)
    assert.ok('measured' in work && work.measured.scored.length === 0 && work.base !== undefined)
  }
})

check('what is too much for an entry is measured where it is loaded', async module => {
  const edited = kinds['a text edit first in line']
  const whole = await loaded(module, edited)
  assert.ok(whole.every(({ value }) => 'chunks' in decodeRaw(value)))
  const { documentBytesMax } = limits
  setLimits({ documentBytesMax: 7 * 1024 })
  try {
    const entries = await loaded(module, edited)
    assert.ok(entries.some(({ value }) => 'measured' in decodeRaw(value)))
    const begun = await begin(planOf(edited))
    await goOn(module, begun)
    assert.deepEqual(await outcomeOfReplay(begun), await outcomeOfFull('a text edit first in line'))
  } finally {
    setLimits({ documentBytesMax })
  }
})

mutate(/too much for an entry/, 'nothing is too much', 'bytes <= limits.documentBytesMax', 'bytes > 0')
mutate(/loaded as a reference/, 'whose pipeline it is is not said', '{ fingerprint: plan.annotateFingerprint, ', '{ ')
mutate(
  /annotator added changed/,
  'the records alone are passed on',
  'toRaw(slot, await fit(context, slot, work))',
  'toRaw(slot, { ...work, stored: null } as never)',
)
