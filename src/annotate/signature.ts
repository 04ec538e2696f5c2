import type { NumberArray } from '../batch/batch.ts'
import { oneOf, optional, whole } from '../options.ts'
import { digest128 } from '../text/hash.ts'
import { dropInvisible } from '../text/invisible.ts'
import { hashBands, packSignature, sketchShingles } from '../text/likeness/minhash.ts'
import { cutShingles, ShingleBuffer } from '../text/likeness/shingles.ts'
import { filter } from './filter.ts'
import { columnOf, count, type Measure } from './measure.ts'

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
export const signature = filter({
  name: 'signature',
  version: 2,
  about: `What duplicates are found by: MinHash over shingles of words, and a hash of the text as it is here. Neither sees characters that
    show nothing (Default_Ignorable_Code_Point: soft hyphens, joiners, variation selectors ...). Shingles take full-width and half-width
    forms as what they are forms of, and are of letter clusters where a script has no spaces (Chinese, Japanese, Thai, Lao, Khmer,
    Burmese, Tibetan, Javanese ...); in the hash these stay.`,
  measures: {},
  options,
  measuresFor: ({ bands, rows }) => ({
    signature: fixed('a byte for each of bands x rows MinHash values; zeros without shingles', bands * rows),
    bands: fixed('a 64-bit hash a band, 8 bytes each; zeros without shingles', bands * 8),
    shingles: count(
      'shingles, repeats included; 0 for a text of fewer words than one, which is never a near-duplicate: the summary counts those kept',
    ),
    textHash: fixed('the first 16 bytes of the SHA-256 of the text without the characters that show nothing', 16),
  }),
  prepare: chosen => ({ ...chosen, places: new Int32Array(chosen.bands * chosen.rows), buffer: new ShingleBuffer() }),
  measure({ rows, bytes, offsets }, out: { readonly shingles?: NumberArray }, prepared) {
    const { bands, shingle: width, punctuation, places, buffer } = prepared
    const signatures = new Uint8Array(rows * places.length)
    const bandHashes = new Uint32Array(rows * bands * 2)
    const textHashes = new Uint8Array(rows * 16)
    for (let row = 0; row < rows; row++) {
      const [start, end] = [offsets[row], offsets[row + 1]]
      const count = cutShingles(bytes, start, end, { width, punctuation }, buffer)
      const shown = buffer.invisible > 0 ? dropInvisible(bytes, start, end) : bytes.subarray(start, end)
      textHashes.set(digest128(shown), row * 16)
      out.shingles![row] = count
      if (count === 0) continue
      sketchShingles(buffer, count, places)
      packSignature(places, signatures, row * places.length)
      hashBands(places, prepared.rows, bandHashes, row * bands * 2)
    }
    return {
      signature: { kind: 'fixed', width: places.length, bytes: signatures },
      bands: { kind: 'fixed', width: bands * 8, bytes: new Uint8Array(bandHashes.buffer) },
      textHash: { kind: 'fixed', width: 16, bytes: textHashes },
    }
  },
})

function fixed(about: string, width: number): Measure {
  return { ...columnOf('fixed')(about), width }
}
