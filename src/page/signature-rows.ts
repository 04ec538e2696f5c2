import { type FixedColumn, fixed, numbers, utf8 } from '../batch/batch.ts'
import { Names } from '../batch/strings.ts'
import { limits } from '../limits.ts'
import type { RunReader } from '../record/run-reader.ts'
import { hash64, hashUnit } from '../text/hash.ts'
import { readFates } from '../what-if/recorded.ts'
import { readStoredSlots, type StoredSlot } from '../what-if/stored-slots.ts'

/** What `signature()` has stored of rows that came to `nearDuplicates()`: of all, or of those in slots that a hash has chosen. */
export interface SignatureRows {
  readonly count: number
  /** All that came. */
  readonly of: number
  /** Places of a signature, a byte each, and bands, eight bytes each. */
  readonly places: number
  readonly bands: number
  readonly signatures: Uint8Array
  readonly buckets: Uint8Array
  /** A hash of each row's address, in [0, 1). */
  readonly keys: Float64Array
  /** A hash of each row's domain; zeros where all rows are compared. */
  readonly domains: Uint32Array
}

interface SlotRows extends Omit<SignatureRows, 'of'> {
  readonly slot: number
}

/** Which rows came to `nearDuplicates()`, and whether it compares those of one domain alone. */
export interface Compared {
  /** The first slot that was decided so. */
  readonly from: number
  /** Those of it and of the deciders behind it. */
  readonly reasons: ReadonlySet<string>
  readonly isByDomain: boolean
}

/** Reads them up to a slot; null where there are none with a shingle. */
export async function readSignatureRows(
  run: RunReader,
  { from, reasons, isByDomain }: Compared,
  end: number,
  seed: number,
): Promise<SignatureRows | null> {
  const columns = ['row', 'shingles', 'signature', 'bands', ...(isByDomain ? ['domain'] : [])]
  const names = new Names()
  const chosen = new ChosenRows(limits.reportSignatureBytesMax)
  for await (const stored of readStoredSlots(run, columns, end)) {
    const { slot, scored, drops } = stored
    if (slot < from) continue
    const fates = readFates(slot, scored, drops, names)
    const shingles = numbers(scored, 'shingles')
    const came: number[] = []
    for (let row = 0; row < scored.rows; row++)
      if (shingles[row] > 0 && (fates.reasons[row] === '' || reasons.has(fates.reasons[row]))) came.push(row)
    chosen.add(hashUnit(seed, `${slot}`), came.length, () => rowsOf(stored, came, isByDomain, seed))
  }
  return chosen.join()
}

function rowsOf({ slot, scored }: StoredSlot, came: readonly number[], isByDomain: boolean, seed: number): SlotRows {
  const [signatures, bands] = ['signature', 'bands'].map(name => fixed(scored, name))
  const rows = numbers(scored, 'row')
  const domains = new Uint32Array(came.length)
  if (isByDomain) {
    const { bytes, offsets } = utf8(scored, 'domain')
    const hash = new Uint32Array(2)
    for (const [i, row] of came.entries()) {
      hash64(bytes, offsets[row], offsets[row + 1], 0, hash)
      domains[i] = hash[1]
    }
  }
  return {
    slot,
    count: came.length,
    places: signatures.width,
    bands: bands.width / 8,
    signatures: takeFixed(signatures, came),
    buckets: takeFixed(bands, came),
    keys: Float64Array.from(came, row => hashUnit(seed, `${slot}/${rows[row]}`)),
    domains,
  }
}

function takeFixed({ width, bytes }: FixedColumn, rows: readonly number[]): Uint8Array {
  const taken = new Uint8Array(rows.length * width)
  for (const [i, row] of rows.entries()) taken.set(bytes.subarray(row * width, (row + 1) * width), i * width)
  return taken
}

/** Rows of the slots with the lowest hashes, as many as there is room for. Holds twice as many at most, and a slot. */
export class ChosenRows {
  readonly #bytesMax: number
  #of = 0
  #parts: { readonly key: number; readonly rows: SlotRows }[] = []
  #bytes = 0
  /** Slots of higher keys are not chosen any more. */
  #bound = Number.POSITIVE_INFINITY

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** `make` is asked for the rows of those slots alone that may be chosen. */
  add(key: number, count: number, make: () => SlotRows): void {
    this.#of += count
    if (key > this.#bound || count === 0) return
    const rows = make()
    this.#parts.push({ key, rows })
    this.#bytes += bytesOf(rows)
    if (this.#bytes >= 2 * this.#bytesMax) this.#shrink()
  }

  /** The chosen rows, in the order of slots and rows; null where there are none. */
  join(): SignatureRows | null {
    this.#shrink()
    const parts = this.#parts.map(({ rows }) => rows).sort((a, b) => a.slot - b.slot)
    if (parts.length === 0) return null
    const { places, bands } = parts[0]
    return {
      count: parts.reduce((sum, { count }) => sum + count, 0),
      of: this.#of,
      places,
      bands,
      signatures: Buffer.concat(parts.map(({ signatures }) => signatures)),
      buckets: Buffer.concat(parts.map(({ buckets }) => buckets)),
      keys: Float64Array.from(parts.flatMap(({ keys }) => [...keys])),
      domains: Uint32Array.from(parts.flatMap(({ domains }) => [...domains])),
    }
  }

  /** Of the last slot that is taken only as many rows are, from its first, as there is room for. */
  #shrink(): void {
    const sorted = this.#parts.sort((a, b) => a.key - b.key)
    this.#parts = []
    this.#bytes = 0
    for (const { key, rows } of sorted) {
      const each = bytesOf(rows) / rows.count
      const taken = Math.min(rows.count, Math.floor((this.#bytesMax - this.#bytes) / each))
      if (taken < rows.count) this.#bound = Math.min(this.#bound, key)
      if (taken === 0) break
      this.#parts.push({ key, rows: taken < rows.count ? firstOf(rows, taken) : rows })
      this.#bytes += taken * each
    }
  }
}

const bytesOf = ({ count, places, bands }: SlotRows) => count * (places + 8 * bands)

function firstOf(rows: SlotRows, count: number): SlotRows {
  const { places, bands, signatures, buckets, keys, domains } = rows
  return {
    ...rows,
    count,
    signatures: signatures.slice(0, count * places),
    buckets: buckets.slice(0, count * bands * 8),
    keys: keys.slice(0, count),
    domains: domains.slice(0, count),
  }
}
