import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The documents of a corpus of JSON Lines with `id` and `text`. */
export function* readDocuments(from: string): Generator<{ id: string; bytes: Uint8Array }> {
  for (const file of readdirSync(from).sort()) {
    if (!/^corpus-.*\.jsonl$/.test(file)) continue
    for (const line of readFileSync(join(from, file), 'utf8').split('\n')) {
      if (line === '') continue
      const { id, text } = JSON.parse(line) as { id: string; text: string }
      yield { id, bytes: new TextEncoder().encode(text) }
    }
  }
}

const cutBytesMax = 50_000_000
const passes = 3

/** Megabytes a second of `work`, over every seventh document, so that all sources are met: best of three passes after a warm-up, in CPU time. */
export function measureSpeed(from: string, work: (bytes: Uint8Array) => void): string {
  const documents: Uint8Array[] = []
  let total = 0
  let line = 0
  for (const { bytes } of readDocuments(from)) {
    if (line++ % 7 !== 0) continue
    documents.push(bytes)
    total += bytes.length
    if (total >= cutBytesMax) break
  }
  let best = Number.POSITIVE_INFINITY
  for (let pass = 0; pass <= passes; pass++) {
    const before = process.cpuUsage()
    for (const bytes of documents) work(bytes)
    const { user, system } = process.cpuUsage(before)
    if (pass > 0) best = Math.min(best, user + system)
  }
  return `${(total / best).toFixed(1)} MB/s (${documents.length} documents, ${total} bytes)`
}
