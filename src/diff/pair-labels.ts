import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'
import { digest128 } from '../text/hash.ts'
import type { LabelColumn } from './label-columns.ts'
import { evidenceOf, idOf, type Outcome, similarityOf } from './outcome.ts'
import type { Pair } from './pair.ts'
import { inOrder, type RunSlot, readRunSlots, type SlotRange } from './run-slots.ts'
import type { Side } from './side.ts'

/** What joining by a label met. */
export interface LabelCounts {
  /** Labels that more than one record of a run has, and records that have such a label, of both runs. */
  repeated: number
  records: number
  /** Records without a label, which are joined by file and line. */
  unlabelled: number
  /** How often the runs are read, as memory holds some of the labels at a time. */
  passes: number
}

/** Two runs, the slots of each, and what joins their records. */
export interface Joining {
  readonly sides: readonly [Side, Side]
  readonly ranges: readonly [SlotRange, SlotRange]
  readonly column: LabelColumn
}

/**
 * The records of two runs, joined by a label: the first one with a label in A with the first one in B, the second with the second, and so
 * on in the order of slots and rows; what is left over is alone. Records without a label, as dead ones, are joined by file and line.
 * A part of the labels at a time, so that memory is bounded (`limits.diffLabelsMax`); within each, in the order of B, then what A alone has.
 */
export async function* pairLabels(joining: Joining, counts: LabelCounts): AsyncGenerator<Pair[], void> {
  const records = joining.sides.reduce((sum, { decide }) => sum + decide.totals.documents, 0)
  Object.assign(counts, {
    repeated: 0,
    records: 0,
    unlabelled: 0,
    passes: Math.ceil(records / limits.diffLabelsMax) || 1,
  })
  for (let pass = 0; pass < counts.passes; pass++) yield* pairPass(joining, pass, counts)
}

async function* pairPass({ sides, ranges, column }: Joining, pass: number, counts: LabelCounts) {
  const [a, b] = sides.map(({ run }, i) =>
    readLabels(readRunSlots(run, ranges[i], { label: column }), { pass, counts }),
  )
  const waiting = new WaitingRecords()
  for await (const records of a) for (const record of records) waiting.add(record)
  for await (const records of b) yield records.map(record => pairOf(waiting.take(record), record))
  waiting.count(counts)
  yield Array.from(waiting.rest(), record => pairOf(record, null))
}

/** The records of A with one label: how many there are, how many have met one of B, and how many B has. */
interface Waiting {
  readonly records: Labelled[]
  next: number
  others: number
}

/** Records of A that wait for their like in B. Refused ('limit') where so many share a label that a part of the labels is too much to hold. */
class WaitingRecords {
  readonly #labels = new Map<string, Waiting>()
  #held = 0

  add(record: Labelled): void {
    this.#find(record).records.push(record)
  }

  take(record: Labelled): Labelled | null {
    const found = this.#find(record)
    found.others++
    return found.records[found.next++] ?? null
  }

  count(counts: LabelCounts): void {
    for (const { records, others } of this.#labels.values()) {
      if (records.length < 2 && others < 2) continue
      counts.repeated++
      counts.records += records.length + others
    }
  }

  *rest(): Generator<Labelled, void> {
    for (const { records, next } of this.#labels.values()) yield* records.slice(next)
  }

  #find(record: Labelled): Waiting {
    if (++this.#held > 2 * limits.diffLabelsMax)
      throw new HeadraceError(
        'limit',
        `too many records share a label, ${record.outcome.file}:${record.outcome.line} among them: join by another`,
      )
    const found = this.#labels.get(record.label) ?? { records: [], next: 0, others: 0 }
    this.#labels.set(record.label, found)
    return found
  }
}

function pairOf(a: Labelled | null, b: Labelled | null): Pair {
  const isUnknown = a && b && (a.digest === null || b.digest === null) && a.outcome.bytes === b.outcome.bytes
  return { a: a?.outcome ?? null, b: b?.outcome ?? null, isSameText: isUnknown ? null : a?.digest === b?.digest }
}

interface Labelled {
  readonly label: string
  readonly outcome: Outcome
  /** Of the text, where the record is kept; null where texts are not stored. */
  readonly digest: string | null
}

async function* readLabels(slots: AsyncIterable<RunSlot>, { pass, counts }: { pass: number; counts: LabelCounts }) {
  for await (const slot of slots) {
    const records = [...labelRecords(slot, { pass, counts })]
    const digests = await digestTexts(slot, records)
    yield records.map(({ label, outcome }, i): Labelled => ({ label, outcome: detach(outcome), digest: digests[i] }))
  }
}

type Named = Pick<Labelled, 'label' | 'outcome'>

/** The records of a slot whose labels this pass is of, in the order of rows. */
function* labelRecords(slot: RunSlot, { pass, counts }: { pass: number; counts: LabelCounts }) {
  for (const outcome of inOrder(slot)) {
    const own = outcome.index < 0 ? '' : slot.labels!.at(outcome.index)
    // A letter before it keeps a label apart from a file and line that look like it.
    const label = shorten(own ? `l${own}` : `f${outcome.file}:${outcome.line}`)
    if (passOf(label, counts.passes) !== pass) continue
    if (!own) counts.unlabelled++
    yield { label, outcome } satisfies Named
  }
}

/** UTF-16 units of a label that is held as it is; of a longer one its digest. */
const labelLengthMax = 64

function shorten(label: string): string {
  return label.length > labelLengthMax ? `d${digestOf(Buffer.from(label))}` : label
}

function passOf(label: string, passes: number): number {
  return passes === 1 ? 0 : Buffer.from(digest128(Buffer.from(label))).readUInt32LE() % passes
}

const digestOf = (bytes: Uint8Array): string => Buffer.from(digest128(bytes)).toString('latin1')

async function digestTexts({ regionOf, readTexts }: RunSlot, records: readonly Named[]): Promise<(string | null)[]> {
  const regions = records.map(({ outcome: { fate, index } }) => {
    const isKept = fate === 'kept'
    return isKept ? regionOf(index) : null
  })
  if (!readTexts) return regions.map(region => (region ? null : ''))
  const textAt = await readTexts(regions.filter(region => region !== null))
  return regions.map(region => (region ? digestOf(textAt(region.at, region.bytes)) : ''))
}

/** The same without the bytes of its slot, of which it would keep all. */
function detach(outcome: Outcome): Outcome {
  const [id, evidence, similarity] = [idOf(outcome), evidenceOf(outcome), similarityOf(outcome)]
  const grounds = outcome.grounds && { evidenceAt: () => evidence, similarityAt: () => similarity }
  const { slot, row, fate, reason, index, file, line, domain, language, bytes, tokens, groundsIndex, partner } = outcome
  const labels = { ids: { at: () => id }, file, domain, language }
  return { ...labels, slot, row, fate, reason, index, line, bytes, tokens, grounds, groundsIndex, partner }
}
