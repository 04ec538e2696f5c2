import { basename, dirname, join } from 'node:path'
import { removeFile } from '../disk/files.ts'
import { isCount, isFields, isListOf, isObjectOf, isOneOf, readJson, writeJson } from '../disk/json-file.ts'
import { HeadraceError } from '../errors.ts'
import type { Log } from '../log/log.ts'
import { cleanName, cleanPath, displayWidth } from '../text/printable.ts'
import { deadRowsOf } from './dead-records.ts'
import { decodeEntry } from './entry.ts'
import { deadPartitionsOf, type RunShape, topics } from './layout.ts'
import { releases } from './release.ts'
import { readSlot } from './slots.ts'
import { type RemovedDocument, samplesMax, type Trip } from './trip.ts'

/** A slot that waits to be released, with the groups that left their bands at it. Stands in `DIR/RUN/hold.json`. */
export interface Hold {
  readonly version: 1
  readonly slot: number
  readonly trips: readonly Trip[]
}

/** Groups of one hold. Those beyond it stop the same slot again. */
const tripsMax = 64
/** Groups that a message tells in full, and those that it names. */
const tripsTold = 3
const tripsNamed = 10
const nameColumnsMax = 100

const pathOf = (dir: string) => join(dir, 'hold.json')

/** Writes, so that it lasts, what is outside at a slot: at least one group. */
export async function writeHold(dir: string, trips: readonly Trip[]): Promise<Hold> {
  const hold: Hold = { version: 1, slot: trips[0].slot, trips: trips.slice(0, tripsMax) }
  await writeJson(pathOf(dir), hold)
  return hold
}

/** The hold of a run whose deciding stage stands at slot `decided`, or null: an earlier slot's is over. */
export async function findHold(dir: string, decided: number): Promise<Hold | null> {
  const hold = await readHold(dir)
  return hold?.slot === decided ? hold : null
}

/** The hold that was written last, or null. */
export function readHold(dir: string): Promise<Hold | null> {
  const isHold = isObjectOf({ version: isOneOf(1), slot: isCount, trips: isListOf(isFields) })
  return readJson<Hold>(pathOf(dir), isHold, 'is no hold: delete it, and the same run command writes it again')
}

/**
 * Removes the hold and the releases of slots before `slot`, which are committed: what is in the log is not needed here any more. Says
 * whether some are left.
 */
export async function clearPassed(dir: string, slot: number): Promise<boolean> {
  const hold = await readHold(dir)
  const waiting = await releases.list(dir)
  const passed = [...waiting].filter(([, release]) => release.slot < slot)
  for (const [name] of passed) await releases.remove(dir, name)
  if (hold && hold.slot < slot) await removeFile(pathOf(dir))
  return waiting.size > passed.length || (hold !== null && hold.slot >= slot)
}

/** The trips with records of the slot's dead rows as samples where those were removed most: such rows were never measured. */
export async function addDeadSamples(
  { log, shape }: { readonly log: Log; readonly shape: RunShape },
  slot: number,
  trips: readonly Trip[],
): Promise<Trip[]> {
  const isDead = ({ by, group, parts }: Trip) => (by === 'reason' ? group : by === 'all' && parts[0]?.[0]) === 'dead'
  const samples = trips.some(isDead) ? await sampleDead(log, shape, slot) : []
  return trips.map(trip => (isDead(trip) && samples.length ? { ...trip, samples } : trip))
}

async function sampleDead(log: Log, shape: RunShape, slot: number): Promise<RemovedDocument[]> {
  const entry = await readSlot(log, topics.dead, deadPartitionsOf(shape), slot)
  const rows = entry ? deadRowsOf(decodeEntry(entry.value)).take(samplesMax) : []
  return Array.from(rows, ({ reason, file, line }) => ({ id: reason, file, line }))
}

/** The error that ends a run that is held. */
export function heldError(dir: string, { slot, trips }: Hold): HeadraceError {
  const more = trips.slice(tripsTold, tripsNamed).map(trip => `also ${describeTrip(trip)}\n`)
  const rest = trips.length > tripsNamed ? [`and ${trips.length - tripsNamed} more\n`] : []
  const text = `a guard rail holds slot ${slot}; the slots before it are committed, and nothing of it is
${[...trips.slice(0, tripsTold).map(tellTrip), ...more, ...rest].join('')}To let it pass: ${releaseCommand(dir)}, then the same run command.
Otherwise give the guard another band, or mend the rules and run with --upgrade.`
  return new HeadraceError('guard-rail', text)
}

/** What lets a run pass that is held; `dir` is its folder, or null where that is not known. */
export function releaseCommand(dir: string | null): string {
  const run = dir === null ? '' : ` --dir ${dirname(dir)} --run ${basename(dir)}`
  return `headrace release${run} --who NAME --why TEXT`
}

/** `domain 'web': 812 of 1,000 rows removed (81.2%) in slots 64 to 71, above 50.0%`. */
export function describeTrip(trip: Omit<Trip, 'parts' | 'samples'>): string {
  const { by, group, rows, removed, firstSlot, slot, above, below } = trip
  const who = by === 'all' ? 'all rows' : `${by} '${plain(group)}'`
  const when = firstSlot === slot ? `slot ${slot}` : `slots ${firstSlot} to ${slot}`
  const isAbove = above !== null && removed / rows > above
  const band = isAbove ? `above ${formatShare(above)}` : `below ${formatShare(below ?? 0)}`
  return `${who}: ${formatCount(removed)} of ${formatCount(rows)} rows removed (${formatShare(removed / rows)}) in ${when}, ${band}`
}

function tellTrip(trip: Trip): string {
  const names = trip.parts.map(([name]) => (trip.by === 'reason' ? `domain '${plain(name)}'` : plain(name)))
  const counts = trip.parts.map(([, count]) => formatCount(count))
  const [nameWidth, countWidth] = [names, counts].map(list => Math.max(0, ...list.map(displayWidth)))
  const shares = trip.parts.map(([, count]) => formatShare(count / trip.rows).padStart(6))
  const parts = names.map(
    (name, i) =>
      `  ${name}${' '.repeat(nameWidth - displayWidth(name))}  ${counts[i].padStart(countWidth)}  ${shares[i]}\n`,
  )
  const samples = trip.samples.map(({ id, file, line }) => `    ${plain(id)}  ${cleanPath(file)}:${line}\n`)
  return `${describeTrip(trip)}\n${parts.join('')}${samples.length ? '  removed, for example\n' : ''}${samples.join('')}`
}

const plain = (name: string) => cleanName(name, nameColumnsMax) || '(none)'

const formatCount = (count: number) => String(count).replace(/\B(?=(\d{3})+$)/g, ',')
const formatShare = (share: number) => `${(100 * share).toFixed(1)}%`
