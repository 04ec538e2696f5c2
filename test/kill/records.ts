import { encodeBatch } from '../../src/batch/arrow/ipc.ts'
import type { Batch } from '../../src/batch/batch.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import type { Output } from './output.ts'

/** What the log of a run says of each slot, whole, wherever its columns are stored: a replay's are those of a run over the input. */
export async function readRecords(runDir: string): Promise<Output> {
  await using run = await RunReader.open(runDir)
  const records = new Map<string, Buffer>()
  for await (const { slot, scored, drops, dead } of run.slots()) {
    const batches = Object.entries({ scored, kept: await run.kept(slot), drops, dead })
    for (const [part, batch] of batches) if (batch) records.set(`${part}/${slot}`, encode(batch))
  }
  return records
}

/** Packed entries may differ in their bytes, and joined ones in the order of their columns. */
function encode({ rows, columns }: Batch): Buffer {
  const sorted = Object.keys(columns).sort()
  return Buffer.from(encodeBatch({ rows, columns: Object.fromEntries(sorted.map(name => [name, columns[name]])) }))
}
