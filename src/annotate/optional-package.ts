import { createRequire } from 'node:module'
import { join } from 'node:path'
import { HeadraceError } from '../errors.ts'

/** Where a package is looked for: beside Headrace, and where Headrace is installed elsewhere, in the project that it is run in. */
const places = () => [createRequire(import.meta.url), createRequire(join(process.cwd(), 'package.json'))]

/** Where a package stands that is installed where it is used alone. `install`: what npm is asked for. Throws `bad-option` where it is not there. */
export function findPackage(name: string, who: string, install = name): string {
  for (const place of places()) {
    try {
      return place.resolve(name)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error
    }
  }
  throw new HeadraceError('bad-option', `${who} needs a package that is not installed: run npm install ${install}`)
}

/** Loads such a package, without waiting. Throws `bad-option` where it is not there, or is broken. */
export function requirePackage<T>(name: string, who: string, install = name): T {
  const path = findPackage(name, who, install)
  try {
    return createRequire(import.meta.url)(path)
  } catch (error) {
    const what = `${who}: package ${name} is installed and can't be loaded (${(error as Error).message.split('\n')[0]})`
    throw new HeadraceError('bad-option', `${what}: install it again, for this machine and this Node`, error)
  }
}
