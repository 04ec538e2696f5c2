import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { FileBytes } from '../disk/file-bytes.ts'
import { HeadraceError } from '../errors.ts'
import { kind } from '../options.ts'
import { isModelName } from '../text/model-name.ts'

/** A name of columns. */
export const modelName = kind<string>("1 to 64 letters, digits or '-'", isModelName)

/** A file that an annotator needs: `what` it is, as `seed file`; `advice` says where one comes from. */
export interface NeededFile {
  readonly what: string
  readonly path: string
  readonly advice: string
}

/** All of a file that is small, with its SHA-256. Throws `not-found`. */
export function readNeeded(file: NeededFile): { readonly bytes: Buffer; readonly sha256: string } {
  const bytes = orMissing(file, () => readFileSync(file.path))
  return { bytes, sha256: hash('sha256', bytes) }
}

/** The file of a model that may have gigabytes: `advice` says where one comes from. */
export interface ModelFile {
  readonly path: string
  readonly advice: string
}

/** Looks at a file when a pipeline is made, so that what is wrong is known before any work; with its SHA-256. */
export function lookAtModel<T>(model: ModelFile, look: (file: FileBytes) => T): { found: T; sha256: string } {
  using file = openModel(model)
  return { found: look(file), sha256: file.hash() }
}

/** Reads a model when it is first needed. Throws `source-changed` unless the file is the one that was looked at. */
export function loadModel<T>(model: ModelFile, sha256: string, read: (file: FileBytes) => T): T {
  using file = openModel(model)
  const found = read(file)
  checkSame(model, file.hash(), sha256)
  return found
}

/** Throws `source-changed` unless what was read of a model has the hash of what was looked at. */
export function checkSame({ path }: ModelFile, found: string, sha256: string): void {
  if (found === sha256) return
  throw new HeadraceError('source-changed', `model ${path} is not the file that it was any more: put it back`)
}

/** Throws `not-found`. */
export function openModel(model: ModelFile): FileBytes {
  return orMissing({ what: 'model', ...model }, () => new FileBytes(model.path))
}

function orMissing<T>({ what, path, advice }: NeededFile, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new HeadraceError('not-found', `${what} ${path} cannot be read; ${advice}`, error)
  }
}
