import { HeadraceError } from '../errors.ts'
import type { Cursor } from './log.ts'

/** Refuses a former owner's commit: another process owns the stage. */
export function fencedError(stage: string): HeadraceError {
  return new HeadraceError(
    'fenced',
    `stage '${stage}' has a newer owner: this one must stop; start it again to take over`,
  )
}

/** Refuses a read from before what is kept. */
export function trimmedError(cursor: Cursor, offset: bigint, first: bigint): HeadraceError {
  return new HeadraceError(
    'trimmed',
    `entry ${offset} of ${cursor.topic}/${cursor.partition} was trimmed, the first is ${first}: replay from the source`,
  )
}
