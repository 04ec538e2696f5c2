import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { decodeBatch, encodeBatch } from '../batch/arrow/ipc.ts'
import { type Batch, type Column, type Field, numbers, stringAt, Utf8Builder, utf8 } from '../batch/batch.ts'
import { documentFields } from '../batch/contract.ts'
import { missingColumn } from '../batch/rows.ts'
import { HeadraceError } from '../errors.ts'
import { flag, type OptionsOf, optional, refuseName, resolveOptions } from '../options.ts'
import { fingerprint } from '../pipeline/fingerprint.ts'
import { parseLongNumbers } from '../sources/exact-json.ts'
import type { Chunk, Parsed, Source } from '../sources/source.ts'
import { type DecidedPlace, DecidedReader } from './decided-reader.ts'
import { decodeKept, joinKept } from './kept.ts'
import { topics } from './layout.ts'
import { openLogToRead } from './open-log.ts'
import { type RunFile, readRunFile } from './run-file.ts'
import { decodeScored, textLength } from './scored.ts'
import { firstSlot, positionsAt, SlotReader } from './slot-reader.ts'

const documentTopics = [topics.kept, topics.scored] as const

export const topicOptions = {
  follow: optional('waits for what that run commits later instead of ending', flag, false),
}

/**
 * A topic of another run as a source: its kept documents, or `annotate.scored` for all that it measured.
 *
 *     pipeline('second').from(topic('.headrace/web'))
 *
 * `dir` is the run's folder, wherever its log is; the default topic is `decide.kept`. It begins with the first slot that the run has not
 * trimmed; what is trimmed before it is read is an error ('trimmed'). Offsets are slots; `line` counts the rows of the topic. Where a row
 * says which file and line it came from, that goes to `meta`.
 */
export function topic(
  dir: string,
  name: (typeof documentTopics)[number] = topics.kept,
  options: OptionsOf<typeof topicOptions> = {},
): Source {
  const { follow } = resolveOptions('topic()', topicOptions, options)
  if (!documentTopics.includes(name))
    throw new HeadraceError(
      'bad-option',
      refuseName(`topic('${dir}') has no documents in`, String(name), documentTopics),
    )
  if (!existsSync(join(dir, 'run.json'))) throw noRun(dir)
  const file = `${dir}#${name}`
  return {
    name: 'topic',
    options: { name: file, topic: name, follow },
    describe: () => `topic ${name} of ${dir}${follow ? ', follows' : ''}`,
    async *splits() {
      const { pipeline, segments } = await readRun(dir)
      // What a run is for good: an upgrade adds a segment.
      yield { name: file, stamp: fingerprint({ pipeline, first: segments[0] }) }
    },
    async *read(_split, { offset, line }, signal) {
      const run = await readRun(dir)
      await using log = await openLogToRead(dir, run)
      const place = { dir, log, shape: run }
      const slot = offset > 0 ? offset : await firstWhole(place, name)
      const read = name === topics.kept ? readKept : readMeasured
      for await (const chunk of chunksOf(read(place, slot, follow ? signal : AbortSignal.abort()), file, line)) {
        if (signal.aborted) return
        yield chunk
      }
    },
    parse: parseSlot,
  }
}

async function readRun(dir: string): Promise<RunFile> {
  const run = await readRunFile(dir)
  if (!run) throw noRun(dir)
  return run
}

function noRun(dir: string): HeadraceError {
  return new HeadraceError('not-found', `topic('${dir}'): there is no run there (it has no run.json)`)
}

/** The first slot from which on a topic of documents has all: what was kept is read with what was measured. */
async function firstWhole({ log, shape }: DecidedPlace, name: string): Promise<number> {
  const needed = name === topics.kept ? documentTopics : [name]
  return Math.max(...(await Promise.all(needed.map(one => firstSlot(log, one, shape.partitions)))))
}

/** A slot of a topic with its documents. */
interface SlotDocuments {
  readonly slot: number
  readonly batch: Batch
}

function withText(slot: number, batch: Batch): SlotDocuments {
  const { [textLength]: lengths, ...others } = batch.columns
  if (others.text || !lengths) return { slot, batch }
  if (batch.rows === 0) return { slot, batch: { rows: 0, columns: { text: new Utf8Builder(0).finish(), ...others } } }
  throw new HeadraceError(
    'trimmed',
    `slot ${slot} has no texts any more, as that run does not store them: run its input again`,
  )
}

/** The slots up to the topic's `end`, or the last one that is committed. */
export async function* readMeasured({ log, shape }: DecidedPlace, slot: number, signal: AbortSignal) {
  await using reader = new SlotReader(
    log,
    topics.scored,
    await positionsAt(log, topics.scored, shape.partitions, slot),
    signal,
  )
  for (let entry = await reader.next(); entry && !entry.isEnd; entry = await reader.next())
    yield withText(entry.slot, decodeScored(entry.value))
}

/** The same of what was kept. */
export async function* readKept(place: DecidedPlace, slot: number, signal: AbortSignal) {
  await using reader = await DecidedReader.open(place, slot, signal)
  for (let entry = await reader.next(); entry?.scored; entry = await reader.next())
    yield withText(entry.slot, joinKept(decodeScored(entry.scored.value), decodeKept(entry.kept.value)))
}

/**
 * Slots as chunks whose first row is `line`. Each is encoded anew, so that where the run that reads them cuts its own slots does not
 * depend on how the other one stores its own.
 */
export async function* chunksOf(
  slots: AsyncIterable<SlotDocuments>,
  file: string,
  line: number,
): AsyncGenerator<Chunk> {
  for await (const { slot, batch } of slots) {
    const first = line
    line += batch.rows
    yield { split: file, line: first, bytes: encodeBatch(batch), dead: [], next: { offset: slot + 1, line } }
  }
}

/** The documents of a slot, whose entry is an Arrow batch with their columns. */
export function parseSlot(chunk: Chunk): Parsed {
  const { batch } = decodeBatch(chunk.bytes)
  const columnOf = (field: Field) => batch.columns[field.name] ?? missingColumn(field, batch.rows)
  const columns = Object.fromEntries(documentFields.map(field => [field.name, columnOf(field)]))
  const file = new Utf8Builder(batch.rows)
  for (let row = 0; row < batch.rows; row++) file.push(chunk.split)
  const line = Uint32Array.from({ length: batch.rows }, (_, row) => chunk.line + row)
  Object.assign(columns, originOf(batch))
  columns.file = file.finish()
  columns.line = { kind: 'u32', values: line }
  return { batch: { rows: batch.rows, columns }, dead: [] }
}

/** `meta` with the file and line that the rows came from. */
function originOf(batch: Batch): Record<string, Column> {
  if (!batch.columns.file || !batch.columns.line) return {}
  const meta = new Utf8Builder(batch.rows)
  for (let row = 0; row < batch.rows; row++) {
    const known = batch.columns.meta ? stringAt(utf8(batch, 'meta'), row) : ''
    const origin = { file: stringAt(utf8(batch, 'file'), row), line: numbers(batch, 'line')[row] }
    meta.push(JSON.stringify({ ...(known ? (parseLongNumbers(known) as object) : {}), origin }))
  }
  return { meta: meta.finish() }
}
