import { decodeBatch } from '../batch/arrow/ipc.ts'
import { type Batch, type Column, numbers, stringAt, Utf8Builder, utf8 } from '../batch/batch.ts'
import { documentFields } from '../batch/contract.ts'
import { missingColumn } from '../batch/rows.ts'
import type { Chunk, Parsed, ReadPosition, Source, Split } from '../sources/source.ts'

export interface TopicOptions {
  /** Names the topic in documents' `file`, as `<run folder>#<topic>`. */
  readonly name: string
  readonly topic: string
  /** Says which log this is; another one under the same name is refused. */
  readonly stamp: string
  /** Waits for further entries instead of ending with what is committed. Default false. */
  readonly follow?: boolean
}

/** The slots of a topic, in order; null behind the last. */
export interface SlotStream extends AsyncDisposable {
  next(): Promise<{ readonly slot: number; readonly isEnd: boolean; readonly value: Uint8Array } | null>
}

/**
 * Documents from a topic of slots whose entries are Arrow batches with the columns of a document, such as `annotate.scored` or
 * `decide.kept` of another run. Offsets are slots; `line` counts the rows of the topic. Where a row says which file and line it came
 * from, that goes to `meta`. Ends at the topic's `end` entry. `open` reads from a slot on, or from the first that is there where that is
 * 0, and ends with what is committed when the signal aborts.
 */
export function topicSource(
  open: (slot: number, signal: AbortSignal) => Promise<SlotStream>,
  { name, topic, stamp, follow = false }: TopicOptions,
): Source {
  return {
    name: 'topic',
    options: { name, topic, follow },
    async *splits(): AsyncIterable<Split> {
      yield { name, stamp }
    },
    async *read(_split, from: ReadPosition, signal: AbortSignal): AsyncIterable<Chunk> {
      await using slots = await open(from.offset, follow ? signal : AbortSignal.abort())
      let line = from.line
      for (let entry = await slots.next(); entry && !entry.isEnd && !signal.aborted; entry = await slots.next()) {
        const first = line
        line += decodeBatch(entry.value).batch.rows
        const next = { offset: entry.slot + 1, line }
        yield { split: name, line: first, bytes: entry.value, dead: [], next }
      }
    },
    parse: parseEntry,
  }
}

function parseEntry(chunk: Chunk): Parsed {
  const { batch } = decodeBatch(chunk.bytes)
  const columns: Record<string, Column> = {}
  for (const field of documentFields)
    columns[field.name] = batch.columns[field.name] ?? missingColumn(field, batch.rows)
  const file = new Utf8Builder(batch.rows)
  for (let row = 0; row < batch.rows; row++) file.push(chunk.split)
  const line = Uint32Array.from({ length: batch.rows }, (_, row) => chunk.line + row)
  return {
    batch: {
      rows: batch.rows,
      columns: { ...columns, ...originOf(batch), file: file.finish(), line: { kind: 'u32', values: line } },
    },
    dead: [],
  }
}

/** `meta` with the file and line that the rows came from. */
function originOf(batch: Batch): Record<string, Column> {
  if (!batch.columns.file || !batch.columns.line) return {}
  const meta = new Utf8Builder(batch.rows)
  for (let row = 0; row < batch.rows; row++) {
    const known = batch.columns.meta ? stringAt(utf8(batch, 'meta'), row) : ''
    const origin = { file: stringAt(utf8(batch, 'file'), row), line: numbers(batch, 'line')[row] }
    meta.push(JSON.stringify({ ...(known ? JSON.parse(known) : {}), origin }))
  }
  return { meta: meta.finish() }
}
