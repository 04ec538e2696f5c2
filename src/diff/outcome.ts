import { type Batch, numbers, stringAt, utf8 } from '../batch/batch.ts'
import { type Names, Strings } from '../batch/strings.ts'
import type { Address } from '../decide/decider.ts'
import { HeadraceError } from '../errors.ts'
import { deadRowsOf } from '../record/dead-records.ts'

/** What became of one record in one run, with what a comparison needs of it. */
export interface Outcome {
  readonly slot: number
  readonly row: number
  readonly fate: 'kept' | 'dropped' | 'dead'
  /** Empty for a kept record. */
  readonly reason: string
  /** Its label: see `idOf`. */
  readonly ids: { at(index: number): string } | null
  readonly index: number
  readonly file: string
  readonly line: number
  /** Of a kept record the one that it was kept in. */
  readonly domain: string
  readonly language: string
  /** UTF-8 bytes of its text. */
  readonly bytes: number
  /** Of a kept record, where its shard says. */
  readonly tokens: number | null
  /** Of a removed record: see `evidenceOf` and `similarityOf`. */
  readonly grounds: Grounds | null
  readonly groundsIndex: number
  /** Address of the kept document that a duplicate repeats, or -1. */
  readonly partner: Address
}

/** What spoke against removed records of a slot. It is read of those alone that are shown. */
export interface Grounds {
  evidenceAt(index: number): number | string | null
  similarityAt(index: number): number | null
}

/** The measured value that decided, or what was wrong with a dead record. */
export function evidenceOf({ grounds, groundsIndex }: Outcome): number | string | null {
  return grounds?.evidenceAt(groundsIndex) ?? null
}

/** How like a duplicate is to the document that it repeats. */
export function similarityOf({ grounds, groundsIndex }: Outcome): number | null {
  return grounds?.similarityAt(groundsIndex) ?? null
}

/** A slot of a run as it is recorded, without its texts: columns of `scored`, where each text ends, what was kept, dropped and dead of it. */
export interface SlotRecord {
  readonly slot: number
  readonly scored: Batch
  readonly textOffsets: Int32Array
  readonly kept: Batch
  readonly drops: Batch | null
  readonly dead: Batch | null
  /** Tokens of kept rows that stand in a shard, by row. */
  readonly tokens: ReadonlyMap<number, number>
  /** The names that the run has had so far. */
  readonly names: Names
}

/** The id of a record; empty for a dead one. */
export function idOf({ ids, index }: Outcome): string {
  return ids?.at(index) ?? ''
}

/** The columns of `scored` that outcomes are made of, but for `text`, of which the lengths will do. */
export const outcomeColumns = ['id', 'domain', 'file', 'line', 'row', 'language']

/** The outcomes of a slot in the order of its rows, a measured row's at the place of the row in `scored`. 'corrupt' where a row has not exactly one. */
export function outcomesOf(record: SlotRecord): { measured: Outcome[]; dead: Outcome[] } {
  const { scored, slot, textOffsets, tokens, names } = record
  const rows = numbers(scored, 'row')
  const lines = numbers(scored, 'line')
  const labels = labelsOf(scored, names)
  const drops = new DropRows(record.drops, names)
  const kept = new KeptRows(record.kept, names)
  const measured: Outcome[] = []
  for (let i = 0; i < scored.rows; i++) {
    const row = rows[i]
    const [drop, moved] = [drops.indexOf(row), kept.indexOf(row)]
    if (drop < 0 === moved < 0) throw doubtful(slot, row, drop >= 0)
    const bytes = textOffsets[i + 1] - textOffsets[i]
    const place = { slot, row, index: i, line: lines[i], bytes, tokens: drop < 0 ? (tokens.get(row) ?? null) : null }
    measured.push(
      drop < 0
        ? new MeasuredOutcome(place, labels, null, -1, kept.domainAt(moved))
        : new MeasuredOutcome(place, labels, drops, drop, ''),
    )
  }
  const rest = drops.rest + kept.rest
  if (rest > 0) throw new HeadraceError('corrupt', `slot ${slot}: ${rest} rows were decided and not measured`)
  return { measured, dead: record.dead ? Array.from(deadRowsOf(record.dead), row => deadOutcome(slot, row)) : [] }
}

/** What documents of a slot are called and where they come from. Most of it is never asked for, and then not unpacked. */
interface Labels {
  readonly ids: Strings
  readonly files: Strings
  readonly domains: Strings
  readonly languages: Strings | null
}

function labelsOf(scored: Batch, names: Names): Labels {
  const [files, domains] = ['file', 'domain'].map(name => new Strings(utf8(scored, name), names))
  const languages = scored.columns.language ? new Strings(utf8(scored, 'language'), names) : null
  return { ids: new Strings(utf8(scored, 'id')), files, domains, languages }
}

type Place = Pick<Outcome, 'slot' | 'row' | 'index' | 'line' | 'bytes' | 'tokens'>

/** Of a row that was measured. */
class MeasuredOutcome implements Outcome {
  readonly slot: number
  readonly row: number
  readonly index: number
  readonly line: number
  readonly bytes: number
  readonly fate: 'kept' | 'dropped'
  readonly reason: string
  readonly tokens: number | null
  readonly grounds: DropRows | null
  readonly groundsIndex: number
  readonly partner: Address
  readonly #labels: Labels
  readonly #moved: string

  /** `drops` and `drop`: where it stands there, null and -1 for a kept one. `moved`: the domain that it was kept in, empty for its own. */
  constructor(
    { slot, row, index, line, bytes, tokens }: Place,
    labels: Labels,
    drops: DropRows | null,
    drop: number,
    moved: string,
  ) {
    this.slot = slot
    this.row = row
    this.index = index
    this.line = line
    this.bytes = bytes
    this.fate = drops ? 'dropped' : 'kept'
    this.reason = drops ? drops.reasonAt(drop) : ''
    this.tokens = tokens
    this.grounds = drops
    this.groundsIndex = drop
    this.partner = drops ? drops.partnerAt(drop) : -1
    this.#labels = labels
    this.#moved = moved
  }

  get ids(): Strings {
    return this.#labels.ids
  }

  get file(): string {
    return this.#labels.files.at(this.index)
  }

  get domain(): string {
    return this.#moved || this.#labels.domains.at(this.index)
  }

  get language(): string {
    return this.#labels.languages?.at(this.index) ?? ''
  }
}

function doubtful(slot: number, row: number, isBoth: boolean): HeadraceError {
  const what = isBoth ? 'kept and dropped' : 'neither kept nor dropped'
  return new HeadraceError(
    'corrupt',
    `slot ${slot}: row ${row} is ${what}; headrace verify says what else does not hold`,
  )
}

function deadOutcome(slot: number, of: { row: number; file: string; line: number; reason: string; detail: string }) {
  const { row, file, line, reason, detail } = of
  const none = { ids: null, index: -1, domain: '', language: '', bytes: 0, tokens: null, partner: -1 }
  const grounds: Grounds = { evidenceAt: () => detail, similarityAt: () => null }
  return { ...none, slot, row, file, line, fate: 'dead' as const, reason, grounds, groundsIndex: 0 }
}

/** Rows of a batch that are asked for in rising order. */
class RisingRows {
  readonly #rows: ArrayLike<number>
  #next = 0

  constructor(batch: Batch | null) {
    this.#rows = batch ? numbers(batch, 'row') : []
  }

  /** How many were never asked for. */
  get rest(): number {
    return this.#rows.length - this.#next
  }

  /** Its place among them, or -1. */
  indexOf(row: number): number {
    return this.#rows[this.#next] === row ? this.#next++ : -1
  }
}

/** What `kept` says: the domain that a row was kept in, empty for its own. */
class KeptRows extends RisingRows {
  readonly #domains: Strings | null

  constructor(batch: Batch, names: Names) {
    super(batch)
    this.#domains = batch.columns.domain ? new Strings(utf8(batch, 'domain'), names) : null
  }

  domainAt(index: number): string {
    return this.#domains?.at(index) ?? ''
  }
}

class DropRows extends RisingRows implements Grounds {
  readonly #batch: Batch | null
  readonly #reasons: Strings | null
  readonly #partners: ArrayLike<number>

  constructor(batch: Batch | null, names: Names) {
    super(batch)
    this.#batch = batch
    this.#reasons = batch && new Strings(utf8(batch, 'reason'), names)
    this.#partners = batch ? numbers(batch, 'duplicateOf') : []
  }

  reasonAt(index: number): string {
    return this.#reasons!.at(index)
  }

  partnerAt(index: number): Address {
    return this.#partners[index]
  }

  evidenceAt(index: number): number | string | null {
    return stringAt(utf8(this.#batch!, 'evidenceText'), index) || this.#numberAt('evidence', index)
  }

  similarityAt(index: number): number | null {
    return this.#numberAt('similarity', index)
  }

  #numberAt(name: string, index: number): number | null {
    const value = numbers(this.#batch!, name)[index]
    return Number.isNaN(value) ? null : value
  }
}
