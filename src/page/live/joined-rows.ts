import {
  type Batch,
  type Column,
  type NumberArray,
  type NumberKind,
  numberArrays,
  utf8From,
} from '../../batch/batch.ts'
import { TokenRates } from '../../record/token-rates.ts'
import type { DecideTotals } from '../../record/totals.ts'
import type { StoredSlot } from '../../what-if/stored-slots.ts'
import { Numbers } from '../collect.ts'
import { Kernel } from '../kernel.ts'
import { cutName, kindOf, type RowColumns, type Values } from '../pack-rows.ts'
import type { RowReader } from '../row-reader.ts'

/** What a sample holds of a slot's rows, in their order. */
export interface HeldSlot {
  readonly slot: number
  /** How many they are. */
  readonly count: number
  readonly part: number
  readonly rows: Uint32Array
  readonly reasons: readonly string[]
  readonly domains: readonly string[]
  readonly languages: readonly string[]
  readonly bytes: Uint32Array
  /** -1 where they are not known. */
  readonly tokens: Int32Array
  /** Of each of the reader's columns. */
  readonly values: readonly Values[]
}

/** Takes the first rows of a slot, `rowsMax` at most, with copies of what is needed: what was read is many times these. */
export function holdSlot(stored: StoredSlot, reader: RowReader, rowsMax: number): HeldSlot {
  const { part, rows, fates, domains, languages, values } = reader.read(stored)
  const { textOffsets } = stored
  const count = Math.min(rowsMax, stored.scored.rows)
  return {
    slot: stored.slot,
    count,
    part,
    rows: Uint32Array.from(rows.subarray(0, count)),
    reasons: fates.reasons.slice(0, count),
    domains: domains.slice(0, count),
    languages: languages?.slice(0, count) ?? new Array<string>(count).fill(''),
    bytes: Uint32Array.from({ length: count }, (_, i) => textOffsets[i + 1] - textOffsets[i]),
    tokens: new Int32Array(count).fill(-1),
    values: values.map(read =>
      holdValues(
        Array.from({ length: count }, (_, i) => read(i)),
        reader.named,
      ),
    ),
  }
}

function holdValues(values: readonly (number | string)[], named: ReadonlySet<string>): Values {
  if (values.some(value => typeof value === 'string')) return values.map(value => cutName(String(value), named))
  const numbers = values as readonly number[]
  return new numberArrays[kindOf(numbers)](numbers)
}

/** Rows of several slots, as a report has them and as they are decided again. */
export class JoinedRows {
  readonly rows: RowColumns & { readonly reason: Uint16Array; readonly part: Uint16Array; readonly domain: Uint16Array }
  readonly batch: Batch
  readonly domains: readonly string[]
  readonly languages: readonly string[]
  readonly rates = new TokenRates()
  readonly #reasons = new Numbers()
  readonly #reader: RowReader
  #kernel: Kernel | null = null

  /** The slots may come in any order. */
  constructor(held: readonly HeldSlot[], reader: RowReader) {
    this.#reader = reader
    const slots = held.toSorted((a, b) => a.slot - b.slot)
    const [domains, languages] = [new Numbers(), new Numbers()]
    this.#reasons.of('')
    const length = slots.reduce((sum, { count }) => sum + count, 0)
    const numbersOf = (names: 'reasons' | 'domains' | 'languages', numbers: Numbers) => {
      const all = new Uint16Array(length)
      let row = 0
      for (const slot of slots) for (const name of slot[names]) all[row++] = numbers.of(name)
      return all
    }
    const values = reader.columns.map((_, i) => joinValues(slots.map(slot => slot.values[i])))
    this.rows = {
      reason: numbersOf('reasons', this.#reasons),
      part: Uint16Array.from(slots.flatMap(({ part, count }) => new Array<number>(count).fill(part))),
      domain: numbersOf('domains', domains),
      language: numbersOf('languages', languages),
      bytes: joinNumbers(slots.map(slot => slot.bytes)),
      tokens: joinNumbers(slots.map(slot => slot.tokens)),
      values,
    }
    this.domains = domains.names
    this.languages = languages.names
    const columns = reader.columns.map((name, i): [string, Column] => [name, columnOf(values[i])])
    this.batch = { rows: length, columns: Object.fromEntries(columns) }
    for (const { languages: names, bytes, tokens } of slots)
      for (const [i, known] of tokens.entries()) if (known >= 0) this.rates.add(names[i], bytes[i], known)
  }

  /** All reasons that the run's totals have, those of rows first, and how often each was met: the first is empty, of what is kept. */
  count({ kept, dropped }: Pick<DecideTotals, 'kept' | 'dropped'>): { reasons: readonly string[]; counts: number[] } {
    for (const name of Object.keys(dropped)) this.#reasons.of(name)
    const reasons = this.#reasons.names
    return { reasons, counts: reasons.map(name => (name === '' ? kept : (dropped[name] ?? 0))) }
  }

  /** Null where the run does not say what decided it. */
  get kernel(): Kernel | null {
    const { parts } = this.#reader
    if (parts) this.#kernel ??= new Kernel({ batch: this.batch, ...this.rows }, parts, this.#reasons.names)
    return this.#kernel
  }
}

const isNumbers = (values: Values): values is NumberArray => ArrayBuffer.isView(values)

/** Of columns that hold numbers in some slots and names in others, all as names, as in a report. */
function joinValues(slots: readonly Values[]): Values {
  if (slots.every(isNumbers)) return joinNumbers(slots)
  return slots.flatMap(values => Array.from<number | string, string>(values, String))
}

/** In the kind that holds all: a float64 holds every other as it is. */
function joinNumbers(slots: readonly NumberArray[]): NumberArray {
  const kinds = new Set(slots.map(kindOfArray))
  const length = slots.reduce((sum, values) => sum + values.length, 0)
  const joined = new numberArrays[kinds.size === 1 ? [...kinds][0] : 'f64'](length)
  let at = 0
  for (const values of slots) {
    joined.set(values, at)
    at += values.length
  }
  return joined
}

const kindNames = Object.keys(numberArrays) as NumberKind[]
const kindOfArray = (values: NumberArray) => kindNames.find(kind => values instanceof numberArrays[kind])!

function columnOf(values: Values): Column {
  return isNumbers(values) ? { kind: kindOfArray(values), values } : utf8From(values.map(String))
}
