import { HeadraceError } from '../errors.ts'
import type { Split } from '../sources/source.ts'
import type { TextTables } from './run-file.ts'

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

/** The last slot of the tables is another than the log's. */
export function refuseOtherTables(dir: string, slot: number): HeadraceError {
  return new HeadraceError(
    'corrupt',
    `the state in ${dir} was filled with another slot ${slot} than the log holds: it is of a copy of this run that went on apart; delete the state to rebuild it from the log`,
  )
}

/** A run that has ended has closed its topics: what reads them, a trainer among them, has taken the end as final. */
export function refuseFollow(dir: string): HeadraceError {
  return new HeadraceError(
    'bad-option',
    `the run in ${dir} has ended and can't follow further files: begin another with --run NAME, with --follow from its start`,
  )
}

/** The tables lack slots that the run has trimmed: what they were filled with is gone. */
export function refuseTrimmedTables(dir: string, slot: number, first: number): HeadraceError {
  return new HeadraceError(
    'trimmed',
    `the state in ${dir} holds slots before ${slot}, and the log those from ${first} on: slots between were trimmed, and the tables can't be rebuilt without them; restore the folder state from a copy, or replay the input as another run`,
  )
}

/** A stage's log has not this run's binding. */
export function refuseForeignLog(dir: string, stage: string): HeadraceError {
  return new HeadraceError(
    'corrupt',
    `the log of stage '${stage}' of the run in ${dir} is not of the run that run.json names: one of them is another run's, or the partitions, lanes or slotBytes in run.json were edited; restore both from one copy, or begin another run with --run NAME`,
  )
}

/** A stage, by its name and the slot that it stands at, has slots that the one before it has not. */
export function refuseAhead(
  dir: string,
  [stage, slot]: readonly [string, number],
  [before, behind]: readonly [string, number],
): HeadraceError {
  return new HeadraceError(
    'corrupt',
    `stage '${stage}' of the run in ${dir} has taken slots before ${slot}, and stage '${before}', which makes them, has only those before ${behind}: an older log was put beside it; restore the whole folder log from one copy`,
  )
}

/** More was trimmed than was ever decided. */
export function refuseTrim(dir: string, first: number, decided: number): HeadraceError {
  return new HeadraceError(
    'corrupt',
    `trimmed.json in ${dir} says that slots before ${first} were trimmed, and only those before ${decided} are decided: it was edited, or an older log was put beside it; restore both from one copy`,
  )
}

/** The log has lost its beginning, and nothing says that it was trimmed. */
export function refuseLostTrim(dir: string): HeadraceError {
  return new HeadraceError(
    'corrupt',
    `the log in ${dir} does not begin with slot 0, and there is no trimmed.json that says from where it is whole: restore that from a copy`,
  )
}

/** There is no run file, and what a run leaves is there. */
export function refuseLostRunFile(dir: string, left: readonly string[]): HeadraceError {
  return new HeadraceError(
    'corrupt',
    `${dir} has no run.json, and ${left.join(', ')} of a run: restore run.json from a copy, move these away, or begin another run with --run NAME`,
  )
}

/** Texts are measured by tables of Node's own. */
export function refuseTextTables(dir: string, was: TextTables, is: TextTables): HeadraceError {
  const [then, now] = [was, is].map(({ node, unicode, icu }) => `Node ${node}, with Unicode ${unicode} (ICU ${icu})`)
  return new HeadraceError(
    'bad-pipeline',
    `the run in ${dir} was begun by ${then}, and this is ${now}: the same text could be measured otherwise; go on with a Node that has Unicode ${was.unicode}, or begin another run with --run NAME`,
  )
}

/** A decided slot was made of other rows than those that are measured under its number. */
export function refuseOtherTime(dir: string, slot: number): HeadraceError {
  return new HeadraceError(
    'corrupt',
    `slot ${slot} of the run in ${dir} was decided from other rows than the log of stage 'annotate' holds: one of the two logs is of another time, or of a copy that went on apart; restore the whole folder log from one copy`,
  )
}
