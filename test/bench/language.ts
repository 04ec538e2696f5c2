/**
 * Megabytes of text a second through language identification, on one core: `node test/bench/language.ts CORPUS_DIR [REFERENCE]`.
 * The corpus is JSONL with `id`, `text` and `source`; best of three passes over some 50 MB after a warm-up, in CPU time, which
 * other processes disturb less. REFERENCE is JSONL with `id`, `label` and `score` of the original; its documents are compared.
 */
import { readFileSync } from 'node:fs'
import { loadLanguageClassifier } from '../../src/annotate/language.ts'
import { measureSpeed, readDocuments } from './parts/documents.ts'

interface Answer {
  readonly id: string
  readonly label: string
  readonly score: number
}

const classifier = loadLanguageClassifier()
const [directory, reference] = process.argv.slice(2)
if (directory === undefined) throw new Error('usage: node test/bench/language.ts CORPUS_DIR [REFERENCE]')
console.log(measureSpeed(directory, bytes => classifier.predict(bytes, 0, bytes.length)))
if (reference !== undefined) compareAnswers(directory, reference)

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
