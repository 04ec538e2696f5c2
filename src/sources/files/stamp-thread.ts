import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { type Identity, identityOf } from './input-file.ts'
import { makeStamp, stampBytes } from './stamps.ts'

// A thread that reads small files for whoever lists very many: calls that wait cost it a tenth of what a promise for each costs the caller.

export interface SmallFile {
  readonly identity: Identity
  readonly stamp: string
  readonly length: number
}

/**
 * What a thread found of files, and the bytes of these one after the other. Null is a file that is not small, or could not be read: whoever
 * opens it learns why.
 */
export interface SmallFiles {
  readonly found: readonly (SmallFile | null)[]
  readonly bytes: Uint8Array<ArrayBuffer>
}

function readFiles(names: readonly string[]): SmallFiles {
  const parts: Uint8Array[] = []
  const found = names.map(name => {
    const read = readSmallFile(name)
    if (!read) return null
    const { identity, bytes } = read
    parts.push(bytes)
    return { identity, stamp: makeStamp(bytes.length, bytes, bytes), length: bytes.length }
  })
  return { found, bytes: new Uint8Array(Buffer.concat(parts)) }
}

function readSmallFile(name: string): { readonly identity: Identity; readonly bytes: Uint8Array } | null {
  try {
    // Looked at before it is opened, as opening a pipe waits for its writer.
    if (!statSync(name).isFile()) return null
    const openedAt = Date.now()
    const file = openSync(name, 'r')
    try {
      const found = fstatSync(file)
      const bytes = found.size > stampBytes ? null : readWhole(file, found.size)
      return bytes && { identity: identityOf(found, openedAt), bytes }
    } finally {
      closeSync(file)
    }
  } catch {
    return null
  }
}

/** All bytes of a file of this size, or null where it is shorter now. */
function readWhole(file: number, size: number): Uint8Array | null {
  const bytes = Buffer.allocUnsafe(size)
  for (let done = 0; done < size; ) {
    const count = readSync(file, bytes, done, size - done, done)
    if (count === 0) return null
    done += count
  }
  return bytes
}

parentPort?.on('message', (names: readonly string[]) => {
  const files = readFiles(names)
  parentPort!.postMessage(files, [files.bytes.buffer])
})
