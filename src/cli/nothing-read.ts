import { decodeBatch } from '../batch/arrow/ipc.ts'
import { deadRowsOf } from '../record/dead-records.ts'
import type { Figures } from '../record/figures.ts'
import { deadPartitionsOf, topics } from '../record/layout.ts'
import { RunReader } from '../record/run-reader.ts'
import { readBySlot } from '../record/slots.ts'
import { formatCount } from './table.ts'

/**
 * Why not one record of a run became a document, where the pipeline asks for the text in a field that none has: the fields that are there.
 * Null for every other run.
 */
export async function explainNothing(dir: string, { decide }: Figures): Promise<string | null> {
  const { documents, dead } = decide
  if (documents === 0 || dead < documents) return null
  await using run = await RunReader.open(dir)
  for await (const { value } of readBySlot(run.log, topics.dead, deadPartitionsOf(run.run))) {
    const rows = [...deadRowsOf(decodeBatch(value).batch)]
    if (rows.some(({ reason }) => reason !== 'missing-text')) return null
    const [{ file, line, detail }] = rows
    const count = documents === 1 ? 'the one record' : `none of ${formatCount(documents)} records`
    return `${count} has a text: ${detail} (${file}, line ${line}); say which field has it, as in { text: 'body' }, and begin another run with --run NAME`
  }
  return null
}
