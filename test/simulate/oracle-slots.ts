import { isUtf8 } from 'node:buffer'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'

/** A file of the input, by the name that the run has for it. */
export interface InputFile {
  readonly name: string
  readonly bytes: Uint8Array
}

/** Which field of a record is what, as the options of the source `jsonl` say. */
export interface FieldNames {
  readonly text: string
  readonly id: string
  readonly domain: string
  readonly url: string
  readonly added: string
  readonly domainDefault: string
}

export interface CutLimits {
  readonly lanes: number
  readonly slotBytes: number
  readonly documentBytesMax: number
}

/** A record of the input: a document, or dead with a reason. */
export interface InputRecord {
  readonly file: string
  readonly line: number
  readonly document: RecordDocument | null
  readonly deadReason: string | null
}

export interface RecordDocument {
  readonly text: string
  readonly id: string
  readonly domain: string
  readonly url: string
  readonly added: string
  readonly meta: string
}

/** Some lines of a file that are read together. `bytes` is what they count towards a slot. */
interface Piece {
  readonly records: readonly InputRecord[]
  readonly bytes: number
}

/** The slots of a source that ends: which records each has, in the order of their rows. */
export function cutSlots(files: readonly InputFile[], names: FieldNames, limits: CutLimits): InputRecord[][] {
  // Files are read in the order of their names' bytes; file k belongs to lane k mod lanes.
  const sorted = [...files].sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
  const lanes: InputRecord[][][] = Array.from({ length: limits.lanes }, (_, lane) =>
    groupPieces(
      sorted.filter((_, k) => k % limits.lanes === lane).flatMap(file => cutPieces(file, names, limits)),
      limits,
    ),
  )
  // Lanes give a slot each in turn; one that has no more is passed over.
  const rounds = Math.max(0, ...lanes.map(lane => lane.length))
  return Array.from({ length: rounds }, (_, round) => lanes.flatMap(lane => lane.slice(round, round + 1))).flat()
}

/** A slot takes pieces until it has half of its bytes, where a small piece counts 256. */
function groupPieces(pieces: readonly Piece[], { slotBytes }: CutLimits): InputRecord[][] {
  const slots: InputRecord[][] = []
  let bytes = slotBytes
  for (const piece of pieces) {
    if (bytes >= slotBytes / 2) {
      slots.push([])
      bytes = 0
    }
    slots.at(-1)!.push(...piece.records)
    bytes += Math.max(piece.bytes, 256)
  }
  return slots
}

/** A piece is all lines that end within a slot's bytes, or one longer line. Too long a line is dead and has no bytes. */
function cutPieces(file: InputFile, names: FieldNames, { slotBytes, documentBytesMax }: CutLimits): Piece[] {
  const lines = splitLines(decompress(file))
  const pieces: Piece[] = []
  for (let from = 0; from < lines.length; ) {
    let to = from
    let bytes = 0
    while (to < lines.length && fits(bytes + lines[to].length, lines[to], slotBytes)) bytes += lines[to++].length
    if (to > from) {
      const records = lines.slice(from, to).flatMap((line, i) => readRecord(file.name, from + 1 + i, line, names))
      pieces.push({ records, bytes })
    } else {
      const content = lines[from].length - (endsInNewline(lines[from]) ? 1 : 0)
      const isDead = content > documentBytesMax
      pieces.push({
        records: isDead
          ? [{ file: file.name, line: from + 1, document: null, deadReason: 'document-too-long' }]
          : readRecord(file.name, from + 1, lines[from], names),
        bytes: isDead ? 0 : lines[from].length,
      })
      to = from + 1
    }
    from = to
  }
  return pieces
}

/** A line ends with its newline; a last line without one ends only where the file does, which takes a byte more to see. */
function fits(bytes: number, line: Uint8Array, slotBytes: number): boolean {
  return endsInNewline(line) ? bytes <= slotBytes : bytes < slotBytes
}

const endsInNewline = (line: Uint8Array) => line.at(-1) === 10

function splitLines(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const newline = bytes.indexOf(10, at)
    const end = newline < 0 ? bytes.length : newline + 1
    lines.push(bytes.subarray(at, end))
    at = end
  }
  return lines
}

/** Whole compressed files only: what a damaged one still gives depends on its decoder. */
function decompress({ bytes }: InputFile): Uint8Array {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return gunzipSync(bytes)
  if (bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd) return zstdDecompressSync(bytes)
  return bytes
}

/** Every record of the input, file by file. */
export function readRecords(files: readonly InputFile[], names: FieldNames, limits: CutLimits): InputRecord[] {
  return files.flatMap(file => cutPieces(file, names, limits).flatMap(piece => piece.records))
}

/** The record of a line: none when it is blank. A byte order mark may stand where a file begins. */
function readRecord(file: string, line: number, bytes: Uint8Array, names: FieldNames): InputRecord[] {
  const hasMark = line === 1 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  const content = bytes.subarray(hasMark ? 3 : 0, bytes.length - (endsInNewline(bytes) ? 1 : 0))
  if (content.every(byte => byte === 32 || byte === 9 || byte === 13)) return []
  const read = readDocument(content, `${file}#${line}`, names)
  return [
    typeof read === 'string'
      ? { file, line, document: null, deadReason: read }
      : { file, line, document: read, deadReason: null },
  ]
}

/** The document of a line, or why it is none; the first fault counts. What has a bad character or label is repaired. */
function readDocument(bytes: Uint8Array, idDefault: string, names: FieldNames): RecordDocument | string {
  const line = decode(bytes)
  if (line === null) return 'invalid-utf8'
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return 'broken-json'
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return 'not-an-object'
  const shallow = Object.entries(value).map(([name, field]) => [name, depthOf(field) > 64 ? null : field] as const)
  const fields = new Map<string, unknown>(shallow)
  const text = fields.get(names.text)
  if (!fields.has(names.text)) return 'missing-text'
  if (typeof text !== 'string') return 'text-not-a-string'
  const whole = repair(text)?.replace(/\r\n|\r/g, '\n')
  if (whole === undefined) return 'lone-surrogate'
  if (whole === '') return 'empty-text'
  const labels: Record<'id' | 'domain' | 'url' | 'added', string> = { id: '', domain: '', url: '', added: '' }
  const aside: [string, unknown][] = []
  for (const name of ['id', 'domain', 'url', 'added'] as const) {
    const label = name === 'id' ? exactId(fields.get(names.id), line, names.id) : fields.get(names[name])
    if (label === undefined || label === null) continue
    if (typeof label !== 'string' && typeof label !== 'number') aside.push([names[name], label])
    else labels[name] = repair(String(label)) ?? ''
  }
  const roles = new Set([names.text, names.id, names.domain, names.url, names.added])
  const rest = [...[...fields].filter(([name]) => !roles.has(name)), ...aside]
  const meta = rest.map(([name, field]) => `${JSON.stringify(name)}:${JSON.stringify(field)}`).join(',')
  return {
    ...{ text: whole, id: labels.id || idDefault, domain: labels.domain || names.domainDefault },
    ...{ url: labels.url, added: labels.added, meta: meta && `{${meta}}` },
  }
}

/** The line as UTF-8 with U+FFFD for what is not, unless that is too much of it. */
function decode(bytes: Uint8Array): string | null {
  const line = Buffer.from(bytes).toString('utf8')
  if (isUtf8(bytes)) return line
  const given = Buffer.from(bytes).toString('latin1').split('\xef\xbf\xbd').length
  return isLittle(line.split('\ufffd').length - given, line.length) ? line : null
}

/** Without NUL, and with U+FFFD for half a surrogate pair, unless there are too many. */
function repair(text: string): string | undefined {
  const halves = Array.from(text).filter(character => !character.isWellFormed()).length
  return isLittle(halves, text.length) ? text.toWellFormed().replaceAll('\0', '') : undefined
}

const isLittle = (lost: number, characters: number) =>
  lost === 0 || (lost <= Math.max(8, characters / 100) && lost * 2 <= characters)

/** Levels of lists and objects in a value. */
function depthOf(value: unknown): number {
  if (value === null || typeof value !== 'object') return 0
  return 1 + Object.values(value).reduce((most: number, inner) => Math.max(most, depthOf(inner)), 0)
}

/** A whole number that a float64 can't hold keeps the digits of its line. */
function exactId(value: unknown, line: string, name: string): unknown {
  if (typeof value !== 'number' || !Number.isInteger(value) || Number.isSafeInteger(value)) return value
  const digits = new RegExp(
    `${JSON.stringify(name).replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}\\s*:\\s*(-?[\\d.eE+-]+)`,
    'g',
  )
  return [...line.matchAll(digits)].at(-1)![1]
}
