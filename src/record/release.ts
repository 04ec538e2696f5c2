import { randomBytes } from 'node:crypto'
import { type Fields, isFields } from '../disk/json-file.ts'
import { Inbox } from './inbox.ts'
import type { Trip } from './trip.ts'

/** Leave for a held slot to pass, given for these groups. */
export interface Release {
  readonly kind: 'release'
  readonly slot: number
  readonly groups: readonly ReleasedGroup[]
  readonly who: string
  readonly why: string
  /** When it was given, ISO 8601. */
  readonly at: string
}
export interface ReleasedGroup {
  readonly guard: string
  readonly group: string
}

/** The releases that wait in a run's inbox. */
export const releases = new Inbox<Release>(
  '.release',
  isRelease,
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

const isText = (value: unknown) => typeof value === 'string'
const isGroup = (value: unknown) => isFields(value) && isText(value.guard) && isText(value.group)

function isRelease({ kind, slot, groups, who, why, at }: Fields): boolean {
  const isWhole = kind === 'release' && Number.isInteger(slot) && [who, why, at].every(isText)
  return isWhole && Array.isArray(groups) && groups.every(isGroup)
}
