import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { encodePacked } from '../../src/batch/arrow/ipc.ts'
import { measureRun, runParts } from '../../src/inspect/runs.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { makeFolder } from '../temporary.ts'

// npm run bench -- storage [GLOB] [PIPELINE]
// What a run takes on disk, in bytes a byte of text: by its parts, and of `scored` by columns, the text apart from all else; and how long
// reading labels of all documents takes beside reading their texts. Default the sample and pipelines/quickstart.ts.
const [glob, pipeline = glob ? 'pipelines/fineweb.ts' : 'pipelines/quickstart.ts'] = process.argv.slice(2)
const root = join(import.meta.dirname, '..', '..')
const dir = makeFolder('storage')
const input = glob ? ['--input', glob] : []
const command = ['bin/headrace.js', 'run', pipeline, ...input, '--dir', dir, '--run', 'bench', '--json']
const { stdout, status } = spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8' })
if (status !== 0) process.exit(status ?? 70)
const { textBytes, documents } = JSON.parse(stdout.trim().split('\n').at(-1)!)

/** About what an Arrow stream of one column takes besides its buffers. */
const schemaBytes = 500
const share = (bytes: number) => (bytes / textBytes).toFixed(3).padStart(7)
console.log(`${documents} documents, ${(textBytes / 1e6).toFixed(1)} MB of text; bytes a byte of it:`)
const run = join(dir, 'bench')
const bytes = await measureRun(run)
for (const part of runParts) console.log(`  ${part.padEnd(16)}${share(bytes[part])}`)

const columns = new Map<string, number>()
for await (const [name, packed] of readColumns()) columns.set(name, (columns.get(name) ?? 0) + packed)
const text = columns.get('text')!
console.log(`of the log, packed  ${share(text)} text\n                    ${share(bytes.log - text)} all else`)
const largest = [...columns].sort((a, b) => b[1] - a[1]).slice(0, 8)
for (const [name, packed] of largest) console.log(`  ${name.padEnd(16)}${share(packed)}`)
for (const names of [['id', 'domain', 'row'], ['text']]) {
  const start = performance.now()
  await using reader = await RunReader.open(run)
  let items = 0
  for await (const { scored } of reader.slots())
    for (const name of names) {
      const column = scored.columns[name]
      items += 'bytes' in column ? column.bytes.length : column.values.length
    }
  console.log(
    `${names.join(', ')} of all: ${((performance.now() - start) / 1000).toFixed(2)} s (${items} bytes and values)`,
  )
}

/** Each column of each slot, with the bytes that it takes packed. */
async function* readColumns(): AsyncGenerator<[name: string, packed: number]> {
  await using reader = await RunReader.open(run)
  for await (const { scored } of reader.slots())
    for (const [name, column] of Object.entries(scored.columns)) {
      const { length } = encodePacked({ rows: scored.rows, columns: { [name]: column } })
      yield [name, length - schemaBytes]
    }
}
