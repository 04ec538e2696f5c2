import { HeadraceError } from '../errors.ts'
import type { Split } from '../sources/source.ts'

// What ends a start, in the words that who explains the run says, too.

/** A part of the input is not what it was: `was` is its stamp as it is recorded. */
export function refuseChanged({ name, stamp }: Split, was: string): HeadraceError {
  return new HeadraceError(
    'source-changed',
    `${name} changed since this run began to read it (${was} then, ${stamp} now): restore it, begin another run with --run NAME, or, if it was mended, have its dead records read again with 'headrace redrive'`,
  )
}

/** Parts of the input are not there: `missing` of `count` that the run has met. `cause` is what listing them said, where it failed. */
export function refuseMissing(missing: readonly Split[], count: number, cause?: HeadraceError): HeadraceError {
  const [{ name }] = missing
  const which = missing.length === 1 ? name : `${name} and ${missing.length - 1} more`
  const listing = cause ? ` (${cause.message})` : ''
  return new HeadraceError(
    'source-changed',
    `${which}, of ${count} that this run has met, can't be found from ${process.cwd()}${listing}: start it where it was begun, with all its input in place, or begin another run with --run NAME`,
    cause,
  )
}

/** The deciders' tables hold slots before `slot`, and the log only those before `decided`. */
export function refuseTables(dir: string, slot: number, decided: number): HeadraceError {
  return new HeadraceError(
    'corrupt',
    `the state in ${dir} holds slots before ${slot} and the log only those before ${decided}: an older log was put beside it; delete the state to rebuild it from the log`,
  )
}

/** A run that has ended has closed its topics: what reads them, a trainer among them, has taken the end as final. */
export function refuseFollow(dir: string): HeadraceError {
  return new HeadraceError(
    'bad-option',
    `the run in ${dir} has ended and can't follow further files: begin another with --run NAME, with --follow from its start`,
  )
}
