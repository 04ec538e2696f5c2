import * as flat from '../flatbuffer.ts'
import { ArrowError } from './errors.ts'

/** A message of a stream or a file: its header, and its body as bytes. */
export interface ForeignMessage {
  readonly type: number
  readonly header: flat.Table
  /** Metadata version 4 (before Arrow 1.0) gives unions a buffer more. */
  readonly isVersion4: boolean
  readonly body: Uint8Array
}
export const messageTypes = { schema: 1, dictionary: 2, batch: 3 } as const

const fileMagic = Buffer.from('ARROW1', 'latin1')
/** What else a record may hold, by its first bytes. */
const others: readonly (readonly [start: string, what: string])[] = [
  ['PAR1', 'a Parquet file'],
  ['FEA1', 'a Feather file of version 1'],
  ['{', "JSON: set the option format to 'json'"],
]

/** The messages of an IPC stream, or of an IPC file with its dictionaries first, which may stand there in any order. */
export function readForeignMessages(bytes: Uint8Array): Iterable<ForeignMessage> {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(8, bytes.length)).toString('latin1')
  const other = others.find(([first]) => start.startsWith(first))
  if (other) throw new ArrowError('corrupt-arrow', `this is no Arrow message but ${other[1]}`)
  return start.startsWith('ARROW1') ? readFile(bytes) : readStream(bytes)
}

/** The rows that the batches of a message say that they have, up to where it can't be read. Values are not looked at. */
export function countForeignRows(bytes: Uint8Array): number {
  let rows = 0
  try {
    for (const { type, header } of readForeignMessages(bytes))
      if (type === messageTypes.batch) rows += flat.longField(header, 0)
  } catch (error) {
    if (!(error instanceof ArrowError || error instanceof RangeError)) throw error
  }
  return rows
}

function* readStream(bytes: Uint8Array): Generator<ForeignMessage> {
  for (let at = 0; at < bytes.length; ) {
    const { message, end } = readMessage(bytes, at)
    if (!message) return checkRest(bytes.subarray(end))
    yield message
    at = end
  }
}

/** Behind a stream's end may be padding. A second stream must not vanish. */
function checkRest(rest: Uint8Array): void {
  if (rest.some(byte => byte !== 0))
    throw new ArrowError('corrupt-arrow', `${rest.length} bytes follow the end of the stream: a message is one stream`)
}

function* readFile(bytes: Uint8Array): Generator<ForeignMessage> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const footerEnd = bytes.length - 10
  if (footerEnd < 8 || !fileMagic.equals(bytes.subarray(-6)))
    throw new RangeError('the end mark of the file is missing')
  const length = view.getInt32(footerEnd, true)
  if (length < 8 || length > footerEnd - 8) throw new RangeError(`the footer of the file has ${length} bytes`)
  const footer = flat.rootTable(bytes.subarray(footerEnd - length, footerEnd))
  const header = flat.tableField(footer, 1)
  if (!header) throw new RangeError('the file has no schema')
  yield { type: messageTypes.schema, header, isVersion4: false, body: bytes.subarray(0, 0) }
  for (const index of [2, 3]) {
    const blocks = flat.vectorField(footer, index, 24)
    for (let i = 0; i < blocks.length; i++) {
      const { message } = readMessage(bytes, flat.longAt(blocks.view, blocks.at + 24 * i))
      if (!message) throw new RangeError('a block of the file has no message')
      yield message
    }
  }
}

/** Before Arrow 0.15 no -1 stood before the length. No message is a stream's end. */
function readMessage(bytes: Uint8Array, at: number): { message: ForeignMessage | null; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const first = view.getInt32(at, true)
  const start = at + (first === -1 ? 8 : 4)
  const length = first === -1 ? view.getInt32(at + 4, true) : first
  if (length === 0) return { message: null, end: start }
  if (length < 8 || length > bytes.length - start)
    throw new RangeError(
      `the message at byte ${at} has ${length} bytes of metadata where ${bytes.length - start} are left`,
    )
  const table = flat.rootTable(bytes.subarray(start, start + length))
  const header = flat.tableField(table, 2)
  const [bodyAt, bodyBytes] = [start + length, flat.longField(table, 3)]
  const end = bodyAt + bodyBytes
  if (!header || end > bytes.length) throw new RangeError(`the message at byte ${at} ends at ${end} of ${bytes.length}`)
  const isVersion4 = flat.shortField(table, 0) < 4
  return { message: { type: flat.byteField(table, 1), header, isVersion4, body: bytes.subarray(bodyAt, end) }, end }
}
