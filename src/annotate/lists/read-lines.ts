import { createHash, hash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'

const chunkBytes = 1024 * 1024
const lineFeed = 0x0a

/** Is called with each line, `bytes[start, end)`, without its end (LF or CR LF) and a byte order mark. `isTooLong`: the line's beginning alone. */
export type TakeLine = (bytes: Buffer, start: number, end: number, isTooLong: boolean) => void

/** Reads a file of a list, of which a piece at a time is in memory, and returns its SHA-256. `who` begins an error's message. */
export function readLines(file: string, who: string, take: TakeLine): string {
  const opened = openFile(file, who)
  try {
    return takeLines(bytes => readSync(opened, bytes), take)
  } catch (error) {
    if (error instanceof HeadraceError) throw error
    throw new HeadraceError('not-found', `${who}: ${file} cannot be read`, error)
  } finally {
    closeSync(opened)
  }
}

function openFile(file: string, who: string): number {
  try {
    return openSync(file, 'r')
  } catch (error) {
    throw new HeadraceError('not-found', `${who}: there is no file ${file} that can be read`, error)
  }
}

function takeLines(read: (into: Buffer) => number, take: TakeLine): string {
  const sum = createHash('sha256')
  const bytes = Buffer.alloc(chunkBytes)
  let [held, isFirst, isCut] = [0, true, false]
  const emit = (start: number, end: number) => {
    const isMarked = isFirst && bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf
    const stop = end > start && bytes[end - 1] === 0x0d ? end - 1 : end
    take(bytes, isMarked ? start + 3 : start, stop, isCut || end - start > limits.listLineBytesMax)
    isFirst = isCut = false
  }
  for (;;) {
    const count = read(bytes.subarray(held))
    if (count === 0) break
    sum.update(bytes.subarray(held, held + count))
    const filled = held + count
    let start = 0
    for (let end = bytes.indexOf(lineFeed, held); end >= 0 && end < filled; end = bytes.indexOf(lineFeed, start)) {
      emit(start, end)
      start = end + 1
    }
    // Of a line that is too long its beginning is kept, to be shown.
    isCut ||= filled - start > limits.listLineBytesMax
    held = Math.min(filled - start, limits.listLineBytesMax)
    bytes.copyWithin(0, start, start + held)
  }
  if (held > 0) emit(0, held)
  return sum.digest('hex')
}

/** One hash of several files' hashes, in their order; that of the file where there is one. */
export function joinHashes(hashes: readonly string[]): string {
  return hashes.length === 1 ? hashes[0] : hash('sha256', hashes.join('\n'))
}
