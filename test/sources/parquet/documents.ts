import { stringAt, utf8 } from '../../../src/batch/batch.ts'
import { parquet } from '../../../src/sources/parquet/parquet.ts'
import { readSource } from '../fixture.ts'

/** Every document of the files with its columns, and every dead record, by line. */
export async function readDocuments(patterns: string, options: Parameters<typeof parquet>[1] = {}) {
  const source = parquet(patterns, options)
  const { chunks } = await readSource(source)
  const rows: Record<string, unknown>[] = []
  for (const chunk of chunks) {
    const { batch, dead } = await source.parse(chunk)
    const at = (name: string, row: number) => stringAt(utf8(batch, name), row)
    const lines = batch.columns.line as { values: Uint32Array }
    for (let row = 0; row < batch.rows; row++) {
      const meta = at('meta', row)
      const labels = { text: at('text', row), id: at('id', row), domain: at('domain', row), added: at('added', row) }
      rows.push({ line: lines.values[row], ...labels, meta: meta ? JSON.parse(meta) : {} })
    }
    for (const { line, reason } of [...chunk.dead, ...dead]) rows.push({ line, reason })
  }
  return rows.sort((a, b) => (a.line as number) - (b.line as number))
}
