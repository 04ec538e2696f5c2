import assert from 'node:assert/strict'
import { emptyFigures, type Figures } from '../../src/record/figures.ts'
import { emptyDecideTotals, emptyShardTotals } from '../../src/record/totals.ts'
import type { Committed, RunEvent } from '../../src/run/events.ts'
import { examine } from './examine.ts'

// What a run tells, event by event, and the figures that are shown after each.
type Module = typeof import('../../src/run/progress.ts')
const { check, mutate } = examine<Module>('progress.ts')

const began = (stage: Committed['stage'], slot: number, note: object): RunEvent => ({
  ...{ kind: 'stage-began', stage, slot, note: JSON.stringify(note) },
})
const committed = (stage: Committed['stage'], slot: number, note: object): RunEvent => ({
  ...{ kind: 'committed', stage, slot, note: JSON.stringify(note), seconds: 0, appends: [] },
})
const decide = (documents: number) => ({ ...emptyDecideTotals(), documents })
const shard = (tokens: number) => ({ ...emptyShardTotals(), tokens })
const shares: RunEvent = { kind: 'shares', shares: [], change: null }
const positions = (figures: Partial<Figures>): RunEvent => ({
  ...{ kind: 'positions', slots: {}, figures: { ...emptyFigures(), ...figures } },
})

type Step = readonly [event: RunEvent, shown: Partial<Figures>]

function follow({ Progress }: Module, steps: readonly Step[]): void {
  const progress = new Progress()
  for (const [event, shown] of steps) {
    progress.see(event)
    const figures = progress.figures()
    const some = Object.fromEntries(Object.keys(shown).map(name => [name, figures[name as keyof Figures]]))
    assert.deepEqual(some, shown, JSON.stringify(event))
  }
}

check('a run of one process, gone on with', module => {
  follow(module, [
    [{ kind: 'opened', log: 'embedded', stages: ['annotate', 'decide', 'shard'] }, { ...emptyFigures() }],
    [began('annotate', 5, { readBytes: 1000 }), { annotated: 5, readBytes: 1000, readBytesBefore: 1000 }],
    [began('decide', 4, { totals: decide(40) }), { decided: 4, decide: decide(40) }],
    [began('shard', 2, { totals: shard(9) }), { sharded: 2, shard: shard(9) }],
    [
      { kind: 'loaded', slot: 5, bytes: 100 },
      { annotated: 5, readBytes: 1100, readBytesBefore: 1000 },
    ],
    [committed('annotate', 6, { readBytes: 1100 }), { annotated: 6, readBytes: 1100 }],
    [committed('decide', 6, { totals: decide(60) }), { decided: 6, decide: decide(60) }],
    // Rows in open shards are counted, as a drained run shows them.
    [
      { kind: 'sharded', slot: 5, totals: shard(50) },
      { sharded: 5, shard: shard(50) },
    ],
    [committed('shard', 5, { totals: shard(50) }), { sharded: 5, shard: shard(50) }],
    [{ kind: 'steps', steps: 7 }, { steps: 7 }],
    [{ kind: 'input', bytes: 5000 }, { inputBytes: 5000 }],
    [{ kind: 'passed-over', split: 'a', what: 'a column' }, { passedOver: 1 }],
    [
      { kind: 'later-splits', splits: 2 },
      { laterSplits: 2, decided: 6, readBytes: 1100 },
    ],
  ])
})

check('a run that several processes share', module => {
  follow(module, [
    [shares, {}],
    [positions({ annotated: 3, decided: 2, readBytes: 500, steps: 1 }), { annotated: 3, readBytes: 500, steps: 1 }],
    [{ kind: 'input', bytes: 5000 }, { inputBytes: 5000 }],
    // What this process annotated is a partition's, and what it loaded is not committed yet.
    [committed('annotate', 9, {}), { annotated: 3 }],
    [began('load', 4, { readBytes: 600 }), { annotated: 3, readBytes: 600, readBytesBefore: 600 }],
    [{ kind: 'loaded', slot: 4, bytes: 50 }, { readBytes: 650 }],
    [positions({ annotated: 4, readBytes: 600 }), { annotated: 4, readBytes: 650, readBytesBefore: 600 }],
    // What another process has done counts as well.
    [committed('decide', 3, { totals: decide(30) }), { decided: 3, decide: decide(30) }],
    [positions({ decided: 4, decide: decide(40) }), { decided: 4, decide: decide(40), inputBytes: 5000 }],
    [positions({ readBytes: 900 }), { readBytes: 900, readBytesBefore: 600 }],
  ])
})

check('a damaged note is an error of the stage that finds it, and leaves the figures as they were', ({ Progress }) => {
  const progress = new Progress()
  assert.throws(() => progress.see({ kind: 'stage-began', stage: 'decide', slot: 4, note: '{' }), { code: 'corrupt' })
  assert.deepEqual(progress.figures(), emptyFigures())
})

mutate(
  /one process/,
  'what was read before counts as its own work',
  'this.#loadedBytes = readBytes',
  'this.#loadedBytes = 0',
)
mutate(/one process/, 'the note that was found stands for all', 'this.#decideNote = note', '')
mutate(/share/, 'a partition stands for the run', "stage === 'annotate' && !this.#isSpread", "stage === 'annotate'")
mutate(/share/, 'what this process did hides the others', '    this.#decideNote = null\n  }', '  }')
mutate(
  /share/,
  'what only this process knows is forgotten',
  '...all, inputBytes, readBytesBefore, laterSplits, passedOver',
  '...all',
)
mutate(/share/, 'what is loaded is not shown', 'Math.max(readBytes, this.#loadedBytes)', 'readBytes')
