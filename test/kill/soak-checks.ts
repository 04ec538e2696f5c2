import { basename, join } from 'node:path'
import { numbers } from '../../src/batch/batch.ts'
import { readFates } from '../../src/inspect/fates.ts'
import { readManifest } from '../../src/record/manifest.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { openShard } from '../../src/shards/shard.ts'
import { readRecords, readSteps } from './soak-reader.ts'

/** What was checked: a count of each kind of things, and what was wrong with them. */
export interface Checked {
  readonly what: string
  readonly count: number
  readonly wrong: readonly string[]
}

/** Every line that was written has one fate. `written` counts the lines of each file. Also gives the addresses of the kept ones. */
export async function checkFates(
  runDir: string,
  written: ReadonlyMap<string, number>,
): Promise<Checked & { kept: Set<number> }> {
  await using run = await RunReader.open(runDir)
  const seen = new Map([...written].map(([file, lines]) => [file, new Uint8Array(lines + 1)]))
  const kept = new Set<number>()
  const wrong: string[] = []
  let count = 0
  for await (const { file, line, fate, slot, row } of readFates(run)) {
    count++
    const lines = seen.get(basename(file))
    if (!lines || line < 1 || line >= lines.length) wrong.push(`${file}:${line} was never written`)
    else if (lines[line]++ > 0) wrong.push(`${file}:${line} has two fates`)
    if (fate === 'kept') kept.add(addressOf(slot, row))
  }
  for (const [file, lines] of seen)
    for (let line = 1; line < lines.length; line++) if (lines[line] === 0) wrong.push(`${file}:${line} has no fate`)
  return { what: 'records with one fate', count, wrong, kept }
}

function addressOf(slot: number, row: number): number {
  return slot * 2 ** 20 + row
}

/** Every kept document stands in one shard, once. */
export async function checkShards(runDir: string, kept: ReadonlySet<number>): Promise<Checked> {
  await using run = await RunReader.open(runDir)
  const left = new Set(kept)
  const wrong: string[] = []
  let count = 0
  for await (const entry of readManifest(run.log)) {
    using shard = openShard(join(runDir, 'shards', entry.path), entry)
    for (const batch of shard.batches(['slot', 'row'])) {
      const [slots, rows] = [numbers(batch, 'slot'), numbers(batch, 'row')]
      for (let i = 0; i < batch.rows; i++, count++)
        if (!left.delete(addressOf(slots[i], rows[i])))
          wrong.push(`${entry.path} has slot ${slots[i]}, row ${rows[i]}: not kept, or a second time`)
    }
  }
  if (left.size) wrong.push(`${left.size} kept documents are in no shard`)
  return { what: 'kept documents in shards', count, wrong }
}

/** The reader saw every step once and in order, and each as it stands in the feed now. */
export async function checkSteps(feedDir: string, recordsPath: string): Promise<Checked> {
  const { records } = await readRecords(recordsPath)
  const wrong: string[] = []
  for (const [i, { step }] of records.entries())
    if (step !== i) wrong.push(`record ${i} of the reader is of step ${step}`)
  let count = 0
  for await (const { step, digest, contents } of readSteps(feedDir, 1, { from: 0, follow: false })) {
    const seen = records[step]
    count++
    if (!seen) wrong.push(`step ${step} was never read`)
    else if (seen.digest !== digest || seen.contents !== contents)
      wrong.push(`step ${step} was read with other contents`)
  }
  if (records.length > count) wrong.push(`${records.length} steps were read, and the feed has ${count}`)
  return { what: 'steps, each read once and unchanged', count, wrong }
}
