import { createHash } from 'node:crypto'
import { open, readFile } from 'node:fs/promises'
import { type FeedBatch, type FeedReader, readFeed } from '../../src/feed/read.ts'

/**
 * A trainer as the soak has one: a process that follows the feed with `world` ranks, records each step, and goes on from its last record
 * when it is started again, whatever killed it. `node soak-reader.ts FEED RECORDS WORLD`; ends when the feed does.
 */

/** A step as a reader has seen it. `contents` is the SHA-256 of its tokens in the order of samples, the same for every world size. */
export interface SeenStep {
  readonly feed: string
  readonly step: number
  readonly digest: string
  readonly contents: string
  readonly world: number
}

/** Whole records of a file; what a kill tore off stands behind `bytes`. */
export async function readRecords(path: string): Promise<{ records: SeenStep[]; bytes: number }> {
  const text = await readFile(path).catch(error => {
    if (error.code === 'ENOENT') return Buffer.alloc(0)
    throw error
  })
  const bytes = text.lastIndexOf(10) + 1
  const lines = text.subarray(0, bytes).toString().split('\n').slice(0, -1)
  return { records: lines.map(line => JSON.parse(line) as SeenStep), bytes }
}

/** Puts the ranks' samples together again: sample k of a step is row k div world of rank k mod world. */
function hashContents(batches: readonly FeedBatch[]): string {
  const hash = createHash('sha256')
  const { samples, length } = batches[0]
  for (let row = 0; row < samples; row++)
    for (const { inputIds } of batches) {
      const ids = inputIds.subarray(row * length, (row + 1) * length)
      hash.update(new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength))
    }
  return hash.digest('hex')
}

/** Reads steps with all ranks of a world, step by step, from step `from` or a state on. */
export async function* readSteps(
  dir: string,
  world: number,
  options: { from: { feed: string; step: number; digest: string } | number; follow: boolean },
): AsyncGenerator<SeenStep> {
  const ranks = Array.from({ length: world }, (_, rank) => readFeed(dir, { rank, world, pollMs: 200, ...options }))
  const iterators = ranks.map((rank: FeedReader) => rank[Symbol.asyncIterator]())
  for (;;) {
    const results = await Promise.all(iterators.map(iterator => iterator.next()))
    if (results.some(({ done }) => done)) return
    const batches = results.map(({ value }) => value as FeedBatch)
    const { step, digest } = batches[0]
    if (batches.some(batch => batch.step !== step || batch.digest !== digest))
      throw new Error(`ranks of one world read different steps: ${batches.map(batch => batch.step)}`)
    yield { feed: ranks[0].state()!.feed, step, digest, contents: hashContents(batches), world }
  }
}

async function followFeed(dir: string, path: string, world: number): Promise<void> {
  const { records, bytes } = await readRecords(path)
  const last = records.at(-1)
  const from = last ? { feed: last.feed, step: last.step + 1, digest: last.digest } : 0
  await using file = await open(path, 'a')
  await file.truncate(bytes)
  for await (const seen of readSteps(dir, world, { from, follow: true })) await file.write(`${JSON.stringify(seen)}\n`)
}

if (import.meta.main) {
  const [dir, path, world] = process.argv.slice(2)
  await followFeed(dir, path, Number(world))
}
