import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
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
  runComparison(args)
}

/** Throws unless the Python client reads any step by its number as the reader in TypeScript does, for any rank of any world: `draws` of each feed. */
export async function comparePythonAnywhere(
  dumps: string,
  feeds: readonly string[],
  draw: (below: number) => number,
  draws: number,
): Promise<void> {
  const args: string[] = []
  for (const [i, feed] of feeds.entries()) {
    const { batch, steps } = JSON.parse(readFileSync(join(feed, 'head.json'), 'utf8'))
    const worlds = Array.from({ length: batch }, (_, k) => k + 1).filter(world => batch % world === 0)
    const lines: string[] = []
    for (let k = 0; k < draws; k++) {
      const world = worlds[draw(worlds.length)]
      const [rank, from] = [draw(world), draw(steps)]
      const { value } = await readFeed(feed, { rank, world, from })[Symbol.asyncIterator]().next()
      lines.push(lineOf(value, rank, world))
    }
    const dump = join(dumps, `${i}.jsonl`)
    writeFileSync(dump, lines.join(''))
    args.push(feed, dump)
  }
  runComparison(['--anywhere', ...args])
}

function runComparison(args: readonly string[]): void {
  const script = join(import.meta.dirname, '..', 'python', 'test_feed.py')
  const { status, stderr } = spawnSync(python, [script, ...args], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
}

function lineOf(batch: FeedBatch, rank: number, world: number): string {
  const arrays = ['inputIds', 'targets', 'positionIds', 'cuSeqlens', 'cuSeqlensPadded'] as const
  const plain = Object.fromEntries(arrays.map(key => [key, [...batch[key]]]))
  return `${JSON.stringify({ rank, world, ...batch, ...plain })}\n`
}
