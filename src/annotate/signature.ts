import { type Batch, type Columns, utf8 } from '../batch/batch.ts'
import { oneOf, optional, type ResolvedOf, whole } from '../options.ts'
import { digest128 } from '../text/hash.ts'
import { hashBands, packSignature, sketchShingles } from '../text/likeness/minhash.ts'
import { cutShingles, ShingleBuffer } from '../text/likeness/shingles.ts'
import { column, count } from './measure.ts'
import { annotator } from './table.ts'

const options = {
  bands: optional('bands; the default is that of FineWeb', whole(1, 64), 14),
  rows: optional(
    'places a band: two texts of similarity s share a band with probability 1 - (1 - s^rows)^bands',
    whole(1, 64),
    8,
  ),
  shingle: optional('words a shingle', whole(1, 64), 5),
  punctuation: optional(
    `whether \`a,b\` is another word than \`a b\`: \`keep\` measures similarity over words between white space, so that no two texts are
      near-duplicates which a reader of words would tell apart; \`ignore\` finds copies with other punctuation too`,
    oneOf(['keep', 'ignore']),
    'keep',
  ),
}

/** What duplicates are found by: see `text/likeness/` for shingles and MinHash. Put it after `normalize()`. */
export const signature = annotator(
  {
    name: 'signature',
    version: 1,
    about: 'What duplicates are found by: MinHash over shingles of words, and a hash of the text as it is here.',
    measures: {},
    options,
    measuresFor: ({ bands, rows }) => ({
      signature: {
        ...column('fixed', 'a byte for each of bands x rows MinHash values; zeros without shingles'),
        width: bands * rows,
      },
      bands: { ...column('fixed', 'a 64-bit hash a band, 8 bytes each; zeros without shingles'), width: bands * 8 },
      shingles: count(
        'shingles, repeats included; 0 for a text of fewer words than one, which is never a near-duplicate',
      ),
      textHash: { ...column('fixed', 'the first 16 bytes of the SHA-256 of the text'), width: 16 },
    }),
  },
  chosen => {
    const places = new Int32Array(chosen.bands * chosen.rows)
    const buffer = new ShingleBuffer()
    return batch => sign(batch, chosen, places, buffer)
  },
)

function sign(
  batch: Batch,
  { bands, rows, shingle, punctuation }: ResolvedOf<typeof options>,
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
