import type { Replay } from '../options.ts'
import type { Domain, ReplayCursor } from './domain.ts'
import { permute } from './permute.ts'

/**
 * Lets a domain that has no block in replay begin one, and says whether there is one. It is one that was fed whole before the step and was
 * replayed least often so far, so that all are drawn again before any is a second time, which of those `key` decides; and none that was
 * `repeatsMax` times.
 */
export function beginReplay(domain: Domain, cursor: ReplayCursor, { repeatsMax }: Replay, key: string): boolean {
  if (cursor.block >= 0) return true
  const fedWhole = domain.fed.block
  const times = domain.blocks.slice(0, fedWhole).map((_, block) => cursor.times[block] ?? 0)
  const least = Math.min(repeatsMax, ...times)
  if (least >= repeatsMax || fedWhole === 0) return false
  const blocks = times.flatMap((count, block) => (count === least ? [block] : []))
  const draws = times.reduce((sum, count) => sum + count, 0)
  cursor.block = blocks[permute(blocks.length, JSON.stringify(['replay', key, domain.name, draws]))[0]]
  cursor.times = times.with(cursor.block, least + 1)
  Object.assign(cursor, { epoch: least + 1, at: 0, before: [] })
  return true
}

/** Tokens of the blocks of a domain that were fed whole. */
export function countFedWhole({ blocks, fed }: Domain): number {
  return blocks.slice(0, fed.block).reduce((sum, { tokens }) => sum + tokens, 0)
}
