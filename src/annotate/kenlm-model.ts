import { constants, gunzipSync } from 'node:zlib'
import type { FileBytes } from '../disk/file-bytes.ts'
import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'
import { readArpa, readArpaHead } from '../text/arpa/arpa-file.ts'
import { ArpaModel } from '../text/arpa/arpa-model.ts'
import type { BackoffModel } from '../text/backoff-model.ts'
import { bytesInMemory } from '../text/fasttext/reader.ts'
import { BinaryModel } from '../text/kenlm/binary-model.ts'
import { isKenlmBinary, type KenlmLayout, readKenlmLayout } from '../text/kenlm/layout.ts'
import { loadModel, lookAtModel, type ModelFile } from './model-file.ts'
import { loadShared, shareModel } from './shared-model.ts'

const headBytes = 4096

/** A model as a pipeline is made: what kind of file it is, and the file's SHA-256. */
export interface KenlmFile {
  readonly sha256: string
  /** Reads it when it is first needed. Throws `source-changed` unless it is the file that was looked at. */
  load(): BackoffModel
}

/** Looks at a binary file of KenLM, an ARPA file, or one packed by gzip, so that what is wrong in its head is known before any work. */
export function lookAtKenlm(model: ModelFile): KenlmFile {
  const { found, sha256 } = lookAtModel(model, file => lookAt(file, model.path))
  if (found.kind === 'binary') {
    shareModel(model, sha256, found.bytes)
    return { sha256, load: () => new BinaryModel(loadShared(model, sha256, found.bytes), found.layout) }
  }
  const read = (file: FileBytes) =>
    readArpa(found.kind === 'packed' ? bytesInMemory(unpack(file, model.path)) : file, model.path)
  return { sha256, load: () => new ArpaModel(loadModel(model, sha256, read)) }
}

type Kind =
  | { readonly kind: 'binary'; readonly layout: KenlmLayout; readonly bytes: number }
  | { readonly kind: 'arpa' }
  | { readonly kind: 'packed' }

function lookAt(file: FileBytes, path: string): Kind {
  const start = new Uint8Array(Math.min(headBytes, file.length))
  file.read(0, start)
  if (isKenlmBinary(start)) {
    if (file.length > limits.kenlmBytesMax)
      throw new HeadraceError(
        'limit',
        `${path} has ${file.length} bytes, and models of up to ${limits.kenlmBytesMax} are held: build it smaller by 'build_binary -q 8 -b 8 -a 22 trie'`,
      )
    return { kind: 'binary', layout: readKenlmLayout(file, path), bytes: file.length }
  }
  if (start[0] !== 0x1f || start[1] !== 0x8b) {
    readArpaHead(file, path)
    return { kind: 'arpa' }
  }
  readArpaHead(bytesInMemory(unpackStart(start, path)), path)
  return { kind: 'packed' }
}

/** What the first bytes of a packed file give. */
function unpackStart(start: Uint8Array, path: string): Uint8Array {
  return inGzip(path, () => gunzipSync(start, { finishFlush: constants.Z_SYNC_FLUSH }))
}

/** All of it, as reading a model does not wait for others: so it has a bound, which the file's own words of its size have no part in. */
function unpack(file: FileBytes, path: string): Uint8Array {
  const bytesMax = limits.arpaPackedBytesMax
  if (file.length > bytesMax) throw tooLarge(path, `has ${file.length} packed bytes, more than ${bytesMax}`)
  const packed = new Uint8Array(file.length)
  file.read(0, packed)
  return inGzip(path, () => gunzipSync(packed, { maxOutputLength: limits.arpaUnpackedBytesMax }))
}

function inGzip(path: string, unpack: () => Uint8Array): Uint8Array {
  try {
    return unpack()
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    if (code === 'ERR_BUFFER_TOO_LARGE')
      throw tooLarge(path, `unpacks to more than ${limits.arpaUnpackedBytesMax} bytes`)
    throw new HeadraceError(
      'corrupt',
      `${path} is damaged or cut where it is packed by gzip (${message}): pack it again`,
    )
  }
}

function tooLarge(path: string, why: string): HeadraceError {
  return new HeadraceError('limit', `${path} ${why}: unpack it, or build a binary file of it`)
}
