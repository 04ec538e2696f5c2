import { HeadraceError } from '../errors.ts'
import type { Outcome } from './outcome.ts'
import type { Pair } from './pair.ts'
import { inOrder, type RunSlot, readRunSlots, type SlotRange } from './run-slots.ts'
import type { Side } from './side.ts'

/** The records of two runs with the same slots, slot by slot, in the order of rows. */
export async function* pairSlots(
  sides: readonly [Side, Side],
  range: SlotRange,
  isSameText: (slot: number) => boolean,
): AsyncGenerator<Pair[], void> {
  const [left, right] = sides.map(({ run }) => readRunSlots(run, range))
  for (let slot = range.from; slot < range.to; slot++) {
    const [of, to] = await Promise.all([left.next(), right.next()])
    yield await pairRows(of.value!, to.value!, isSameText(slot))
  }
}

async function pairRows(a: RunSlot, b: RunSlot, isTextKnown: boolean): Promise<Pair[]> {
  const [left, right] = [inOrder(a), inOrder(b)]
  if (left.length !== right.length) throw otherRows(a.slot, `${left.length} and ${right.length} records`)
  const pairs = left.map((outcome, i) => {
    const other = right[i]
    checkSameRecord(outcome, other)
    return { a: outcome, b: other, isSameText: outcome.bytes === other.bytes }
  })
  if (isTextKnown) return pairs
  const doubtful = pairs.flatMap((pair, i) => (isKeptAlike(pair) ? [i] : []))
  if (doubtful.length === 0) return pairs
  const different = await findDifferent(
    a,
    b,
    doubtful.map(i => [left[i].index, right[i].index] as const),
  )
  for (const i of different) pairs[doubtful[i]].isSameText = false
  return pairs
}

function isKeptAlike({ a, b, isSameText }: Pair): boolean {
  return isSameText && a!.fate === 'kept' && b!.fate === 'kept'
}

function checkSameRecord(a: Outcome, b: Outcome): void {
  if (a.row === b.row && a.line === b.line && a.file === b.file) return
  const place = ({ file, line, row }: Outcome) => `row ${row} from ${file}:${line}`
  throw otherRows(a.slot, `${place(a)} and ${place(b)}`)
}

function otherRows(slot: number, what: string): HeadraceError {
  return new HeadraceError('bad-option', `slot ${slot} is not the same in both runs: it has ${what}; ${joinByLabel}`)
}

/** What to do about runs with other slots. */
export const joinByLabel = 'compare them by a label that their documents have: --key id, or --key url'

/** Which of the pairs of rows, whose texts are of one length each, have different texts. */
async function findDifferent(a: RunSlot, b: RunSlot, rows: readonly (readonly [number, number])[]): Promise<number[]> {
  const regionOf = ({ textOffsets }: RunSlot, row: number) => ({
    at: textOffsets[row],
    bytes: textOffsets[row + 1] - textOffsets[row],
  })
  const left = rows.map(([row]) => regionOf(a, row))
  const right = rows.map(([, row]) => regionOf(b, row))
  const [leftAt, rightAt] = await Promise.all([a.readTexts(left), b.readTexts(right)])
  return [...rows.keys()].filter(
    i => Buffer.compare(leftAt(left[i].at, left[i].bytes), rightAt(right[i].at, right[i].bytes)) !== 0,
  )
}
