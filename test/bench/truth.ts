import { readFileSync } from 'node:fs'
import { stringAt, utf8 } from '../../src/batch/batch.ts'
import { readFates } from '../../src/inspect/fates.ts'
import type { LocatedFate } from '../../src/record/fate.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { expectDrop, jaccard } from './parts/similarity.ts'

// npm run bench -- truth RUN_DIR TRUTH.jsonl [SAMPLE]
// Holds a finished run's drops against a corpus' truth file ({dup, orig, kind, jaccard} a line): how many copies whose original was kept
// were dropped naming it, by true similarity, beside what 14 bands of 8 rows and a threshold of 0.8 promise; and the true similarity of
// SAMPLE near-duplicates (default 500) to the document that they name, in the text that was compared.
const [runDir, truthFile, sampleText] = process.argv.slice(2)
if (!runDir || !truthFile) {
  console.log('usage: npm run bench -- truth RUN_DIR TRUTH.jsonl [SAMPLE]')
  process.exit(64)
}
await using run = await RunReader.open(runDir)
const fates = new Map<string, LocatedFate>()
const near: LocatedFate[] = []
for await (const fate of readFates(run)) {
  fates.set(fate.id, fate)
  if (fate.reason === 'near-duplicate') near.push(fate)
}

/** What a pair came to: the copy is named for its original, for another document, dropped otherwise, or kept. */
const outcomes = ['named', 'other document', 'other reason', 'kept'] as const
type Outcome = (typeof outcomes)[number]
const table = new Map<string, Record<Outcome, number> & { promised: number }>()
for (const line of readFileSync(truthFile, 'utf8').trim().split('\n')) {
  const { dup, orig, kind, jaccard: similarity } = JSON.parse(line)
  const pair = [fates.get(dup), fates.get(orig)]
  if (!pair[0] || !pair[1]) continue
  const [copy, original] = pair[1].fate === 'kept' ? [pair[0], pair[1]] : [pair[1], pair[0]]
  if (original.fate !== 'kept') continue
  const bin = /exact/.test(kind)
    ? 'exact'
    : similarity < 0.5
      ? 'below 0.5'
      : `${Math.min(0.9, Math.floor(similarity * 10 + 1e-9) / 10).toFixed(1)}`
  const row = table.get(bin) ?? { named: 0, 'other document': 0, 'other reason': 0, kept: 0, promised: 0 }
  table.set(bin, row)
  const outcome: Outcome =
    copy.fate === 'kept'
      ? 'kept'
      : copy.duplicateOf === original.id
        ? 'named'
        : copy.duplicateOf
          ? 'other document'
          : 'other reason'
  row[outcome]++
  if (outcome !== 'other reason') row.promised += kind.includes('exact') ? 1 : expectDrop(similarity, 0.8)
}

console.log('pairs whose other document was kept, by true similarity (from, up to 0.1 more)')
console.log(['similarity', ...outcomes, 'recall', 'promised'].map(cell => cell.padStart(15)).join(''))
for (const [bin, row] of [...table].sort(([a], [b]) => (a < b ? -1 : 1))) {
  const reached = row.named + row['other document'] + row.kept
  const cells = [
    bin,
    ...outcomes.map(outcome => row[outcome]),
    ((row.named + row['other document']) / reached).toFixed(4),
    (row.promised / reached).toFixed(4),
  ]
  console.log(cells.map(cell => String(cell).padStart(15)).join(''))
}

const textOf = async (address: number) => {
  const { batch, index } = await run.find(address)
  return stringAt(utf8(batch, 'text'), index)
}
const count = Math.min(near.length, sampleText ? Number(sampleText) : 500)
const similarities: number[] = []
for (let i = 0; i < count; i++) {
  const fate = near[Math.floor((i * near.length) / count)]
  similarities.push(jaccard(await textOf(fate.slot * 1_048_576 + fate.row), await textOf(fate.partner)))
}
similarities.sort((a, b) => a - b)
console.log(
  `\n${count} of ${near.length} near-duplicates: least similarity ${similarities[0]}, ${similarities.filter(s => s < 0.6).length} below 0.6, median ${similarities[count >> 1]}`,
)
