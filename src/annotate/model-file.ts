import { FileBytes } from '../disk/file-bytes.ts'
import { HeadraceError } from '../errors.ts'

/** The file of a model that may have gigabytes: `advice` says where one comes from. */
export interface ModelFile {
  readonly path: string
  readonly advice: string
}

/** Looks at a file when a pipeline is made, so that what is wrong is known before any work; with its SHA-256. */
export function lookAtModel<T>(model: ModelFile, look: (file: FileBytes) => T): { found: T; sha256: string } {
  using file = open(model)
  return { found: look(file), sha256: file.hash() }
}

/** Reads a model when it is first needed. Throws `source-changed` unless the file is the one that was looked at. */
export function loadModel<T>(model: ModelFile, sha256: string, read: (file: FileBytes) => T): T {
  using file = open(model)
  const found = read(file)
  if (file.hash() === sha256) return found
  throw new HeadraceError('source-changed', `model ${model.path} is not the file that it was any more: put it back`)
}

function open({ path, advice }: ModelFile): FileBytes {
  try {
    return new FileBytes(path)
  } catch (error) {
    throw new HeadraceError('not-found', `model ${path} cannot be read; ${advice}`, error)
  }
}
