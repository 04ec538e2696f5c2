import { createHash } from 'node:crypto'
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads'
import { HeadraceError } from '../errors.ts'
import { checkSame, type ModelFile, openModel } from './model-file.ts'

/** At the start of what is shared, in words of 32 bits: whether the model is there, and a count of what was read of it. */
const headBytes = 8
const chunkBytes = 1 << 22
const [absent, beingRead, present] = [0, 1, 2]
/** A thread that reads and does nothing for so long was ended: another reads the same bytes to the same places. */
const stallMs = 20_000

const keyOf = (sha256: string) => `headrace-model:${sha256}`

/**
 * Sets memory aside for a model's file, once for all threads that this one begins later: its bytes take memory when they are first read. Throws
 * `limit` where the system gives none.
 */
export function shareModel({ path }: ModelFile, sha256: string, bytes: number): void {
  if (sharedOf(sha256, bytes) !== null) return
  try {
    setEnvironmentData(keyOf(sha256), new SharedArrayBuffer(headBytes + bytes))
  } catch (error) {
    throw new HeadraceError('limit', `model ${path} has ${bytes} bytes, and the system gives no memory for them`, error)
  }
}

/** The bytes of a model's file, which whichever thread needs them first reads. Throws `source-changed` unless it is the file that was looked at. */
export function loadShared(model: ModelFile, sha256: string, bytes: number): Uint8Array {
  const shared = sharedOf(sha256, bytes)!
  const state = new Int32Array(shared, 0, 2)
  const file = new Uint8Array(shared, headBytes)
  while (Atomics.load(state, 0) !== present) {
    const isMine = Atomics.compareExchange(state, 0, absent, beingRead) === absent
    if (isMine || hasStalled(state)) readInto(model, sha256, file, state)
  }
  return file
}

function sharedOf(sha256: string, bytes: number): SharedArrayBuffer | null {
  const shared: unknown = getEnvironmentData(keyOf(sha256))
  return shared instanceof SharedArrayBuffer && shared.byteLength === headBytes + bytes ? shared : null
}

/** Waits for whoever reads; returns whether that one has come no further. */
function hasStalled(state: Int32Array): boolean {
  const before = Atomics.load(state, 1)
  Atomics.wait(state, 0, beingRead, stallMs)
  return Atomics.load(state, 0) === beingRead && Atomics.load(state, 1) === before
}

function readInto(model: ModelFile, sha256: string, into: Uint8Array, state: Int32Array): void {
  let done = false
  try {
    using file = openModel(model)
    const hash = createHash('sha256')
    // One that has become longer or shorter is another file.
    for (let at = 0; file.length === into.length && at < into.length; at += chunkBytes) {
      const chunk = new Uint8Array(Math.min(chunkBytes, into.length - at))
      file.read(at, chunk)
      hash.update(chunk)
      into.set(chunk, at)
      Atomics.add(state, 1, 1)
    }
    checkSame(model, hash.digest('hex'), sha256)
    done = true
  } finally {
    Atomics.store(state, 0, done ? present : absent)
    Atomics.notify(state, 0)
  }
}
