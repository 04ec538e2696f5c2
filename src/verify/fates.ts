import { type Batch, numbers, stringAt, utf8, withColumns } from '../batch/batch.ts'
import { type Address, addressOf, rowOf, slotOf } from '../decide/decider.ts'
import { decodeEntry } from '../record/entry.ts'
import { decodeKept, indexesOf, isWhole, joinKept } from '../record/kept.ts'
import { topics } from '../record/layout.ts'
import { type RunFile, type Segment, segmentAt } from '../record/run-file.ts'
import { decodeScored, textBytesOf, textLength } from '../record/scored.ts'
import { advices, type Check } from './check.ts'
import { judgeKeptTexts } from './kept-texts.ts'
import type { Logged } from './log.ts'
import { KeptRows } from './rows.ts'
import type { KeptByShard } from './sealed.ts'
import type { SlotGroup, SlotParts } from './slots.ts'
import type { TotalsCount } from './totals.ts'

type SlotChecks = Readonly<Record<'headers' | 'fates', Check>>

/** Checks what each slot's rows came to, and hands its parts to those who count. Holds one bit a row; of a recall also of the runs before it. */
export class FateCheck {
  readonly #checks: SlotChecks
  readonly #segments: readonly Segment[]
  readonly #storesKept: boolean
  readonly #totals: TotalsCount
  readonly #sealed: KeptByShard
  readonly #kept = new KeptRows()
  readonly #elsewhere: readonly KeptRows[]

  constructor(
    checks: SlotChecks,
    { segments, storedText }: Pick<RunFile, 'segments' | 'storedText'>,
    totals: TotalsCount,
    sealed: KeptByShard,
    elsewhere: readonly KeptRows[],
  ) {
    this.#elsewhere = elsewhere
    this.#checks = checks
    this.#segments = segments
    this.#storesKept = storedText === 'kept'
    this.#totals = totals
    this.#sealed = sealed
  }

  /** A slot that was measured; its dead rows are read here so that headers are checked though nothing was decided yet. */
  async annotated({ slot, main, side }: SlotGroup): Promise<{ scored: Batch | null; dead: Batch | null }> {
    const scored = await this.#decode(main, slot, topics.scored, decodeScored)
    const dead = side && (await this.#decode(side, slot, topics.dead))
    this.#checkFingerprint(main, segmentAt(this.#segments, slot).annotate, slot, topics.scored)
    if (scored) this.#checkCount(main, 'rows', scored.rows, slot, topics.scored)
    if (!side || dead) this.#checkCount(main, 'dead', dead?.rows ?? 0, slot, topics.scored)
    return { scored, dead: dead ?? null }
  }

  /** A slot that was decided. `before` is what it was decided from, or null where that can't be read. */
  async decided(
    { slot, main, side }: SlotGroup,
    before: { scored: Batch; dead: Batch | null; deadRows: number } | null,
  ): Promise<void> {
    const kept = await this.#decode(main, slot, topics.kept, decodeKept)
    const drops = side && (await this.#decode(side, slot, topics.drops))
    for (const entry of side ? [main, side] : [main])
      this.#checkFingerprint(entry, segmentAt(this.#segments, slot).decide, slot, topics.kept)
    if (kept) this.#checkCount(main, 'rows', kept.rows, slot, topics.kept)
    const rows = kept && joinedOf(before?.scored ?? null, kept)
    this.#sealed.add(slot, rows)
    if (!before || !kept || (side && !drops)) {
      this.#kept.skip(slot)
      this.#totals.skip(`slot ${slot} can't be read`)
      this.#checks.fates.note(`slot ${slot} could not be checked: its entries can't be read`)
      return
    }
    const fail = (what: string) => this.#checks.fates.fail(main, what, advices.report)
    const parts = { ...before, kept, drops: drops ?? null }
    this.#checks.fates.counted += before.scored.rows + before.deadRows
    await this.#checks.fates.attempt(main, advices.report, () => {
      for (const what of judgeFates(slot, parts, this.#storesKept)) fail(what)
      this.#kept.add(slot, numbers(kept, 'row'))
      this.#checkRecalled(slot, numbers(kept, 'row'), fail)
      if (drops) this.#checkDuplicates(slot, drops, fail)
      if (rows) this.#totals.add({ ...parts, kept: rows })
      else this.#totals.skip(`slot ${slot} has kept rows that it has not measured`)
    })
  }

  #isElsewhere(address: Address): boolean {
    return this.#elsewhere.some(kept => kept.has(address) === true)
  }

  /** A recall keeps nothing twice. */
  #checkRecalled(slot: number, rows: ArrayLike<number>, fail: (what: string) => void): void {
    for (let i = 0; i < rows.length; i++)
      if (this.#isElsewhere(addressOf(slot, rows[i])))
        fail(`slot ${slot}, row ${rows[i]} is recalled, and was kept before`)
  }

  #checkDuplicates(slot: number, drops: Batch, fail: (what: string) => void): void {
    const [rows, partners] = [numbers(drops, 'row'), numbers(drops, 'duplicateOf')]
    const reasons = utf8(drops, 'reason')
    for (let i = 0; i < drops.rows; i++) {
      const partner: Address = partners[i]
      if (partner < 0 || this.#isElsewhere(partner)) continue
      const [own, other] = [`slot ${slot}, row ${rows[i]}`, `slot ${slotOf(partner)}, row ${rowOf(partner)}`]
      if (partner >= addressOf(slot, rows[i])) fail(`${own} repeats ${other}, which comes later`)
      else if (this.#kept.has(partner) === false)
        fail(`${own} was dropped as ${stringAt(reasons, i)} of ${other}, which was not kept`)
    }
  }

  #decode(entry: Logged, slot: number, topic: string, decode = decodeEntry): Promise<Batch | null> | null {
    const { value } = entry
    if (!value) return null
    return this.#checks.headers.attempt(entry, `${advices.restore} (${topic}, slot ${slot})`, () => {
      this.#checks.headers.counted++
      return decode(value)
    })
  }

  /** Headers that older or hand-made logs lack are passed over. */
  #checkCount(entry: Logged, name: string, rows: number, slot: number, topic: string): void {
    const said = entry.headers[name]
    if (said === undefined || Number(said) === rows) return
    const what = `${topic}, slot ${slot}: its header says ${said} ${name} and its batch has ${rows}`
    this.#checks.headers.fail(entry, what, advices.report)
  }

  #checkFingerprint(entry: Logged, expected: string, slot: number, topic: string): void {
    const { fingerprint } = entry.headers
    if (fingerprint === undefined || fingerprint === expected) return
    const [is, should] = [fingerprint, expected].map(one => one.slice(0, 12))
    const what = `${topic}, slot ${slot}: it is of pipeline ${is} and the run's segment there of ${should}`
    this.#checks.headers.fail(entry, what, advices.report)
  }
}

const [unseen, live, isDead, done] = [0, 1, 2, 3]
const markNames = ['not measured', 'measured', 'dead', 'has its fate already']

/** What is wrong with a slot's fates: every row from 0 on is measured or dead, and every measured one is kept or dropped, once. */
function judgeFates(slot: number, { scored, dead, kept, drops }: SlotParts, storesKept: boolean): string[] {
  const problems: string[] = []
  const marks = new Uint8Array(scored.rows + (dead?.rows ?? 0)).fill(unseen)
  const mark = (batch: Batch, from: number, to: number, what: string) => {
    const rows = numbers(batch, 'row')
    for (let i = 0; i < batch.rows; i++) {
      if (i > 0 && rows[i] <= rows[i - 1])
        problems.push(`slot ${slot}: the ${what} rows are not in order at row ${rows[i]}`)
      const other = markNames[marks[rows[i]]] ?? 'not a row of the slot'
      if (marks[rows[i]] !== from) problems.push(`slot ${slot}, row ${rows[i]} is ${what} and ${other}`)
      marks[rows[i]] = to
    }
  }
  mark(scored, unseen, live, 'measured')
  if (dead) mark(dead, unseen, isDead, 'dead')
  mark(kept, live, done, 'kept')
  if (drops) mark(drops, live, done, 'dropped')
  const lost = marks.indexOf(live)
  if (lost >= 0) problems.push(`slot ${slot}, row ${lost} was measured and is neither kept nor dropped`)
  const gap = marks.indexOf(unseen)
  if (gap >= 0) problems.push(`slot ${slot} has no row ${gap}`)
  const wrong = problems.length ? null : judgeKeptTexts(slot, scored, kept, storesKept)
  if (wrong !== null) problems.push(wrong)
  return problems
}

/** The kept rows with what is summed and counted of them, or null where that can't be told. */
function joinedOf(scored: Batch | null, kept: Batch): Batch | null {
  if (isWhole(kept)) return kept
  if (!scored || indexesOf(scored, kept).includes(-1)) return null
  const { row, domain } = scored.columns
  const { text, ...labels } = kept.columns
  const joined = joinKept({ rows: scored.rows, columns: { domain, row } }, { rows: kept.rows, columns: labels })
  const all = textBytesOf(scored)
  const values = Uint32Array.from(indexesOf(scored, kept), index => all[index])
  return withColumns(joined, { [textLength]: { kind: 'u32', values } })
}
