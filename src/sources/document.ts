import { type Batch, Utf8Builder } from '../batch/batch.ts'
import { limits } from '../limits.ts'
import { addField, isRawNumber } from './exact-json.ts'
import { badCharactersIn, faultBits, findFaults, nameFaults, repairText, type Text } from './faults.ts'
import type { Fields } from './fields.ts'
import type { DeadRecord, Parsed } from './source.ts'

/** The labels of a document, in the order of their columns. */
const labelNames = ['id', 'domain', 'url', 'added'] as const
/** The parts of a document that a field of a record can have. */
export const roles = ['text', ...labelNames] as const
const columnNames = [...roles, 'meta', 'file', 'repaired'] as const
type LabelName = (typeof labelNames)[number]

/** A record's parts as they were read: strings, bytes that should be UTF-8, or whatever the file has in their place. */
export interface RawDocument {
  text: unknown
  id: unknown
  domain: unknown
  url: unknown
  added: unknown
  /** A JSON object of all other fields, or empty. */
  meta: string | Uint8Array
  /** What was wrong with the record and is repaired already, as bits of `faultBits`. */
  faults?: number
}

/** Which options say what becomes of a record, and how its fields are called. */
export type DocumentOptions = Pick<Fields, 'domainDefault' | 'strict' | 'lineEnds'> & Partial<Pick<Fields, LabelName>>

/** Bytes that other programs write before a text to say that it is UTF-8. */
export const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])

type Refusal = readonly [reason: string, detail: string]
const detailLengthMax = 200
const smallBytesMax = 4096

/**
 * Gathers the documents and the dead records of one chunk into the columns of `document.v1`.
 *
 * What is wrong in a record costs it no more than that: bytes that are not UTF-8 and lone surrogates become U+FFFD, NUL goes, a label that
 * is no text (a list, an object, true or false) goes to `meta` under its field's name. What was done stands in `repaired`. With `strict`
 * such a record is dead. CRLF and CR become LF in texts, as filters and duplicates must not depend on who wrote the file.
 */
export class DocumentBuilder {
  readonly #file: string
  readonly #fileBytes: Uint8Array
  readonly #options: DocumentOptions
  readonly #columns: Readonly<Record<(typeof columnNames)[number], Utf8Builder>>
  readonly #lines: number[] = []
  readonly #dead: DeadRecord[] = []
  readonly #labels: Text[] = ['', '', '', '']
  /** The record that is added: its text, its further fields, and what is wrong with it. */
  #text: Text = ''
  #meta: Text = ''
  #faults = 0

  /** `bytes` is about what the texts will have together. */
  constructor(file: string, options: DocumentOptions, bytes: number) {
    this.#file = file
    this.#fileBytes = new TextEncoder().encode(file)
    this.#options = options
    // A file of one record is a chunk of its own: its columns are small too, and most labels are empty.
    const [rows, textBytes, labelBytes] = bytes < smallBytesMax ? [1, 3 * bytes, 0] : [64, bytes, 1024]
    const builders = columnNames.map(name => [name, new Utf8Builder(rows, name === 'text' ? textBytes : labelBytes)])
    this.#columns = Object.fromEntries(builders)
  }

  /** Adds the record of `line` as a document, or as dead when its text or a label can't be one. */
  add(line: number, document: RawDocument): void {
    this.#faults = document.faults ?? 0
    this.#meta = document.meta
    const refusal = this.#takeText(document.text) ?? this.#takeLabels(document)
    if (refusal) this.refuse(line, ...refusal)
    else this.#push(line)
  }

  refuse(line: number, reason: string, detail: string): void {
    this.#dead.push({ line, reason, detail: detail.slice(0, detailLengthMax) })
  }

  finish(): Parsed {
    const columns: Record<string, Batch['columns'][string]> = {}
    for (const [name, builder] of Object.entries(this.#columns)) columns[name] = builder.finish()
    columns.line = { kind: 'u32', values: Uint32Array.from(this.#lines) }
    return { batch: { rows: this.#lines.length, columns }, dead: this.#dead }
  }

  /** Text without characters is no document: nothing could be measured of it. */
  #takeText(text: unknown): Refusal | null {
    if (text === undefined) return ['missing-text', 'the record has no text']
    if (typeof text !== 'string' && !(text instanceof Uint8Array))
      return ['text-not-a-string', `the text is ${describeType(text)}`]
    const found = findFaults(text) & (this.#options.lineEnds === 'keep' ? ~faultBits['line-ends'] : ~0)
    const whole = this.#repair(text, found, 'text')
    if (typeof whole !== 'string' && !(whole instanceof Uint8Array)) return whole
    if (whole.length === 0) return ['empty-text', 'the text has no characters']
    this.#text = whole
    return null
  }

  #takeLabels(document: RawDocument): Refusal | null {
    for (let i = 0; i < labelNames.length; i++) {
      const name = labelNames[i]
      const label = toLabel(document[name]) ?? this.#setAside(name, document[name])
      if (typeof label !== 'string' && !(label instanceof Uint8Array)) return label
      const whole = label.length === 0 ? label : this.#repair(label, badCharactersIn(findFaults(label)), name)
      if (typeof whole !== 'string' && !(whole instanceof Uint8Array)) return whole
      this.#labels[i] = whole
    }
    return null
  }

  /** The text without these faults. */
  #repair(text: Text, found: number, name: string): Text | Refusal {
    if (found === 0) return text
    const bad = badCharactersIn(found)
    if (bad && this.#options.strict) return [nameFaults(bad).split(' ')[0], `in the ${name}`]
    const repaired = repairText(text, found)
    if (repaired === null) return [nameFaults(bad).split(' ')[0], `in the ${name}, in too many places`]
    this.#faults |= found
    return repaired
  }

  /** Keeps what is no label in `meta`, under the name of its field. */
  #setAside(name: LabelName, value: unknown): Text | Refusal {
    if (this.#options.strict) return ['bad-field', `the ${name} is ${describeType(value)}`]
    this.#faults |= faultBits['bad-field']
    this.#meta = addField(asString(this.#meta), this.#options[name] ?? name, JSON.stringify(value))
    return ''
  }

  #push(line: number): void {
    const [id, domain, url, added] = this.#labels
    const columns = this.#columns
    columns.text.push(this.#text)
    columns.id.push(id.length ? id : `${this.#file}#${line}`)
    columns.domain.push(domain.length ? domain : this.#options.domainDefault)
    columns.url.push(url)
    columns.added.push(added)
    columns.meta.push(this.#meta)
    columns.file.push(this.#fileBytes)
    columns.repaired.push(nameFaults(this.#faults))
    this.#lines.push(line)
  }
}

export function tooLong(line: number, bytes: number): DeadRecord {
  const detail = `the record has ${bytes} bytes; a document may have ${limits.documentBytesMax}`
  return { line, reason: 'document-too-long', detail }
}

/** A label as text: missing is empty, and so is NaN, which columns of floats have for it; a number becomes its digits; others are null. */
function toLabel(value: unknown): Text | null {
  if (typeof value === 'string' || value instanceof Uint8Array) return value
  if (value === undefined || value === null || Number.isNaN(value)) return ''
  if (isRawNumber(value)) return value.rawJSON
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : null
}

const asString = (text: Text) => (typeof text === 'string' ? text : Buffer.from(text).toString())

function describeType(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (isRawNumber(value)) return 'a number'
  if (typeof value === 'object') return 'an object'
  return typeof value === 'bigint' ? 'a number' : `a ${typeof value}`
}
