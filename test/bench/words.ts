/**
 * Megabytes of text a second through words and sentences, on one core, beside nothing else: `node test/bench/words.ts
 * CORPUS_DIR`. The corpus is JSONL with `text` and `source`; a line for each kind of source. Best of three passes after a
 * warm-up, in the processor's time, so that other programs count little.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Utf8Column, utf8From } from '../../src/batch/batch.ts'
import { countSentences } from '../../src/text/words/sentences.ts'
import { splitWords } from '../../src/text/words/words.ts'

const kindBytesMax = 16 * 1024 * 1024
const rowsPerColumn = 100
const passes = 4

const [directory] = process.argv.slice(2)
if (directory === undefined) throw new Error('usage: node test/bench/words.ts CORPUS_DIR')
for (const [kind, texts] of readKinds(directory)) measure(kind, texts)

/** Every fifth document by source, English prose first; kinds of junk are one. */
function readKinds(from: string): [string, string[]][] {
  const kinds = new Map<string, { texts: string[]; bytes: number }>([['english', { texts: [], bytes: 0 }]])
  let line = 0
  for (const file of readdirSync(from).sort()) {
    if (!/^corpus-.*\.jsonl$/.test(file)) continue
    for (const json of readFileSync(join(from, file), 'utf8').split('\n')) {
      if (json === '' || line++ % 5 !== 0) continue
      const { text, source } = JSON.parse(json) as { text: string; source: string }
      const name = source.startsWith('en-') ? 'english' : source.replace(/-.*/, '')
      const kind = kinds.get(name) ?? { texts: [], bytes: 0 }
      kinds.set(name, kind)
      if (kind.bytes >= kindBytesMax) continue
      kind.texts.push(text)
      kind.bytes += Buffer.byteLength(text)
    }
  }
  return [...kinds].map(([name, { texts }]) => [name, texts])
}

function measure(kind: string, texts: readonly string[]): void {
  let words = Number.POSITIVE_INFINITY
  let sentences = Number.POSITIVE_INFINITY
  let bytes = 0
  let count = 0
  for (let pass = 0; pass < passes; pass++) {
    const columns: Utf8Column[] = []
    for (let i = 0; i < texts.length; i += rowsPerColumn) columns.push(utf8From(texts.slice(i, i + rowsPerColumn)))
    bytes = columns.reduce((sum, column) => sum + column.bytes.length, 0)
    words = Math.min(
      words,
      timeMs(() => {
        count = columns.reduce((sum, column) => sum + splitWords(column).starts.length, 0)
      }),
    )
    sentences = Math.min(
      sentences,
      timeMs(() => {
        for (const column of columns)
          for (let row = 0; row + 1 < column.offsets.length; row++) countSentences(column, row)
      }),
    )
  }
  const rate = (ms: number) => `${(bytes / 1000 / ms).toFixed(0)} MB/s`.padStart(9)
  console.log(
    `${kind.padEnd(14)}${(bytes / 1e6).toFixed(1).padStart(6)} MB ${count} words:${rate(words)}, sentences after:${rate(sentences)}`,
  )
}

function timeMs(work: () => void): number {
  const { user } = process.cpuUsage()
  work()
  return (process.cpuUsage().user - user) / 1000
}
