import { type Batch, type FixedColumn, fixed, numbers, type Utf8Column, utf8 } from '../batch/batch.ts'
import { kind, type OptionsOf, oneOf, optional, type ResolvedOf, resolveOptions, whole } from '../options.ts'
import { hash64 } from '../text/hash.ts'
import { estimateSimilarity } from '../text/likeness/minhash.ts'
import { addressOf, type Decider, type RowDecider } from './decider.ts'
import type { KeyedTable, ListTable, State, TableShape } from './state.ts'

const isSimilarity = (value: unknown) => typeof value === 'number' && value > 0 && value <= 1
const similarityKind = kind<number>('a number above 0, at most 1', isSimilarity)

export const nearDuplicatesOptions = {
  // With 112 values the estimate's standard error is 0.028 at 0.9, where copies must go, and 0.046 at 0.6, where they must stay:
  // 0.8 is 3.5 and 4.3 of these errors away.
  similarity: optional('drops from this estimated Jaccard similarity of word shingles on', similarityKind, 0.8),
  bands: optional('bands, as `signature()` was given them', whole(1, 64), 14),
  rows: optional('places a band, as `signature()` was given them', whole(1, 64), 8),
  scope: optional(
    'compares with all kept documents, or with those of the same domain',
    oneOf(['all', 'domain']),
    'all',
  ),
}

/**
 * Drops a document that is nearly a kept one. About 0.4 KB a kept document.
 *
 * Candidates are the first kept document in each of its bands' buckets; each is verified by the estimate of the two signatures,
 * and the most similar one is named (of equals, the earliest). Only kept documents are candidates, so a chain of copies, each a
 * little different, ends where it has drifted too far from the first.
 *
 *     .annotate(normalize(), signature()).decide(exactDuplicates(), nearDuplicates({ similarity: 0.85, scope: 'domain' }))
 */
export function nearDuplicates(options: OptionsOf<typeof nearDuplicatesOptions> = {}): Decider {
  const resolved = resolveOptions('nearDuplicates()', nearDuplicatesOptions, options)
  const { bands, rows, scope } = resolved
  const shapeOf = (band: number): TableShape => ({ name: `near-band-${band}`, kind: 'keyed', width: 4 })
  const bandTables = Array.from({ length: bands }, (_, band) => shapeOf(band))
  return {
    name: 'near-duplicates',
    version: 1,
    options: resolved,
    reads: ['signature', 'bands', 'shingles', ...(scope === 'domain' ? ['domain'] : [])],
    reasons: ['near-duplicate'],
    // An item is a signature and a float64 address.
    tables: [...bandTables, { name: 'near-documents', kind: 'list', width: bands * rows + 8 }],
    open: (batch, slot, state) => openBatch(resolved, batch, slot, state),
  }
}

function openBatch(
  { similarity, bands, rows, scope }: ResolvedOf<typeof nearDuplicatesOptions>,
  batch: Batch,
  slot: number,
  state: State,
): RowDecider {
  const size = bands * rows
  const signatures = readFixed(batch, 'signature', size)
  const buckets = readFixed(batch, 'bands', bands * 8)
  const shingles = numbers(batch, 'shingles')
  const rowNumbers = numbers(batch, 'row')
  const domains = scope === 'domain' ? utf8(batch, 'domain') : null
  // Made when the first row is asked for: of many slots the rules keep none, and columns are unpacked when they are read.
  let made: Uint32Array | null = null
  const keysOf = () => (made ??= makeKeys(buckets, domains, bands))
  const tables = Array.from({ length: bands }, (_, band) => state.keyed(`near-band-${band}`))
  const documents = state.list('near-documents')
  const item = new Uint8Array(size + 8)
  const itemView = new DataView(item.buffer)
  const candidates: number[] = []
  return {
    decide(row, verdict) {
      if (shingles[row] === 0) return true
      findCandidates(tables, keysOf(), row, candidates)
      const { found, estimate } = findMostSimilar(candidates, documents, signatures.bytes, row * size, size)
      if (!(estimate >= similarity)) return true
      item.set(documents.at(found))
      verdict.reason = 'near-duplicate'
      verdict.duplicateOf = itemView.getFloat64(size, true)
      verdict.similarity = verdict.evidence = estimate
      return false
    },
    keep(row) {
      if (shingles[row] === 0) return
      item.set(signatures.bytes.subarray(row * size, (row + 1) * size))
      itemView.setFloat64(size, addressOf(slot, rowNumbers[row]), true)
      const number = documents.push(item)
      const keys = keysOf()
      const at = row * bands * 2
      for (let band = 0; band < bands; band++) tables[band].set(keys[at + 2 * band], keys[at + 2 * band + 1], number)
    },
  }
}

function readFixed(batch: Batch, name: string, width: number): FixedColumn {
  const column = fixed(batch, name)
  if (column.width === width) return column
  throw new TypeError(
    `column '${name}' has ${column.width} bytes a row, not ${width}: give both signature() and nearDuplicates() the same bands and rows`,
  )
}

/** A copy, as the bytes may stand at an odd address and the domain may be mixed in. */
function makeKeys({ bytes }: FixedColumn, domains: Utf8Column | null, bands: number): Uint32Array {
  const keys = new Uint32Array(new Uint8Array(bytes).buffer)
  if (domains) addDomains(keys, domains, bands)
  return keys
}

/** Gives each domain its own buckets in the tables that all share. */
function addDomains(keys: Uint32Array, domains: Utf8Column, bands: number): void {
  const hash = new Uint32Array(2)
  for (let row = 0; row * bands * 2 < keys.length; row++) {
    hash64(domains.bytes, domains.offsets[row], domains.offsets[row + 1], 0, hash)
    for (let i = row * bands * 2; i < (row + 1) * bands * 2; i += 2) {
      keys[i] ^= hash[0]
      keys[i + 1] ^= hash[1]
    }
  }
}

/** The numbers of the first kept document in each bucket, each once. */
function findCandidates(tables: readonly KeyedTable[], keys: Uint32Array, row: number, candidates: number[]): void {
  candidates.length = 0
  const at = row * tables.length * 2
  for (let band = 0; band < tables.length; band++) {
    const found = tables[band].get(keys[at + 2 * band], keys[at + 2 * band + 1])
    if (found >= 0 && !candidates.includes(found)) candidates.push(found)
  }
}

function findMostSimilar(
  candidates: readonly number[],
  documents: ListTable,
  signatures: Uint8Array,
  at: number,
  size: number,
): { found: number; estimate: number } {
  let found = -1
  let best = Number.NaN
  for (const candidate of candidates) {
    const estimate = estimateSimilarity(documents.at(candidate), 0, signatures, at, size)
    if (estimate < best || (estimate === best && candidate > found)) continue
    found = candidate
    best = estimate
  }
  return { found, estimate: best }
}
