/**
 * What signatures and duplicates cost and find on a corpus with known copies:
 * `node test/bench/duplicates.ts CORPUS_DIR [--similarity 0.8] [--punctuation keep|ignore] [--sample 500]`.
 * The folder holds `corpus-*.jsonl` ({id, text, source}) and `truth.jsonl` ({dup, orig, jaccard}). No runtime is involved.
 */
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { decideBatch, type Fate } from '../../conformance/decider.ts'
import { signature } from '../../src/annotate/signature.ts'
import { type Batch, type Columns, Utf8Builder, withColumns } from '../../src/batch/batch.ts'
import { type Address, addressOf } from '../../src/decide/decider.ts'
import { exactDuplicates } from '../../src/decide/exact-duplicates.ts'
import { nearDuplicates } from '../../src/decide/near-duplicates.ts'
import { openTables } from '../../src/decide/tables/tables.ts'
import type { Punctuation } from '../../src/text/likeness/letters.ts'
import { expectDrop, jaccard, shareBand } from './parts/similarity.ts'

const slotBytes = 512 * 1024

interface Place {
  readonly id: string
  readonly file: string
  readonly start: number
  readonly length: number
}
interface Slot {
  readonly batch: Batch
  readonly places: readonly Place[]
}

function* readSlots(folder: string): Generator<Slot> {
  let text = new Utf8Builder()
  let domain = new Utf8Builder()
  let places: Place[] = []
  let bytes = 0
  const finish = (): Slot => {
    const row = { kind: 'u32', values: Uint32Array.from(places.keys()) } as const
    return { batch: { rows: places.length, columns: { text: text.finish(), domain: domain.finish(), row } }, places }
  }
  for (const name of readdirSync(folder)
    .filter(file => /^corpus-\d+\.jsonl$/.test(file))
    .sort()) {
    const file = join(folder, name)
    const content = readFileSync(file)
    for (let start = 0, end: number; (end = content.indexOf(10, start)) >= 0; start = end + 1) {
      const document = JSON.parse(content.toString('utf8', start, end))
      text.push(document.text)
      domain.push(document.source)
      places.push({ id: document.id, file, start, length: end - start })
      bytes += end - start
      if (bytes < slotBytes) continue
      yield finish()
      text = new Utf8Builder()
      domain = new Utf8Builder()
      places = []
      bytes = 0
    }
  }
  if (places.length > 0) yield finish()
}

function readText({ file, start, length }: Place): string {
  const bytes = Buffer.alloc(length)
  const handle = openSync(file, 'r')
  readSync(handle, bytes, 0, length, start)
  closeSync(handle)
  return JSON.parse(bytes.toString('utf8')).text
}

interface Outcome {
  readonly fates: Map<string, Fate & { readonly order: number; readonly place: Place }>
  readonly byAddress: Map<Address, Place>
}

async function decideAll(folder: string, similarity: number, punctuation: Punctuation): Promise<Outcome> {
  const annotator = signature({ punctuation })
  const deciders = [exactDuplicates(), nearDuplicates({ similarity })]
  const shapes = deciders.flatMap(decider => decider.tables)
  await using state = await openTables({ path: null, shapes, identity: 'bench' })
  const fates: Outcome['fates'] = new Map()
  const byAddress = new Map<Address, Place>()
  const milliseconds = { annotate: 0, decide: 0 }
  let textBytes = 0
  let slot = 0
  for (const { batch, places } of readSlots(folder)) {
    const begin = performance.now()
    const signed = withColumns(batch, annotator.annotate(batch) as Columns)
    const middle = performance.now()
    const decided = decideBatch(deciders, signed, slot, state)
    milliseconds.annotate += middle - begin
    milliseconds.decide += performance.now() - middle
    await state.seal(slot + 1)
    const text = batch.columns.text
    if (text.kind === 'utf8') textBytes += text.bytes.length
    for (const [row, fate] of decided.entries()) {
      fates.set(places[row].id, { ...fate, order: fates.size, place: places[row] })
      if (fate.reason === '') byAddress.set(addressOf(slot, row), places[row])
    }
    slot++
  }
  const kept = byAddress.size
  console.log(
    `${fates.size} documents, ${(textBytes / 1e6).toFixed(1)} MB of text, ${kept} kept, similarity ${similarity}`,
  )
  console.log(`signature          ${(textBytes / 1e3 / milliseconds.annotate).toFixed(1)} MB/s`)
  console.log(`decide             ${((fates.size / milliseconds.decide) * 1e3).toFixed(0)} documents/s`)
  console.log(`signature + decide ${(textBytes / 1e3 / (milliseconds.annotate + milliseconds.decide)).toFixed(1)} MB/s`)
  console.log(`tables             ${(state.bytesUsed() / kept).toFixed(0)} bytes a kept document`)
  return { fates, byAddress }
}

function reportRecall(folder: string, { fates }: Outcome, similarity: number): void {
  const lines = readFileSync(join(folder, 'truth.jsonl'), 'utf8').trim().split('\n')
  const bins = Array.from({ length: 7 }, () => ({
    pairs: 0,
    dropped: 0,
    shared: 0,
    expected: 0,
    missed: [] as string[],
  }))
  for (const line of lines) {
    const { dup, orig, jaccard, kind } = JSON.parse(line)
    const pair = [fates.get(dup), fates.get(orig)].sort((a, b) => (a?.order ?? 0) - (b?.order ?? 0))
    if (!pair[0] || !pair[1] || pair[0].reason !== '') continue
    const bin = /exact/.test(kind) ? 6 : jaccard < 0.5 ? 0 : Math.min(5, Math.floor(jaccard * 10 + 1e-9) - 4)
    const counts = bins[bin]
    counts.pairs++
    if (pair[1].reason !== '') counts.dropped++
    else counts.missed.push(`${dup} ${kind} ${jaccard}`)
    counts.shared += shareBand(jaccard)
    counts.expected += expectDrop(jaccard, similarity)
  }
  console.log('\ntrue Jaccard    pairs  dropped  recall   expected  bands alone (both in theory)')
  const labels = ['below 0.5', '0.5 - 0.6', '0.6 - 0.7', '0.7 - 0.8', '0.8 - 0.9', '0.9 - 1.0', 'exact copies']
  for (const [i, { pairs, dropped, shared, expected }] of bins.entries())
    console.log(
      `${labels[i].padEnd(14)}${String(pairs).padStart(7)}${String(dropped).padStart(9)}` +
        [dropped, expected, shared].map(n => (n / pairs).toFixed(4).padStart(9)).join(' '),
    )
  for (const missed of [...bins[5].missed, ...bins[6].missed].slice(0, 40)) console.log(`missed: ${missed}`)
}

function reportDrops({ fates, byAddress }: Outcome, sampleMax: number): void {
  const drops = [...fates.values()].filter(fate => fate.reason === 'near-duplicate')
  const step = Math.max(1, Math.floor(drops.length / sampleMax))
  const measured = drops
    .filter((_, i) => i % step === 0)
    .slice(0, sampleMax)
    .map(drop => {
      const named = byAddress.get(drop.duplicateOf)
      if (!named) throw new Error(`a drop names ${drop.duplicateOf}, which was not kept`)
      return { drop, named, similarity: jaccard(readText(named), readText(drop.place)) }
    })
    .sort((a, b) => a.similarity - b.similarity)
  const below = (limit: number): number => measured.filter(m => m.similarity < limit).length
  console.log(`\n${drops.length} near-duplicates dropped; true Jaccard to the named document of ${measured.length}:`)
  console.log(`minimum ${measured[0]?.similarity.toFixed(3)}, below 0.6: ${below(0.6)}, below 0.7: ${below(0.7)}`)
  for (const { drop, named, similarity } of measured.slice(0, 10))
    console.log(`${similarity.toFixed(3)} estimated ${drop.similarity.toFixed(3)} ${drop.place.id} of ${named.id}`)
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { similarity: { type: 'string' }, punctuation: { type: 'string' }, sample: { type: 'string' } },
})
const similarity = Number(values.similarity ?? 0.8)
const outcome = await decideAll(positionals[0], similarity, values.punctuation === 'ignore' ? 'ignore' : 'keep')
reportRecall(positionals[0], outcome, similarity)
reportDrops(outcome, Number(values.sample ?? 500))
