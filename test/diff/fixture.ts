import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runMain } from '../cli/terminal.ts'
import { makeFolder } from '../temporary.ts'

/** What a run measures a document as: below 1 and above 9 are dropped; `dead` throws, `edit` changes the text. */
export type Value = number | 'dead' | 'edit'

export interface Document {
  readonly id: string
  readonly text: string
  readonly domain?: string
  readonly a: Value
  readonly b: Value
}

const annotator = `(values) => ({
  name: 'quality', version: 1, exact: true, options: { values: [...values] }, resources: [],
  reads: ['id', 'text'],
  writes: [{ name: 'text', kind: 'utf8' }, { name: 'quality', kind: 'f64' }],
  rules: [{ reason: 'low', column: 'quality', below: 1 }, { reason: 'high', column: 'quality', above: 9 }],
  annotate(batch) {
    const at = (name, row) => {
      const { offsets, bytes } = batch.columns[name]
      return Buffer.from(bytes.subarray(offsets[row], offsets[row + 1])).toString()
    }
    const rows = Array.from({ length: batch.rows }, (_, row) => ({ value: values.get(at('id', row)), text: at('text', row) }))
    if (rows.some(({ value }) => value === 'dead')) throw new Error('planted')
    const texts = rows.map(({ value, text }) => Buffer.from(value === 'edit' ? text.replace('word', 'WORD') : text))
    const offsets = Int32Array.from([0, ...texts].map((_, i) => texts.slice(0, i).reduce((sum, text) => sum + text.length, 0)))
    const quality = Float64Array.from(rows, ({ value }) => (typeof value === 'number' ? value : 5))
    return { text: { kind: 'utf8', offsets, bytes: new Uint8Array(Buffer.concat(texts)) }, quality: { kind: 'f64', values: quality } }
  },
})`

export interface RunOptions {
  readonly values: readonly (readonly [string, Value])[]
  readonly input: string
  readonly tokenizer?: boolean
  /** Further calls of the pipeline. */
  readonly also?: string
  /** The exit status, 0 by default. */
  readonly status?: number
}

/** Runs the documents' pipeline as the run `name` in `dir`. */
export async function runValues(dir: string, name: string, options: RunOptions): Promise<void> {
  const { values, input, tokenizer = true, also = '' } = options
  const file = join(dir, `${name}.ts`)
  await writeFile(
    file,
    `import * as h from 'headrace'
const quality = ${annotator}
export default h.pipeline('${name}').from(h.jsonl(${JSON.stringify(input)}))
  .annotate(quality(new Map(${JSON.stringify(values)})), h.signature())
  .decide(h.rules(), h.exactDuplicates())${also}${tokenizer ? ".tokenize('gpt2')" : ''}
`,
  )
  const { status, err } = await runMain(['run', file, '--dir', dir, '--run', name, '--workers', '1'])
  assert.equal(status, options.status ?? 0, err)
}

/** Writes documents as lines of JSON. */
export async function writeDocuments(dir: string, name: string, documents: readonly Omit<Document, 'a' | 'b'>[]) {
  const path = join(dir, name)
  await writeFile(path, documents.map(({ id, text, domain }) => `${JSON.stringify({ id, text, domain })}\n`).join(''))
  return path
}

/** Two runs, `a` and `b`, over the same documents. */
export async function runPair(documents: readonly Document[]): Promise<string> {
  const dir = makeFolder('diff')
  const input = await writeDocuments(dir, 'documents.jsonl', documents)
  await runValues(dir, 'a', { input, values: documents.map(({ id, a }) => [id, a]) })
  await runValues(dir, 'b', { input, values: documents.map(({ id, b }) => [id, b]) })
  return dir
}
