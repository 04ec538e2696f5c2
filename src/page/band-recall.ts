import { limits } from '../limits.ts'
import type { RecordedDecider } from '../record/reasons.ts'
import { decidedEnd } from '../record/standing.ts'
import { ComparedSignatures } from '../text/likeness/minhash.ts'
import type { Report } from './report.ts'
import { type Compared, readSignatureRows, type SignatureRows } from './signature-rows.ts'

/** Pairs of documents that are alike, and how many of them share a band. */
export interface Pairs {
  count: number
  sharing: number
}

/** Pairs of one stretch of similarities. */
export interface RecallBin extends Pairs {
  readonly from: number
  /** The sum of the pairs' similarities. */
  similarity: number
}

/** How many pairs of near duplicates are met by the bands of `signature()`: what shares none is never compared. */
export interface BandRecall {
  readonly bands: number
  /** Places of a band. */
  readonly rows: number
  /** From this estimated similarity on `nearDuplicates()` drops. */
  readonly similarity: number
  readonly isByDomain: boolean
  /** The first slot that was looked at: others were trimmed, or decided otherwise. */
  readonly since: number
  /** Documents of which each was compared with all `compared`, of `of` that came to `nearDuplicates()`. */
  readonly chosen: number
  readonly compared: number
  readonly of: number
  readonly bins: readonly RecallBin[]
  /** Pairs of `similarity` or more. */
  readonly alike: Pairs
}

/** Where the bins begin, and how many of them go to 1. Below are nearly all pairs, and bands are not meant to meet them. */
const [least, binsCount] = [0.3, 14]

/** Measures it from what a run has stored; a text says why a run has nothing to measure. */
export async function measureBandRecall({ run, standing, seed }: Report): Promise<BandRecall | string> {
  const { from, reasons } = run.run.segments.at(-1)!
  if (!reasons?.deciders) return 'this run does not say what decided it'
  const place = reasons.deciders.findIndex(({ name }) => name === 'near-duplicates')
  if (place < 0) return 'this run did not look for near-duplicates'
  const compared = comparedBy(from, reasons.deciders.slice(place))
  const end = decidedEnd(standing)
  const rows = await readSignatureRows(run, compared, end, seed)
  const similarity = Number(reasons.deciders[place].options.similarity)
  const { isByDomain } = compared
  const since = Math.max(from, run.first)
  const recall = rows && { ...compareRows(rows, similarity, limits.reportPlacesMax), isByDomain, since }
  if (recall?.bins.some(({ count }) => count > 0)) return recall
  return `no two documents that came to nearDuplicates() have a similarity of ${least} or more`
}

function comparedBy(from: number, deciders: readonly RecordedDecider[]): Compared {
  const reasons = new Set(deciders.flatMap(one => one.reasons))
  return { from, reasons, isByDomain: deciders[0].options.scope === 'domain' }
}

/** Compares rows with the lowest keys, as many as `placesMax` places allow, with all others: each pair once. */
export function compareRows(
  rows: SignatureRows,
  similarity: number,
  placesMax: number,
): Omit<BandRecall, 'isByDomain' | 'since'> {
  const { count, of, places, bands, keys, domains } = rows
  const signatures = new ComparedSignatures(rows.signatures, places)
  const chosen = Math.min(count, Math.max(1, Math.floor(placesMax / (count * places))))
  const order = Array.from(keys, (_, row) => row).sort((a, b) => keys[a] - keys[b] || a - b)
  const bins = Array.from({ length: binsCount }, (_, i) => {
    return { from: least + i / 20, count: 0, sharing: 0, similarity: 0 }
  })
  const alike = { count: 0, sharing: 0 }
  // Of two chosen ones the first meets the second; rows are met as they lie in memory.
  const ranks = new Uint32Array(count)
  for (const [rank, row] of order.entries()) ranks[row] = rank
  for (const a of order.slice(0, chosen)) {
    for (let b = 0; b < count; b++) {
      if (ranks[b] <= ranks[a] || domains[a] !== domains[b]) continue
      const found = signatures.estimate(a, b)
      const bin = bins[Math.min(binsCount - 1, Math.floor(found * 20) - least * 20)]
      if (!bin) continue
      const sharing = Number(shareBand(rows, a, b))
      bin.count++
      bin.sharing += sharing
      bin.similarity += found
      if (found < similarity) continue
      alike.count++
      alike.sharing += sharing
    }
  }
  return { bands, rows: places / bands, similarity, chosen, compared: count, of, bins, alike }
}

function shareBand({ bands, buckets }: SignatureRows, a: number, b: number): boolean {
  for (let band = 0; band < bands; band++) {
    const [atA, atB] = [(a * bands + band) * 8, (b * bands + band) * 8]
    let same = 0
    while (same < 8 && buckets[atA + same] === buckets[atB + same]) same++
    if (same === 8) return true
  }
  return false
}

/** The share of pairs of a true similarity that share a band, of so many bands of so many places. */
export function expectedShare(similarity: number, { bands, rows }: Pick<BandRecall, 'bands' | 'rows'>): number {
  return 1 - (1 - similarity ** rows) ** bands
}
