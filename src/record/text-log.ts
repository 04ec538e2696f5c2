import { HeadraceError } from '../errors.ts'
import type { Cursor, Entry, Log, Topics } from '../log/log.ts'
import { topics } from './layout.ts'
import { LogView } from './log-view.ts'
import { crcOf, joinTexts } from './scored.ts'

/** Texts that stand apart from their slots for a while: where they are, for who reads the slots of a partition in rising order. */
export interface ApartTexts extends AsyncDisposable {
  /** Those of a slot, or null where they are gone. */
  find(slot: number): Promise<Uint8Array | null>
  /** Where those of a slot stand, for people. */
  placeOf(slot: number): string
}

/**
 * The log of a run that does not store all texts: readers of `scored` get each entry with its texts, as long as these are there. Who reads
 * parts gets none, and the same once they are gone.
 */
export class TextLog extends LogView {
  readonly #open: (partition: number) => ApartTexts

  constructor(log: Log & Partial<Topics>, open: (partition: number) => ApartTexts) {
    super(log)
    this.#open = open
  }

  /** The same without texts. */
  get bare(): Log {
    return this.log
  }

  override async *read(from: Cursor, signal: AbortSignal): AsyncIterable<Entry> {
    const entries = this.log.read(from, signal)
    if (from.topic !== topics.scored) return yield* entries
    await using texts = this.#open(from.partition)
    for await (const entry of entries) yield { ...entry, value: await addTexts(entry, texts) }
  }
}

/** A log without such texts: for who needs none, as these are most of a run's bytes. */
export const bareOf = (log: Log): Log => (log instanceof TextLog ? log.bare : log)

/** The header `texts` of an entry has the checksum of its texts. */
async function addTexts({ headers, value }: Entry, apart: ApartTexts): Promise<Uint8Array> {
  const slot = Number(headers.slot)
  const texts = headers.texts === undefined ? null : await apart.find(slot)
  if (!texts) return value
  if (crcOf(texts) === headers.texts) return joinTexts(texts, value)
  const place = apart.placeOf(slot)
  throw new HeadraceError('corrupt', `${place} does not hold the texts that slot ${slot} was measured from: restore it`)
}
