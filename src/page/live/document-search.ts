import { type Batch, numbers, stringAt, utf8 } from '../../batch/batch.ts'
import { Names, Strings } from '../../batch/strings.ts'
import { NameLimit } from '../../decide/name-limit.ts'
import { limits } from '../../limits.ts'
import { type DeadRow, deadRowsOf } from '../../record/dead-records.ts'
import type { RunReader } from '../../record/run-reader.ts'
import type { DecideTotals } from '../../record/totals.ts'
import { cleanName, cleanPath } from '../../text/printable.ts'
import { readFates } from '../../what-if/recorded.ts'
import type { StoredSlot } from '../../what-if/stored-slots.ts'
import { labelsOf, whyNoText } from '../documents.ts'
import { shownName } from '../report.ts'
import type { ShownDocument } from '../report-data.ts'
import type { Placed } from '../sample-rows.ts'
import type { DocumentQuery } from './document-query.ts'

type Labels = 'slot' | 'row' | 'id' | 'domain' | 'language' | 'fate' | 'reason' | 'place' | 'noText'

/** A document in a list. */
export interface FoundDocument extends Pick<ShownDocument, Labels> {
  /** The beginning of the text, or what was wrong with a dead record, in one line; empty where the text is not stored, with `noText` saying why. */
  readonly head: string
}

/** No slot has a row behind this one. */
export const lastRow = limits.slotRowsMax - 1

const headColumnsMax = 200
const defaultLimit = 20

/** Looks for documents in slots, in their order, until there are enough. Of a slot labels are read first, and all of it where a row needs that. */
export class DocumentSearch {
  readonly found: FoundDocument[] = []
  rows = 0
  textless = 0
  /** The last record that was looked at; `lastRow` of a slot behind which there is none. */
  at: Placed | null = null
  readonly #run: RunReader
  readonly #query: DocumentQuery
  readonly #limit: number
  readonly #words: string | null
  readonly #domains: NameLimit
  readonly #names = new Names()

  constructor(run: RunReader, query: DocumentQuery, totals: Pick<DecideTotals, 'byDomain'>) {
    this.#run = run
    this.#query = query
    this.#limit = query.limit ?? defaultLimit
    this.#words = query.q?.toLowerCase() ?? null
    this.#domains = new NameLimit(Object.keys(totals.byDomain))
  }

  get isFull(): boolean {
    return this.found.length >= this.#limit
  }

  /** The columns of slots that are read at first. */
  columns(): string[] {
    const labels = this.#words === null ? [] : ['id', 'file', 'line']
    return ['row', ...(this.#query.domain === undefined ? [] : ['domain']), ...labels]
  }

  async look(stored: StoredSlot): Promise<void> {
    const { slot, scored } = stored
    const { after } = this.#query
    const rows = numbers(scored, 'row')
    const dead = stored.deadRows ? [...deadRowsOf(stored.deadRows)] : []
    const texts = new SlotTexts(this.#run, slot)
    const isWanted = this.#chooseRows(stored)
    // Rows rise, and dead ones stand between the others.
    for (let [index, k] = [0, 0]; (index < rows.length || k < dead.length) && !this.isFull; ) {
      const isDead = k < dead.length && (index >= rows.length || dead[k].row < rows[index])
      const row = isDead ? dead[k].row : rows[index]
      if (!after || slot > after.slot || row > after.row) {
        this.at = { slot, row }
        this.rows++
        if (isDead) this.#lookAtDead(slot, dead[k])
        else await this.#lookAtRow(stored, index, isWanted(index), texts)
      }
      if (isDead) k++
      else index++
    }
    if (!this.isFull) this.at = { slot, row: lastRow }
  }

  /** For a row why it went, empty where it was kept, or null where its fate or labels are not those that are looked for. */
  #chooseRows({ slot, scored, drops }: StoredSlot): (index: number) => string | null {
    const { fate, reason, domain } = this.#query
    if (fate === 'dead') return () => null
    const { reasons } = readFates(slot, scored, drops, this.#names)
    const domains = domain === undefined ? null : new Strings(utf8(scored, 'domain'), this.#names)
    return index => {
      const found = reasons[index]
      if (fate !== undefined && (found === '') !== (fate === 'kept')) return null
      if (reason !== undefined && (found === '' || !isNamed(found, reason))) return null
      return domains === null || this.#isDomain(domains.at(index)) ? found : null
    }
  }

  #isDomain(name: string): boolean {
    const { domain = '' } = this.#query
    return isNamed(name, domain) || this.#domains.of(name) === domain
  }

  #lookAtDead(slot: number, { row, file, line, reason, detail }: DeadRow): void {
    const query = this.#query
    if ((query.fate ?? 'dead') !== 'dead' || query.domain !== undefined) return
    if (query.reason !== undefined && !isNamed(reason, query.reason)) return
    if (!this.#hasWords(`${file}:${line}`) && !this.#hasWords(detail)) return
    const labels = { id: '', domain: '', language: '', place: `${cleanPath(file)}:${line}` }
    const head = cleanName(detail, headColumnsMax)
    this.found.push({ slot, row, ...labels, fate: 'dead', reason: cleanName(reason), head, noText: '' })
  }

  async #lookAtRow({ slot, scored }: StoredSlot, index: number, reason: string | null, texts: SlotTexts) {
    if (reason === null) return
    if (!this.#hasLabel(scored, index)) {
      const text = await texts.at(index)
      if (text === null) this.textless++
      if (text === null || !this.#hasWords(text)) return
    }
    const row = numbers(scored, 'row')[index]
    const fate = reason === '' ? 'kept' : 'dropped'
    const labels = labelsOf(await texts.batch(), index)
    const head = await texts.headAt(index)
    const noText = head === null ? whyNoText(this.#run) : ''
    this.found.push({ slot, row, ...labels, fate, reason: cleanName(reason), head: head ?? '', noText })
  }

  /** Whether nothing is searched for, or it stands in the id or the place. */
  #hasLabel(scored: Batch, index: number): boolean {
    if (this.#words === null) return true
    const at = (name: string) => stringAt(utf8(scored, name), index)
    return this.#hasWords(at('id')) || this.#hasWords(`${at('file')}:${numbers(scored, 'line')[index]}`)
  }

  #hasWords(text: string): boolean {
    return this.#words === null || text.toLowerCase().includes(this.#words)
  }
}

/** Whether a name is the one that is looked for, which may be as pages show it. */
const isNamed = (name: string, wanted: string) => name === wanted || shownName(name) === wanted

/** UTF-8 bytes that have the beginning of a text, whatever is in it. */
const headBytes = 4096

/** The texts of a slot, which is read whole when one is first asked for. */
class SlotTexts {
  readonly #run: RunReader
  readonly #slot: number
  #batch: Promise<Batch> | null = null

  constructor(run: RunReader, slot: number) {
    this.#run = run
    this.#slot = slot
  }

  batch(): Promise<Batch> {
    this.#batch ??= this.#run.scored(this.#slot)
    return this.#batch
  }

  /** Null where it is not stored. */
  async at(index: number): Promise<string | null> {
    const batch = await this.batch()
    return batch.columns.text ? stringAt(utf8(batch, 'text'), index) : null
  }

  /** Its beginning in one line. */
  async headAt(index: number): Promise<string | null> {
    const batch = await this.batch()
    if (!batch.columns.text) return null
    const { bytes, offsets } = utf8(batch, 'text')
    const [start, end] = [offsets[index], offsets[index + 1]]
    // A text is cut before it is a string, as it may have megabytes; what a cut leaves of a character is behind what is shown.
    const text = new TextDecoder().decode(bytes.subarray(start, Math.min(end, start + headBytes)))
    return cleanName(text, headColumnsMax)
  }
}
