import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodePacked } from '../../src/batch/arrow/ipc.ts'
import { measureRun, runParts } from '../../src/inspect/runs.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { makeFolder } from '../temporary.ts'

// npm run bench -- storage [GLOB] [PIPELINE]
// What a run takes on disk, with all, the kept and none of its texts stored, in bytes a byte of text: by its parts, and of `scored` by columns; and how
// long reading labels of all documents takes beside reading their texts. Default the sample and pipelines/quickstart.ts.
const [glob, pipeline = glob ? 'pipelines/fineweb.ts' : 'pipelines/quickstart.ts'] = process.argv.slice(2)
/** About what an Arrow stream of one column takes besides its buffers. */
const schemaBytes = 500
const root = join(import.meta.dirname, '..', '..')
const dir = makeFolder('storage')
const input = glob ? ['--input', glob] : []

for (const text of ['all', 'kept', 'none'] as const) {
  const { textBytes, documents } = runPipeline(text)
  const share = (bytes: number) => (bytes / textBytes).toFixed(3).padStart(7)
  console.log(`texts ${text}: ${documents} documents, ${(textBytes / 1e6).toFixed(1)} MB of text; bytes a byte of it:`)
  const bytes = await measureRun(join(dir, text))
  for (const part of runParts) console.log(`  ${part.padEnd(16)}${share(bytes[part])}`)
  const columns = await measureColumns(join(dir, text))
  console.log('of the log, packed')
  for (const [name, packed] of columns.slice(0, 6)) console.log(`  ${name.padEnd(16)}${share(packed)}`)
}
for (const names of [['id', 'domain', 'row'], ['text']]) await timeReading(names)

/** Runs the pipeline with such texts stored, as a run of that name. */
function runPipeline(text: 'all' | 'kept' | 'none'): { readonly textBytes: number; readonly documents: number } {
  const module = join(dir, `${text}.ts`)
  const from = JSON.stringify(join(root, pipeline))
  writeFileSync(module, `import given from ${from}\nexport default given.store({ text: '${text}' })\n`)
  const command = ['bin/headrace.js', 'run', module, ...input, '--dir', dir, '--run', text, '--json']
  const { stdout, stderr, status } = spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout.trim().split('\n').at(-1)!)
}

/** The columns of a run's slots with the bytes that they take packed, the largest first. */
async function measureColumns(run: string): Promise<[name: string, packed: number][]> {
  const columns = new Map<string, number>()
  await using reader = await RunReader.open(run)
  for await (const { scored } of reader.slots())
    for (const [name, column] of Object.entries(scored.columns)) {
      const { length } = encodePacked({ rows: scored.rows, columns: { [name]: column } })
      columns.set(name, (columns.get(name) ?? 0) + length - schemaBytes)
    }
  return [...columns].sort((a, b) => b[1] - a[1])
}

async function timeReading(names: readonly string[]): Promise<void> {
  const start = performance.now()
  await using reader = await RunReader.open(join(dir, 'all'))
  let items = 0
  for await (const { scored } of reader.slots())
    for (const name of names) {
      const column = scored.columns[name]
      items += 'bytes' in column ? column.bytes.length : column.values.length
    }
  const seconds = (performance.now() - start) / 1000
  console.log(`reading ${names.join(', ')} of all: ${seconds.toFixed(2)} s (${items} bytes and values)`)
}
