import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { isMissing, listNames, sizeOf } from '../disk/files.ts'
import { readBytes } from '../disk/transfer.ts'
import { limits } from '../limits.ts'
import type { Sealed } from '../record/sequel.ts'
import { byteAt, type Check } from './check.ts'

const fileName = 'decide.tables'
export const statePath = join('state', fileName)

/** A file of the deciders' tables below a run's folder, and how long it was when it was found. */
export interface StateFile {
  readonly path: string
  readonly bytes: number
}

/** The tables of a run that one process makes; of a spread run those of each process that keeps them here, and the snapshot. */
export async function findStates(dir: string): Promise<StateFile[]> {
  const seats = await listNames(join(dir, 'state'))
  const numbered = seats.filter(name => /^\d+$/.test(name)).sort((a, b) => Number(a) - Number(b))
  const folders = ['state', ...numbered.map(name => join('state', name)), 'snapshot']
  const found: StateFile[] = []
  for (const folder of folders) {
    const path = join(folder, fileName)
    const bytes = await sizeOf(join(dir, path))
    if (bytes !== null) found.push({ path, bytes })
  }
  return found
}

const magic = 'headrace state 1\n'
const headBytes = 8
const advice = 'delete the folder state, and the next start rebuilds it from the log'

/**
 * Holds a state file's first `bytes` against its checksums, and whose it says that it is against the run. Returns what its last seal says,
 * or null where there is no file. It may lag the log.
 */
export async function verifyState(
  dir: string,
  { path, bytes }: StateFile,
  { identity, run }: TablesOwner,
  check: Check,
): Promise<Sealed | null> {
  await using file = await open(join(dir, path), 'r').catch(error => {
    if (isMissing(error)) return null
    throw error
  })
  if (!file) return null
  let slot = 0
  let last: Buffer | null = null
  let header = ''
  const sealed = () => ({ slot, mark: last && markIn(last, header) })
  for (let at = 0; at < bytes; ) {
    const head = Buffer.from(await readBytes(file, at, headBytes))
    const length = head.length === headBytes ? head.readUInt32LE(0) : 0
    const end = at + headBytes + length
    const isCut = length === 0 || (length <= limits.frameBytesMax && end > bytes)
    const payload =
      isCut || length > limits.frameBytesMax ? null : Buffer.from(await readBytes(file, at + headBytes, length))
    const isWhole = payload !== null && crc32(payload) === head.readUInt32LE(4)
    // The file is never synced: a power failure leaves zeros where a block did not reach the disk.
    if (isCut || (payload && !isWhole && hasLostBlock(payload, at + headBytes))) {
      check.note(`${path}: ${bytes - at} bytes from byte ${at} are not whole and are cut at the next start`)
      return sealed()
    }
    if (!payload || !isWhole) {
      const what = `its frame does not match its checksum: a start takes the tables up to slot ${slot} and decides the rest again`
      check.fail(byteAt(path, at), what, advice)
      return sealed()
    }
    if (at === 0) {
      header = payload.toString('utf8')
      checkHeader(path, header, { identity, run }, check)
    } else {
      const [from, to] = payload.length < 16 ? [-1, slot] : [payload.readDoubleLE(0), payload.readDoubleLE(8)]
      if (from !== slot)
        check.fail(byteAt(path, at), `a seal from slot ${from} on follows one up to slot ${slot}`, advice)
      slot = to
      last = payload
      check.counted++
    }
    at = end
  }
  return sealed()
}

function checkHeader(path: string, header: string, { identity, run }: TablesOwner, check: Check): void {
  const owner = readOwner(header)
  if (owner?.identity !== identity)
    check.fail(byteAt(path, 0), `it was filled by other deciders than the run's: ${header.slice(magic.length)}`, advice)
  else if (owner.run !== run) check.fail(byteAt(path, 0), 'it was filled by another run', advice)
}

/** Bytes of a table's entry: of a keyed one two halves of the key and the value. */
const entryBytesOf = ([, kind, width]: readonly unknown[]) => (kind === 'keyed' ? 8 : 0) + Number(width)

/** The mark of a seal: what stands behind the entries of each table. Null where it has none. */
function markIn(payload: Buffer, header: string): number | null {
  let at = 16
  for (const shape of readShapes(header))
    at += 4 + (at + 4 <= payload.length ? payload.readUInt32LE(at) : 0) * entryBytesOf(shape)
  return at + 4 === payload.length ? payload.readUInt32LE(at) : null
}

function readShapes(header: string): readonly (readonly unknown[])[] {
  try {
    return JSON.parse(header.slice(magic.length)).shapes ?? []
  } catch {
    return []
  }
}

/** What filled a file of tables: the deciders' fingerprint, and the binding of its run or null. */
export interface TablesOwner {
  readonly identity: string
  readonly run: string | null
}

/** Whose the tables are, by the text of a file's header; null where it is none. */
function readOwner(header: string): TablesOwner | null {
  try {
    const { identity, run = null } = JSON.parse(header.startsWith(magic) ? header.slice(magic.length) : '')
    return { identity, run }
  } catch {
    return null
  }
}

/** The same of a file; null where its header can't be read. */
export async function findTablesOwner(path: string): Promise<TablesOwner | null> {
  await using file = await open(path, 'r')
  const head = Buffer.from(await readBytes(file, 0, headBytes))
  const length = head.length === headBytes ? Math.min(head.readUInt32LE(0), limits.frameBytesMax) : 0
  return readOwner(Buffer.from(await readBytes(file, headBytes, length)).toString('utf8'))
}

const blockBytes = 512

function hasLostBlock(payload: Buffer, at: number): boolean {
  const first = (blockBytes - (at % blockBytes)) % blockBytes
  for (let from = first; from + blockBytes <= payload.length; from += blockBytes)
    if (payload.subarray(from, from + blockBytes).every(byte => byte === 0)) return true
  return false
}
