import { HeadraceError } from '../errors.ts'
import type { Outcome } from './outcome.ts'
import type { Pair } from './pair.ts'
import { inOrder, type RunSlot, readRunSlots, type SlotRange, type StoredColumn } from './run-slots.ts'
import type { Side } from './side.ts'

type ReadTexts = NonNullable<RunSlot['readTexts']>

/** The records of two runs with the same slots, slot by slot, in the order of rows. */
export async function* pairSlots(
  sides: readonly [Side, Side],
  range: SlotRange,
  isSameText: (slot: number) => boolean,
): AsyncGenerator<Pair[], void> {
  const hasHashes = sides.some(({ run }) => run.run.storedText !== undefined)
  const [left, right] = sides.map(({ run }) => readRunSlots(run, range, { hasHashes }))
  for (let slot = range.from; slot < range.to; slot++) {
    const [of, to] = await Promise.all([left.next(), right.next()])
    yield await pairRows(of.value!, to.value!, isSameText(slot))
  }
}

async function pairRows(a: RunSlot, b: RunSlot, isTextKnown: boolean): Promise<Pair[]> {
  const [left, right] = [inOrder(a), inOrder(b)]
  if (left.length !== right.length) throw otherRows(a.slot, `${left.length} and ${right.length} records`)
  const isSameFiles = isSameStored(a.storedFiles, b.storedFiles)
  const pairs = left.map((outcome, i) => {
    const other = right[i]
    checkSameRecord(outcome, other, isSameFiles)
    return { a: outcome, b: other, isSameText: (outcome.bytes === other.bytes) as boolean | null }
  })
  if (isTextKnown) return pairs
  const doubtful = pairs.flatMap((pair, i) => (isKeptAlike(pair) ? [i] : []))
  if (doubtful.length === 0) return pairs
  const rows = doubtful.map(i => [left[i].index, right[i].index] as const)
  for (const [i, isSame] of (await compareTexts(a, b, rows)).entries()) pairs[doubtful[i]].isSameText = isSame
  return pairs
}

function isKeptAlike({ a, b, isSameText }: Pair): boolean {
  return isSameText === true && a!.fate === 'kept' && b!.fate === 'kept'
}

/**
 * Whether two columns have the same strings, where that is seen without unpacking any; false where it is not. Of most slots both runs store
 * the files in the same bytes.
 */
export function isSameStored(a: StoredColumn | null, b: StoredColumn | null): boolean {
  if (!a || !b) return false
  const offsetsOf = ({ offsets: { buffer, byteOffset, byteLength } }: StoredColumn) =>
    new Uint8Array(buffer, byteOffset, byteLength)
  return Buffer.compare(a.bytes, b.bytes) === 0 && Buffer.compare(offsetsOf(a), offsetsOf(b)) === 0
}

function checkSameRecord(a: Outcome, b: Outcome, isSameFiles: boolean): void {
  const isSameFile = isSameFiles && a.index >= 0 && a.index === b.index
  if (a.row === b.row && a.line === b.line && (isSameFile || a.file === b.file)) return
  const place = ({ file, line, row }: Outcome) => `row ${row} from ${file}:${line}`
  throw otherRows(a.slot, `${place(a)} and ${place(b)}`)
}

function otherRows(slot: number, what: string): HeadraceError {
  return new HeadraceError('bad-option', `slot ${slot} is not the same in both runs: it has ${what}; ${joinByLabel}`)
}

/** What to do about runs with other slots. */
export const joinByLabel = 'compare them by a label that their documents have: --key id, or --key url'

type RowPairs = readonly (readonly [number, number])[]

/** Of pairs of rows, whose texts are of one length each: whether these are the same, or null where nothing stored says so. */
async function compareTexts(a: RunSlot, b: RunSlot, rows: RowPairs): Promise<(boolean | null)[]> {
  if (a.readTexts && b.readTexts) return compareStored([a, b], [a.readTexts, b.readTexts], rows)
  const [left, right] = [a.textHashes, b.textHashes]
  if (!left || !right) return rows.map(() => null)
  const hashAt = (hashes: Uint8Array, row: number) => hashes.subarray(16 * row, 16 * row + 16)
  return rows.map(([one, other]) => Buffer.compare(hashAt(left, one), hashAt(right, other)) === 0)
}

async function compareStored(
  [a, b]: readonly [RunSlot, RunSlot],
  [readLeft, readRight]: readonly [ReadTexts, ReadTexts],
  rows: RowPairs,
): Promise<boolean[]> {
  const left = rows.map(([row]) => a.regionOf(row))
  const right = rows.map(([, row]) => b.regionOf(row))
  const [leftAt, rightAt] = await Promise.all([readLeft(left), readRight(right)])
  return left.map(
    (region, i) => Buffer.compare(leftAt(region.at, region.bytes), rightAt(right[i].at, right[i].bytes)) === 0,
  )
}
