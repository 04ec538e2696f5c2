import type { Batch, Columns } from '../batch/batch.ts'
import { utf8 } from '../batch/batch.ts'
import { HeadraceError } from '../errors.ts'
import { digest128 } from '../text/hash.ts'
import { hashBands, packSignature, sketchShingles } from '../text/likeness/minhash.ts'
import { cutShingles, type Punctuation, ShingleBuffer } from '../text/likeness/shingles.ts'
import type { Annotator } from './annotator.ts'

export interface SignatureOptions {
  /** Bands; 14 by default, as FineWeb. */
  readonly bands?: number
  /** Places a band; 8 by default. Two texts of similarity s share a band with probability 1 - (1 - s^rows)^bands. */
  readonly rows?: number
  /** Words a shingle; 5 by default. */
  readonly shingle?: number
  /**
   * Whether `a,b` is another word than `a b`. `keep` (the default) measures similarity over words between white space, so that
   * no two texts are near-duplicates which a reader of words would tell apart; `ignore` finds copies with other punctuation too.
   */
  readonly punctuation?: Punctuation
}

/**
 * What duplicates are found by.
 *
 * - `textHash`: 16 bytes, SHA-256 of the exact bytes of the text as it is here, so after `normalize()` where that comes first.
 * - `signature`: one byte for each of bands x rows MinHash values over shingles of words (see `text/shingles.ts`).
 * - `bands`: a 64-bit hash a band, 8 bytes each.
 * - `shingles`: the number of shingles, repeats included. A text with fewer words than a shingle has 0 and is never a
 *   near-duplicate; its `signature` and `bands` are zeros.
 */
export function signature(options: SignatureOptions = {}): Annotator {
  const { bands = 14, rows = 8, shingle = 5, punctuation = 'keep' } = options
  checkCount('bands', bands, 64)
  checkCount('rows', rows, 64)
  checkCount('shingle', shingle, 64)
  const places = new Int32Array(bands * rows)
  const buffer = new ShingleBuffer()
  return {
    name: 'signature',
    version: 1,
    exact: true,
    options: { bands, rows, shingle, punctuation },
    reads: ['text'],
    writes: [
      { name: 'signature', kind: 'fixed', width: bands * rows },
      { name: 'bands', kind: 'fixed', width: bands * 8 },
      { name: 'shingles', kind: 'u32' },
      { name: 'textHash', kind: 'fixed', width: 16 },
    ],
    resources: [],
    rules: [],
    annotate: batch => sign(batch, { bands, rows, shingle, punctuation }, places, buffer),
  }
}

function checkCount(name: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= max) return
  throw new HeadraceError('bad-option', `signature: ${name} is ${value}; give a whole number from 1 to ${max}`)
}

function sign(
  batch: Batch,
  { bands, rows, shingle, punctuation }: Required<SignatureOptions>,
  places: Int32Array,
  buffer: ShingleBuffer,
): Columns {
  const text = utf8(batch, 'text')
  const signatures = new Uint8Array(batch.rows * places.length)
  const bandHashes = new Uint32Array(batch.rows * bands * 2)
  const shingles = new Uint32Array(batch.rows)
  const textHashes = new Uint8Array(batch.rows * 16)
  for (let row = 0; row < batch.rows; row++) {
    const start = text.offsets[row]
    const end = text.offsets[row + 1]
    textHashes.set(digest128(text.bytes.subarray(start, end)), row * 16)
    const count = cutShingles(text.bytes, start, end, { width: shingle, punctuation }, buffer)
    shingles[row] = count
    if (count === 0) continue
    sketchShingles(buffer.values, count, places)
    packSignature(places, signatures, row * places.length)
    hashBands(places, rows, bandHashes, row * bands * 2)
  }
  return {
    signature: { kind: 'fixed', width: places.length, bytes: signatures },
    bands: { kind: 'fixed', width: bands * 8, bytes: new Uint8Array(bandHashes.buffer) },
    shingles: { kind: 'u32', values: shingles },
    textHash: { kind: 'fixed', width: 16, bytes: textHashes },
  }
}
