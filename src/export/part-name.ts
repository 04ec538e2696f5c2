import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'

/** A part's number in its names. Readers go through files by name, so all numbers have as many digits. */
export function partName(number: number, digits = 6): string {
  if (number < limits.exportPartsMax) return String(number).padStart(digits, '0')
  throw new HeadraceError(
    'limit',
    `an export has at most ${limits.exportPartsMax} files of samples: give a larger --file-bytes`,
  )
}
