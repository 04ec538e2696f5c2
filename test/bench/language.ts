/**
 * Megabytes of text a second through language identification, on one core: `node test/bench/language.ts CORPUS_DIR [REFERENCE]`.
 * The corpus is JSONL with `id`, `text` and `source`; best of three passes over some 50 MB after a warm-up, in CPU time, which
 * other processes disturb less. REFERENCE is JSONL with `id`, `label` and `score` of the original; its documents are compared.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadLanguageClassifier } from '../../src/annotate/language.ts'

interface Answer {
  readonly id: string
  readonly label: string
  readonly score: number
}

const cutBytesMax = 50_000_000
const passes = 3
const classifier = loadLanguageClassifier()
const [directory, reference] = process.argv.slice(2)
if (directory === undefined) throw new Error('usage: node test/bench/language.ts CORPUS_DIR [REFERENCE]')
measureSpeed(directory)
if (reference !== undefined) compareAnswers(directory, reference)

function* readDocuments(from: string): Generator<{ id: string; bytes: Uint8Array }> {
  for (const file of readdirSync(from).sort()) {
    if (!/^corpus-.*\.jsonl$/.test(file)) continue
    for (const line of readFileSync(join(from, file), 'utf8').split('\n')) {
      if (line === '') continue
      const { id, text } = JSON.parse(line) as { id: string; text: string }
      yield { id, bytes: new TextEncoder().encode(text) }
    }
  }
}

/** Over every seventh document, so that all sources are met. */
function measureSpeed(from: string): void {
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
    for (const bytes of documents) classifier.predict(bytes, 0, bytes.length)
    const { user, system } = process.cpuUsage(before)
    if (pass > 0) best = Math.min(best, user + system)
  }
  console.log(`${(total / best).toFixed(1)} MB/s (${documents.length} documents, ${total} bytes)`)
}

function compareAnswers(from: string, referenceFile: string): void {
  const answers = new Map<string, Answer>()
  for (const line of readFileSync(referenceFile, 'utf8').trimEnd().split('\n')) {
    const answer = JSON.parse(line) as Answer
    answers.set(answer.id, answer)
  }
  let compared = 0
  let sameLabel = 0
  let sameScore = 0
  let difference = 0
  for (const { id, bytes } of readDocuments(from)) {
    const answer = answers.get(id)
    if (answer === undefined) continue
    const { label, score } = classifier.predict(bytes, 0, bytes.length)
    compared++
    if (label === answer.label) sameLabel++
    if (score === answer.score) sameScore++
    difference = Math.max(difference, Math.abs(score - answer.score))
  }
  console.log(
    `${compared} compared: ${sameLabel} labels equal, ${sameScore} scores equal, greatest difference ${difference}`,
  )
}
