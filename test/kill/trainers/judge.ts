import { createHash } from 'node:crypto'
import { readFeed } from '../../../src/feed/read.ts'
import type { Taken } from './trainer.ts'

/** What a trainer's lives took, held against the feed that stands in the end. */
export interface Verdict {
  readonly steps: number
  /** Steps taken again behind a checkpoint. */
  readonly repeated: number
  /** Parts of batches, by rank, that were compared with the reader in TypeScript. */
  readonly compared: number
}

/**
 * Throws where a rank took other tokens or another digest than the feed has, skipped a step, or began elsewhere than at a checkpoint that
 * all before it had reached; and where a step was taken by none, or by some ranks alone.
 */
export async function judge(feed: string, lives: readonly (readonly Taken[])[]): Promise<Verdict> {
  const parts = new Map<number, Map<string, string>>()
  for (const world of new Set(lives.flatMap(([first]) => first?.world ?? [])))
    parts.set(world, await readParts(feed, world))
  const ranksOf = new Map<number, Set<string>>()
  let [reached, taken] = [0, 0]
  for (const life of lives) {
    if (life.length === 0) continue
    if (life[0].step > reached && life[0].rank === 0)
      throw new Error(`step ${reached} was skipped by ${placeOf(life[0])}`)
    for (const [i, one] of life.entries()) {
      if (one.step !== life[0].step + i) throw new Error(`${placeOf(one)} follows step ${one.step - 1}`)
      const expected = parts.get(one.world)!.get(`${one.step} ${one.rank}`)
      if (expected !== `${one.digest} ${one.tokens}`) throw new Error(`${placeOf(one)} is another than the feed's`)
      ranksOf.set(one.step, (ranksOf.get(one.step) ?? new Set()).add(`${one.rank} of ${one.world}`))
      taken += 1 / one.world
    }
    reached = Math.max(reached, life.at(-1)!.step + 1)
  }
  const steps = [...parts.values()][0].size / [...parts.keys()][0]
  for (let step = 0; step < steps; step++) {
    const ranks = [...(ranksOf.get(step) ?? [])].map(rank => rank.split(' of '))
    const isWhole = [...parts.keys()].some(world => ranks.filter(([, w]) => Number(w) === world).length === world)
    if (!isWhole) throw new Error(`step ${step} of ${steps} was not taken by all ranks of any life`)
  }
  return { steps, repeated: Math.round(taken - steps), compared: lives.reduce((sum, life) => sum + life.length, 0) }
}

const placeOf = ({ step, rank, world }: Taken) => `step ${step} of rank ${rank} of ${world}`

/** By step and rank the digest and the SHA-256 of the tokens, as the reader in TypeScript gives them. */
async function readParts(feed: string, world: number): Promise<Map<string, string>> {
  const parts = new Map<string, string>()
  for (let rank = 0; rank < world; rank++)
    for await (const { step, digest, inputIds } of readFeed(feed, { rank, world }))
      parts.set(`${step} ${rank}`, `${digest} ${createHash('sha256').update(inputIds).digest('hex')}`)
  return parts
}
