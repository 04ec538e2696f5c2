import { hash } from 'node:crypto'
import { type FeedBatch, type FeedState, readFeed } from '../../src/feed/read.ts'
import type { Random } from '../random.ts'
import { setTimeout as sleep } from './node/timers-promises.ts'
import type { World } from './world.ts'

/** What a trainer has kept on disks of its own: where to go on, and every sample that it was ever given. */
export interface Training {
  /** The feed's folder. */
  readonly feed: string
  checkpoint: FeedState | null
  /** The samples of a step by their place in it, each as a hash. */
  readonly steps: Map<number, string[]>
  isDone: boolean
  batches: number
  /** What it was given otherwise at a second time. */
  readonly differences: string[]
}

export const newTraining = (feed: string, checkpoint: FeedState | null = null): Training => ({
  feed,
  checkpoint,
  steps: new Map(),
  isDone: false,
  batches: 0,
  differences: [],
})

/**
 * Trains until the feed ends: takes some steps with a number of ranks, keeps a checkpoint, goes on with another number of ranks. Between
 * batches it may be slow.
 */
export async function train(world: World, random: Random, batch: number, training: Training): Promise<void> {
  const worlds = Array.from({ length: batch }, (_, i) => i + 1).filter(ranks => batch % ranks === 0)
  while (!training.isDone) {
    const ranks = random.pick(worlds)
    const count = random.between(1, 6)
    const states: (FeedState | null)[] = []
    const first = training.checkpoint?.step ?? 0
    let taken = 0
    for (let rank = 0; rank < ranks; rank++) {
      const from = training.checkpoint ?? 0
      const reader = readFeed(training.feed, { rank, world: ranks, from, follow: true, pollMs: 30, verify: 'files' })
      taken = 0
      for await (const given of reader) {
        if (given.step !== first + taken)
          training.differences.push(`step ${given.step} came where step ${first + taken} should`)
        keepSamples(training, given, rank, ranks)
        if (world.takeFault('kill-reader', ++training.batches)) {
          world.count('kill-reader')
          world.kill(world.processes.findLast(process => process.role === 'reader')!)
        }
        if (random.chance(0.2)) await lag(world, random)
        if (++taken === count) break
      }
      const state = reader.state()
      if (state && state.step !== first + taken)
        training.differences.push(`after ${taken} steps from step ${first} a reader stands at step ${state.step}`)
      states.push(state)
    }
    if (states.some(state => JSON.stringify(state) !== JSON.stringify(states[0])))
      training.differences.push(`ranks of one world stand at different steps: ${JSON.stringify(states)}`)
    training.checkpoint = states[0]
    training.isDone = taken < count
  }
}

/** The run goes on meanwhile, so that the reader finds many steps at once. */
async function lag(world: World, random: Random): Promise<void> {
  world.count('lag')
  await sleep(random.spread(1, 300))
}

function keepSamples(training: Training, batch: FeedBatch, rank: number, ranks: number): void {
  const known = training.steps.get(batch.step) ?? []
  training.steps.set(batch.step, known)
  for (const [i, sample] of samplesOf(batch).entries()) {
    const place = rank + i * ranks
    if (known[place] !== undefined && known[place] !== sample)
      training.differences.push(`step ${batch.step}, sample ${place} is not what it was when it was read before`)
    known[place] = sample
  }
}

/** Each sample as a hash of all that a trainer gets of it. */
export function samplesOf({ samples, length, inputIds, targets, positionIds, domains }: FeedBatch): string[] {
  return Array.from({ length: samples }, (_, i) => {
    const rows = [inputIds, targets, positionIds].map(values => values.subarray(i * length, (i + 1) * length).join())
    return hash('sha1', `${domains[i]} ${rows.join(' ')}`)
  })
}
