import { HeadraceError } from '../errors.ts'
import { refuseName } from '../options.ts'

/** The one of some names that an option gives. Throws 'bad-option' for another. */
export function chooseFrom<T extends string>(known: readonly T[], option: string, given: string): T {
  const found = known.find(name => name === given)
  if (found !== undefined) return found
  throw new HeadraceError('bad-option', refuseName(`${option} has no`, given, known))
}
