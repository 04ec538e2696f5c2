import { createHash } from 'node:crypto'
import { HeadraceError } from '../../errors.ts'
import { isModelName } from '../model-name.ts'
import { cleanName } from '../printable.ts'
import { featureBuckets } from './features.ts'
import { countOutputs, type Head, type LinearModel } from './model.ts'

/** The first line of every file; raised when words, pairs or buckets are made in another way, as old weights then mean nothing. */
const format = 'headrace-linear/1'
const hashBytes = 32
/** Heads and outputs of one file: 512 outputs are 2 GB of weights. */
const outputsMax = 512
const headerBytesMax = 1 << 20

/** A model, and what was measured when it was fitted: as JSON, for people. */
export interface LinearFile {
  readonly model: LinearModel
  readonly report: unknown
}

/**
 * A model's file: the line `headrace-linear/1`, a line of JSON with `heads` and `report`, the weights (float32, little-endian, for each bucket
 * one an output, then the intercepts), and the SHA-256 of all that.
 */
export function* encodeModel({ model: { heads, weights }, report }: LinearFile): Generator<Uint8Array> {
  const hash = createHash('sha256')
  const header = Buffer.from(`${format}\n${JSON.stringify({ heads, report })}\n`)
  hash.update(header)
  yield header
  const bytes = Buffer.from(weights.slice().buffer)
  hash.update(bytes)
  yield bytes
  yield hash.digest()
}

/** Reads what `encodeModel` wrote; throws `corrupt` for anything else. `file` is for the message. */
export function decodeModel(bytes: Uint8Array, file: string): LinearFile {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const first = buffer.indexOf('\n')
  const found = buffer.toString('latin1', 0, Math.min(first, 60))
  if (found !== format) {
    const what = found.startsWith('headrace-linear/') ? `of format ${cleanName(found)}` : 'no model'
    throw new HeadraceError('corrupt', `${file} is ${what}, not ${format}; fit it again with 'headrace classifier fit'`)
  }
  const damaged = (why: string) => new HeadraceError('corrupt', `${file} is damaged: ${why}; fit it again`)
  const end = buffer.indexOf('\n', first + 1)
  if (end < 0 || end > headerBytesMax) throw damaged('it does not say what heads it has')
  const { heads, report } = parseHeader(buffer.toString('utf8', first + 1, end)) ?? {}
  if (!isHeads(heads)) throw damaged('it does not say what heads it has')
  const weights = 4 * (featureBuckets + 1) * countOutputs(heads)
  const expected = end + 1 + weights + hashBytes
  if (buffer.length !== expected) throw damaged(`it has ${buffer.length} bytes, not ${expected}`)
  const sealed = buffer.subarray(0, expected - hashBytes)
  if (
    !createHash('sha256')
      .update(sealed)
      .digest()
      .equals(buffer.subarray(expected - hashBytes))
  )
    throw damaged('its content does not match its SHA-256')
  return { model: { heads, weights: copyFloats(sealed.subarray(end + 1)) }, report }
}

/** In memory of their own, as the file's may begin at any byte. */
function copyFloats(bytes: Uint8Array): Float32Array {
  const weights = new Float32Array(bytes.length / 4)
  new Uint8Array(weights.buffer).set(bytes)
  return weights
}

function parseHeader(text: string): { heads?: unknown; report?: unknown } | null {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function isHeads(heads: unknown): heads is Head[] {
  if (!Array.isArray(heads) || heads.length === 0 || heads.length > outputsMax || !heads.every(isHead)) return false
  return new Set(heads.map(({ name }) => name)).size === heads.length && countOutputs(heads) <= outputsMax
}

function isHead(head: Partial<Head> | null): boolean {
  const { name, kind, classes, scale, shift } = head ?? {}
  const isNamed = Array.isArray(classes) && classes.every(one => typeof one === 'string')
  const hasClasses = isNamed && (kind === 'class' ? classes.length > 1 : classes.length === 0)
  const isKnown = kind === 'score' || kind === 'value' || kind === 'class'
  return isModelName(name) && isKnown && hasClasses && Number.isFinite(scale) && Number.isFinite(shift)
}
