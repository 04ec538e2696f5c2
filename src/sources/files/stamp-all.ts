import type { Split } from '../source.ts'
import { refuseFile } from './file-errors.ts'
import { openFile } from './open-file.ts'
import { StampThreads } from './stamp-threads.ts'
import type { StampedFiles } from './stamps.ts'
import { workAhead } from './work-ahead.ts'

/** From so many files on, threads read them: starting these takes as long as this many promises. */
const manyMin = 4096

/** Files that a thread is asked for at once: their bytes are 4 MB at most. */
const batchFiles = 64

/** The splits of files, in their order. Throws what stops a run where one can't be read. */
export async function* stampAll(
  names: readonly string[],
  stamped: StampedFiles,
  signal: AbortSignal,
): AsyncGenerator<Split, void> {
  // Whoever asks only whether there are any needs no threads.
  const few = names.length < manyMin ? names : names.slice(0, 1)
  for await (const split of workAhead(few, name => stampOne(name, stamped))) {
    if (signal.aborted) return
    yield split
  }
  if (few.length < names.length) yield* stampMany(names.slice(few.length), stamped, signal)
}

async function* stampMany(
  names: readonly string[],
  stamped: StampedFiles,
  signal: AbortSignal,
): AsyncGenerator<Split, void> {
  await using threads = new StampThreads()
  for await (const splits of workAhead(cutBatches(names), batch => stampBatch(batch, threads, stamped))) {
    if (signal.aborted) return
    yield* splits
  }
}

function* cutBatches(names: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < names.length; at += batchFiles) yield names.slice(at, at + batchFiles)
}

async function stampBatch(names: readonly string[], threads: StampThreads, stamped: StampedFiles): Promise<Split[]> {
  const { found, bytes } = await threads.read(names)
  const splits: Split[] = []
  let at = 0
  for (const [i, name] of names.entries()) {
    const file = found[i]
    if (!file) {
      splits.push(await stampOne(name, stamped))
      continue
    }
    const { identity, stamp, length } = file
    stamped.remember(name, identity, stamp, bytes.subarray(at, at + length))
    at += length
    splits.push({ name, stamp })
  }
  return splits
}

async function stampOne(name: string, stamped: StampedFiles): Promise<Split> {
  return { name, stamp: await stampFile(name, stamped) }
}

/** A file's stamp. Throws what stops a run where the file can't be read. */
export async function stampFile(name: string, stamped: StampedFiles): Promise<string> {
  try {
    await using file = await openFile(name)
    return await stamped.stamp(name, file)
  } catch (error) {
    throw refuseFile(error, name)
  }
}
