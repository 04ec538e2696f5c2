import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type FeedBatch, readFeed } from '../../src/feed/read.ts'
import { python } from '../python/python.ts'

/** Throws unless the Python client gives what the reader in TypeScript does, of each feed and by one rank and by `world`. */
export async function comparePython(dumps: string, feeds: readonly string[], world: number): Promise<void> {
  const args: string[] = []
  for (const [i, feed] of feeds.entries())
    for (const ranks of [1, world]) {
      const dump = join(dumps, `${i}-${ranks}.jsonl`)
      const lines: string[] = []
      for (let rank = 0; rank < ranks; rank++)
        for await (const batch of readFeed(feed, { rank, world: ranks })) lines.push(lineOf(batch, rank, ranks))
      writeFileSync(dump, lines.join(''))
      args.push(feed, dump)
    }
  const script = join(import.meta.dirname, '..', 'python', 'test_feed.py')
  const { status, stderr } = spawnSync(python, [script, ...args], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
}

function lineOf(batch: FeedBatch, rank: number, world: number): string {
  const arrays = ['inputIds', 'targets', 'positionIds', 'cuSeqlens', 'cuSeqlensPadded'] as const
  const plain = Object.fromEntries(arrays.map(key => [key, [...batch[key]]]))
  return `${JSON.stringify({ rank, world, ...batch, ...plain })}\n`
}
