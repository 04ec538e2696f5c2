import type { Append, Log } from '../log/log.ts'
import { topics } from './layout.ts'
import { isReleased, type Release } from './release.ts'
import { readBySlot } from './slots.ts'
import type { Trip } from './trip.ts'

/** What a person chose, as the log keeps it: committed with the slot that it let pass. */
export interface Choice extends Omit<Trip, 'parts' | 'samples'> {
  readonly kind: 'release'
  readonly who: string
  readonly why: string
  /** When the command was given, ISO 8601. */
  readonly at: string
}

/** The choices that let these groups pass at their slot, and the groups that nobody has released. */
export function chooseFrom(
  releases: readonly Release[],
  trips: readonly Trip[],
): { readonly choices: Choice[]; readonly held: Trip[] } {
  const choices: Choice[] = []
  const held: Trip[] = []
  for (const trip of trips) {
    const release = releases.find(one => isReleased(one, trip))
    if (release) choices.push(choiceOf(release, trip))
    else held.push(trip)
  }
  return { choices, held }
}

function choiceOf({ kind, who, why, at }: Release, trip: Trip): Choice {
  const { guard, by, group, rows, removed, rate, above, below, firstSlot, slot } = trip
  return { kind, guard, by, group, rows, removed, rate, above, below, firstSlot, slot, who, why, at }
}

export function choiceAppend(choice: Choice): Append {
  const headers = { slot: String(choice.slot), kind: choice.kind }
  return { topic: topics.choices, partition: 0, headers, value: Buffer.from(JSON.stringify(choice)) }
}

/** The choices of a run that are not trimmed, in the order of their slots. */
export async function* readChoices(log: Log): AsyncIterable<Choice> {
  for await (const entry of readBySlot(log, topics.choices, 1))
    yield JSON.parse(Buffer.from(entry.value).toString()) as Choice
}
