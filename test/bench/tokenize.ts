/**
 * Megabytes of text a second through one encoding, on one core, beside nothing else:
 * `node test/bench/tokenize.ts CORPUS_DIR [o200k_base|cl100k_base|gpt2]`. The corpus is JSONL with `text` and `source`; the
 * English cut is the documents whose source begins with `en-`, the mixed cut is all. Best of three passes after a warm-up.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type EncodingName, loadEncoding } from '../../src/text/tokens/bpe.ts'

const cutBytesMax = 48 * 1024 * 1024
const passes = 3

interface Cut {
  readonly name: string
  readonly accepts: (source: string) => boolean
  readonly documents: Uint8Array[]
  bytes: number
}

const [directory, encodingName = 'o200k_base'] = process.argv.slice(2)
if (directory === undefined) throw new Error('usage: node test/bench/tokenize.ts CORPUS_DIR [encoding]')
const encoding = loadEncoding(encodingName as EncodingName)
const cuts: Cut[] = [
  { name: 'english', accepts: source => source.startsWith('en-'), documents: [], bytes: 0 },
  { name: 'mixed', accepts: () => true, documents: [], bytes: 0 },
]
readCorpus(directory)
for (const cut of cuts) measure(cut)

/** Takes every seventh document until both cuts are full, so that all sources are met. */
function readCorpus(from: string): void {
  let line = 0
  for (const file of readdirSync(from).sort()) {
    if (!/^corpus-.*\.jsonl$/.test(file)) continue
    for (const json of readFileSync(join(from, file), 'utf8').split('\n')) {
      if (json === '' || line++ % 7 !== 0) continue
      const { text, source } = JSON.parse(json) as { text: string; source: string }
      for (const cut of cuts) if (cut.bytes < cutBytesMax && cut.accepts(source)) addDocument(cut, text)
    }
    if (cuts.every(cut => cut.bytes >= cutBytesMax)) return
  }
}

function addDocument(cut: Cut, text: string): void {
  const bytes = new TextEncoder().encode(text)
  cut.documents.push(bytes)
  cut.bytes += bytes.length
}

function measure({ name, documents, bytes }: Cut): void {
  const out = new Int32Array(documents.reduce((most, document) => Math.max(most, document.length), 0))
  let best = Number.POSITIVE_INFINITY
  let tokens = 0
  for (let pass = 0; pass <= passes; pass++) {
    tokens = 0
    const started = performance.now()
    for (const document of documents) tokens += encoding.encode(document, 0, document.length, out, 0)
    if (pass > 0) best = Math.min(best, performance.now() - started)
  }
  const megabytesPerSecond = (bytes / 1e3 / best).toFixed(1)
  console.log(
    `${encodingName} ${name}: ${megabytesPerSecond} MB/s (${documents.length} documents, ${bytes} bytes, ${tokens} tokens)`,
  )
}
