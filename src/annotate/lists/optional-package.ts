import { createRequire } from 'node:module'
import { HeadraceError } from '../../errors.ts'

const load = createRequire(import.meta.url)

/** A package that is installed where it is used alone: loaded when an annotator is made, which does not wait. */
export function requirePackage<T>(name: string, who: string): T {
  try {
    return load(name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error
    throw new HeadraceError('bad-option', `${who} needs a package that is not installed: run npm install ${name}`)
  }
}
