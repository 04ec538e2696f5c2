import assert from 'node:assert/strict'
import { planTrim, restoreBlocks, trimBlocks } from '../../src/feed/change/trim.ts'
import { readHead } from '../../src/feed/files/head.ts'
import { readFeed } from '../../src/feed/read.ts'
import type { ManifestEntry } from '../../src/shards/manifest.ts'
import { snapshot } from './corpus.ts'

/**
 * Trims a feed to a step, has it judged, and makes its blocks again: what stays is read as before, and the end is the beginning, byte for byte.
 * Returns how many blocks were let go.
 */
export async function checkTrimmed(
  dir: string,
  entries: readonly ManifestEntry[],
  step: number,
  judge: () => Promise<void>,
): Promise<number> {
  const before = await snapshot(dir)
  const head = (await readHead(dir))!
  const read = () => Array.fromAsync(readFeed(dir, { from: step }))
  const batches = await read()
  const blocks = await planTrim(dir, head, step)
  const at = '2026-01-01T00:00:00.000Z'
  await trimBlocks(dir, blocks, { step, who: 'ann@host', at, note: '', trainers: [] })
  assert.deepEqual(await read(), batches)
  await judge()
  async function* manifest() {
    yield* entries
  }
  assert.equal((await restoreBlocks(dir, head, manifest())).blocks, blocks.length)
  assert.deepEqual(await snapshot(dir), before)
  return blocks.length
}
