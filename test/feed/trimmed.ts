import assert from 'node:assert/strict'
import { join } from 'node:path'
import { addressOf } from '../../src/decide/decider.ts'
import { listFiles } from '../../src/disk/files.ts'
import { planTrim, restoreBlocks, trimBlocks } from '../../src/feed/change/trim.ts'
import { BlockFile } from '../../src/feed/files/block-file.ts'
import { readHead } from '../../src/feed/files/head.ts'
import { readFeed } from '../../src/feed/read.ts'
import { findFedSamples, type Span, type Spans } from '../../src/inspect/fed-samples.ts'
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
  const spans = await spansOf(dir)
  const samples = await findFedSamples(dir, spans)
  const blocks = await planTrim(dir, head, step)
  const at = '2026-01-01T00:00:00.000Z'
  await trimBlocks(dir, blocks, { step, who: 'ann@host', at, note: '', trainers: [] })
  assert.deepEqual(await read(), batches)
  assert.deepEqual(await findFedSamples(dir, spans), samples, 'which samples held what is known all the same')
  await judge()
  async function* manifest() {
    yield* entries
  }
  assert.equal((await restoreBlocks(dir, head, { shards: manifest(), hasEnded: true })).blocks, blocks.length)
  assert.deepEqual(await snapshot(dir), before)
  return blocks.length
}

/** Whole shards, of all blocks. */
async function spansOf(dir: string): Promise<Spans> {
  const spans = new Map<string, Span[]>()
  for (const name of await listFiles(join(dir, 'blocks'))) {
    using file = new BlockFile(dir, `blocks/${name}`)
    for (const { path, tokens } of file.identity.shards)
      spans.set(path, [{ start: 0, tokens, address: addressOf(0, 0) }])
  }
  return spans
}
