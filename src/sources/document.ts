import { isUtf8 } from 'node:buffer'
import { type Batch, Utf8Builder } from '../batch/batch.ts'
import { limits } from '../limits.ts'
import type { DeadRecord, Parsed } from './source.ts'

/** The labels of a document, in the order of their columns. */
const labelNames = ['id', 'domain', 'url', 'added'] as const
/** The parts of a document that a field of a record can have. */
export const roles = ['text', ...labelNames] as const
const columnNames = [...roles, 'meta', 'file'] as const

/** A record's parts as they were read: strings, bytes that should be UTF-8, or whatever the file has in their place. */
export interface RawDocument {
  text: unknown
  id: unknown
  domain: unknown
  url: unknown
  added: unknown
  /** A JSON object of all other fields, or empty. */
  meta: string | Uint8Array
}

/** Bytes that other programs write before a text to say that it is UTF-8. */
export const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])

type Text = string | Uint8Array
type Fault = readonly [reason: string, detail: string]
const detailLengthMax = 200
const smallBytesMax = 4096

/** Gathers the documents and the dead records of one chunk into the columns of `document.v1`. */
export class DocumentBuilder {
  readonly #file: string
  readonly #fileBytes: Uint8Array
  readonly #domainDefault: string
  readonly #columns: Readonly<Record<(typeof columnNames)[number], Utf8Builder>>
  readonly #lines: number[] = []
  readonly #dead: DeadRecord[] = []
  readonly #labels: Text[] = ['', '', '', '']

  /** `bytes` is about what the texts will have together. */
  constructor(file: string, domainDefault: string, bytes: number) {
    this.#file = file
    this.#fileBytes = new TextEncoder().encode(file)
    this.#domainDefault = domainDefault
    // A file of one record is a chunk of its own: its columns are small too.
    const [rows, labelBytes] = bytes < smallBytesMax ? [4, 64] : [64, 1024]
    const builders = columnNames.map(name => [name, new Utf8Builder(rows, name === 'text' ? bytes : labelBytes)])
    this.#columns = Object.fromEntries(builders)
  }

  /** Adds the record of `line` as a document, or as dead when its text or a label can't be one. */
  add(line: number, document: RawDocument): void {
    const fault = judgeText(document.text) ?? this.#takeLabels(document)
    if (fault) this.refuse(line, ...fault)
    else this.#push(line, document.text as Text, document.meta)
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

  #takeLabels(document: RawDocument): Fault | null {
    for (let i = 0; i < labelNames.length; i++) {
      const name = labelNames[i]
      const label = toLabel(document[name])
      if (label === null) return ['bad-field', `the ${name} is ${describeType(document[name])}`]
      const fault = findFault(label)
      if (fault) return [fault, `in the ${name}`]
      this.#labels[i] = label
    }
    return null
  }

  #push(line: number, text: Text, meta: Text): void {
    const [id, domain, url, added] = this.#labels
    const columns = this.#columns
    columns.text.push(text)
    columns.id.push(id.length ? id : `${this.#file}#${line}`)
    columns.domain.push(domain.length ? domain : this.#domainDefault)
    columns.url.push(url)
    columns.added.push(added)
    columns.meta.push(meta)
    columns.file.push(this.#fileBytes)
    this.#lines.push(line)
  }
}

export function tooLong(line: number, bytes: number): DeadRecord {
  const detail = `the record has ${bytes} bytes; a document may have ${limits.documentBytesMax}`
  return { line, reason: 'document-too-long', detail }
}

/** Text without characters is no document: nothing could be measured of it. */
function judgeText(text: unknown): Fault | null {
  if (text === undefined) return ['missing-text', 'the record has no text']
  if (typeof text !== 'string' && !(text instanceof Uint8Array))
    return ['text-not-a-string', `the text is ${describeType(text)}`]
  if (text.length === 0) return ['empty-text', 'the text has no characters']
  const fault = findFault(text)
  return fault === null ? null : [fault, 'in the text']
}

/** What is wrong with characters, or null. Lone surrogates are no Unicode text; NUL ends strings in too many programs. */
function findFault(text: Text): string | null {
  if (typeof text === 'string') {
    if (!text.isWellFormed()) return 'lone-surrogate'
    return text.includes('\0') ? 'nul-character' : null
  }
  if (!isUtf8(text)) return 'invalid-utf8'
  return Buffer.from(text.buffer, text.byteOffset, text.length).includes(0) ? 'nul-character' : null
}

/** A label as text: missing is empty, a number becomes its digits, anything else but text is null. */
function toLabel(value: unknown): Text | null {
  if (typeof value === 'string' || value instanceof Uint8Array) return value
  if (value === undefined || value === null) return ''
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : null
}

function describeType(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  return typeof value === 'bigint' ? 'a number' : `a ${typeof value}`
}
