import { randomUUID } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { numbers, stringAt, utf8 } from '../batch/batch.ts'
import { decodeBatch } from '../batch/ipc.ts'
import { makeFolder, writeDurably } from '../durable-file.ts'
import { HeadraceError, wrapDiskError } from '../errors.ts'
import { limits } from '../limits.ts'
import { type Log, readCommitted } from '../log/log.ts'
import { type Again, type LineRange, lineAtEnd, type Source, type Split } from '../sources/source.ts'
import { deadPartitionsOf, loaderOf, type RunContext, type RunShape, topics } from './context.ts'
import { hasLine, isRest, joinRanges } from './line-ranges.ts'
import { openLogToRead } from './open-log.ts'
import { readRunFile } from './run-file.ts'
import { annotatedSlot, readBySlot } from './slots.ts'

/** Asks a run to read its dead records again: those that died for one of `reasons`, or all when it is empty. */
export interface RedriveRequest {
  readonly kind: 'redrive'
  readonly id: string
  readonly reasons: readonly string[]
}

/** Records that are dead and not read again since, by their file, and how many entries of `dead` that are. */
export interface DeadRecords {
  readonly files: ReadonlyMap<string, readonly LineRange[]>
  readonly records: number
  /** Slots that were looked at: those before this one. */
  readonly before: number
  readonly reasons: Readonly<Record<string, number>>
}

/** A split in a list of all, which has its number, as those that are needed no more are missing there. */
export type NumberedSplit = Split & { readonly number?: number }

/** The splits that the run has met, in that order, but for those that a list of all has left out. */
export async function readSplits(log: Log, shape: RunShape): Promise<Split[]> {
  const splits: Split[] = []
  for await (const entry of readSplitEntries(log, shape)) {
    // What stands before a list of all is what could not be trimmed.
    if (entry.isWhole) splits.length = 0
    for (const { number: _, ...split } of entry.splits) splits.push(split)
  }
  return splits
}

/** The same by the commits that recorded them. */
export async function* readSplitEntries(
  log: Log,
  shape: RunShape,
): AsyncGenerator<{ readonly isWhole: boolean; readonly splits: readonly NumberedSplit[] }, void> {
  const topic = loaderOf(shape).splits
  for await (const { headers, value } of readCommitted(log, topic, 0, (await log.bounds(topic, 0)).first))
    yield { isWhole: headers.whole !== undefined, splits: JSON.parse(Buffer.from(value).toString()) }
}

/**
 * Finds the records that are dead and not read again since, among the slots that are committed now; at most
 * `limits.redriveRecordsMax` of them, in the order of slots: what is beyond stays for another request.
 */
export async function findDead(
  { log, shape }: Pick<RunContext, 'log' | 'shape'>,
  splits: readonly Split[],
  reasons: readonly string[],
): Promise<DeadRecords> {
  const before = await annotatedSlot(log, shape)
  const rounds = Map.groupBy(
    splits.flatMap(({ again }) => again ?? []),
    again => again.of,
  )
  const isReadAgain = (file: string, line: number, slot: number) =>
    rounds.get(file)?.some(round => slot < round.before && hasLine(round.lines, line)) ?? false
  const found = new Map<string, LineRange[]>()
  const counts = new Map<string, number>()
  let records = 0
  for await (const entry of readBySlot(log, topics.dead, deadPartitionsOf(shape))) {
    const slot = Number(entry.headers.slot)
    if (slot >= before || records >= limits.redriveRecordsMax) break
    for (const { file, line, reason } of deadOf(entry.value)) {
      if ((reasons.length > 0 && !reasons.includes(reason)) || isReadAgain(file, line, slot)) continue
      const range: LineRange = [line, isRest({ line, reason }) ? lineAtEnd : line]
      const ranges = found.get(file)
      if (ranges) ranges.push(range)
      else found.set(file, [range])
      counts.set(reason, (counts.get(reason) ?? 0) + 1)
      records++
    }
  }
  const files = new Map(Array.from(found, ([file, ranges]) => [file, joinRanges(ranges)]))
  return { files, records, before, reasons: Object.fromEntries(counts) }
}

function* deadOf(value: Uint8Array): Generator<{ file: string; line: number; reason: string }> {
  const { batch } = decodeBatch(value)
  const [file, reason, line] = [utf8(batch, 'file'), utf8(batch, 'reason'), numbers(batch, 'line')]
  for (let row = 0; row < batch.rows; row++)
    yield { file: stringAt(file, row), line: line[row], reason: stringAt(reason, row) }
}

/** The splits that read these records again, one a file, with the file's present stamp. `known` are all splits so far. */
export async function splitsOf(
  source: Source,
  dead: DeadRecords,
  known: readonly Split[],
  request: string,
): Promise<Split[]> {
  const stamps = stampsOf(known)
  const round = 1 + new Set(known.flatMap(({ again }) => again?.request ?? [])).size
  const splits: Split[] = []
  for (const [file, lines] of dead.files) {
    const again: Again = { of: file, lines, request, before: dead.before }
    const stamp = (await source.stamp?.(file)) ?? stamps.get(file) ?? ''
    splits.push({ name: `redrive/${round}/${file}`, stamp, again })
  }
  return splits
}

/** The stamp that each split had when it was read last. */
export function stampsOf(splits: readonly Split[]): Map<string, string> {
  return new Map(
    splits.flatMap(({ name, stamp, again }) =>
      again
        ? [
            [name, stamp],
            [again.of, stamp],
          ]
        : [[name, stamp]],
    ),
  )
}

/** The source whose whole input are the dead records of the run in `dir`, read by `base`, which is that run's source. */
export function redriveSource(base: Source, dir: string, reasons: readonly string[]): Source {
  return {
    name: base.name,
    options: { ...base.options, patterns: [], follow: false },
    async *splits() {
      const run = await readRunFile(dir)
      if (!run) throw new HeadraceError('not-found', `there is no run in ${dir} to read dead records of`)
      await using log = await openLogToRead(dir, run)
      const known = await readSplits(log, run)
      // What is dead in the run that reads them is dead after this, whatever its slot.
      yield* await splitsOf(base, { ...(await findDead({ log, shape: run }, known, reasons)), before: 0 }, known, '')
    },
    ...(base.stamp ? { stamp: (name: string) => base.stamp!(name) } : {}),
    read: (split, from, signal) => base.read(split, from, signal),
    parse: chunk => base.parse(chunk),
  }
}

const ending = '.redrive'
const pathOf = (dir: string) => join(dir, 'inbox')

/** Leaves a request in the inbox of a run so that it lasts. Returns its id. */
export async function putRequest(dir: string, reasons: readonly string[]): Promise<string> {
  const request: RedriveRequest = { kind: 'redrive', id: randomUUID(), reasons }
  await makeFolder(pathOf(dir))
  await writeDurably(join(pathOf(dir), request.id + ending), [Buffer.from(`${JSON.stringify(request)}\n`)])
  return request.id
}

/** The requests that wait, in the order of their names. One that can't be read is an error that names it. */
export async function listRequests(dir: string): Promise<RedriveRequest[]> {
  const names = await readdir(pathOf(dir)).catch(error => {
    if (error.code === 'ENOENT') return []
    throw wrapDiskError(error, `reading ${pathOf(dir)}`)
  })
  return Promise.all(
    names
      .filter(name => name.endsWith(ending))
      .sort()
      .map(name => readRequest(join(pathOf(dir), name))),
  )
}

/** Removes a request; one that is gone already is fine. */
export async function removeRequest(dir: string, id: string): Promise<void> {
  const path = join(pathOf(dir), id + ending)
  await rm(path, { force: true }).catch(error => {
    throw wrapDiskError(error, `removing ${path}`)
  })
}

async function readRequest(path: string): Promise<RedriveRequest> {
  const text = await readFile(path, 'utf8').catch(error => {
    throw wrapDiskError(error, `reading ${path}`)
  })
  try {
    const request = JSON.parse(text)
    if (request?.kind === 'redrive' && typeof request.id === 'string' && Array.isArray(request.reasons)) return request
  } catch {
    // Said below.
  }
  throw new HeadraceError('corrupt', `${path} is no request: delete it, and ask again with 'headrace redrive'`)
}
