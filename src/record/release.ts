import { randomBytes } from 'node:crypto'
import { isCount, isListOf, isObjectOf, isOneOf, isText } from '../disk/json-file.ts'
import { Inbox } from './inbox.ts'
import type { Trip } from './trip.ts'

/** Leave for a held slot to pass, given for these groups. */
export interface Release {
  readonly kind: 'release'
  readonly slot: number
  readonly groups: readonly Pick<Trip, 'guard' | 'group'>[]
  readonly who: string
  readonly why: string
  /** When it was given, ISO 8601. */
  readonly at: string
}

/** The releases that wait in a run's inbox. */
export const releases = new Inbox<Release>(
  '.release',
  isObjectOf({
    kind: isOneOf('release'),
    slot: isCount,
    groups: isListOf(isObjectOf({ guard: isText, group: isText })),
    who: isText,
    why: isText,
    at: isText,
  }),
  "is no release: delete it, and give it again with 'headrace release'",
)

/** Leaves a release in the inbox of a run, for when it goes on. */
export async function putRelease(dir: string, release: Release): Promise<void> {
  // Names rise with time; the random part keeps two commands of one millisecond apart.
  const name = `${release.at.replace(/[^0-9TZ]/g, '')}-${randomBytes(8).toString('hex')}`
  await releases.put(dir, name, release)
}

export async function listReleases(dir: string): Promise<Release[]> {
  return [...(await releases.list(dir)).values()]
}

/** Whether a release is for this group at this slot. */
export function isReleased(release: Release, { slot, guard, group }: Pick<Trip, 'slot' | 'guard' | 'group'>): boolean {
  return release.slot === slot && release.groups.some(one => one.guard === guard && one.group === group)
}
