import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder, type OnEffect, writeDurably } from '../disk/durable-file.ts'
import { isMissing, listNames, removeFile } from '../disk/files.ts'
import { HeadraceError, wrapDiskError } from '../errors.ts'
import type { Cursor, Entry, Log, Topics } from '../log/log.ts'
import { topics } from './layout.ts'
import { LogView } from './log-view.ts'
import { crcOf, joinTexts } from './scored.ts'

/**
 * The texts of a run that does not store them: a file a slot, `texts/<slot>.arrow`, until the slot's kept rows are in sealed shards. A file
 * lasts before the slot is committed, and the header `texts` of its entry in `scored` has its checksum; one of a slot that was not
 * committed is written again with it. Nothing is read of a slot's text after that, so that nothing depends on when a file goes.
 */
const folderOf = (dir: string) => join(dir, 'texts')
const nameOf = (slot: number) => `${String(slot).padStart(10, '0')}.arrow`

export async function writeTexts(dir: string, slot: number, texts: Uint8Array, onEffect?: OnEffect): Promise<void> {
  await makeFolder(folderOf(dir))
  await writeDurably(join(folderOf(dir), nameOf(slot)), [texts], onEffect)
}

/** Removes the texts of the slots before one. */
export async function removeTexts(dir: string, before: number): Promise<void> {
  for (const name of await listNames(folderOf(dir)))
    if (Number.parseInt(name, 10) < before) await removeFile(join(folderOf(dir), name))
}

/**
 * The log of such a run: readers of `scored` get each entry with its texts, as long as these are there. Who reads parts gets none, and the
 * same once their files are gone.
 */
export class TextLog extends LogView {
  readonly #dir: string

  constructor(dir: string, log: Log & Partial<Topics>) {
    super(log)
    this.#dir = dir
  }

  /** The same without texts. */
  get bare(): Log {
    return this.log
  }

  override async *read(from: Cursor, signal: AbortSignal): AsyncIterable<Entry> {
    const entries = this.log.read(from, signal)
    if (from.topic !== topics.scored) return yield* entries
    for await (const entry of entries) yield { ...entry, value: await this.#withTexts(entry) }
  }

  async #withTexts({ headers, value }: Entry): Promise<Uint8Array> {
    const { slot, texts: mark } = headers
    if (mark === undefined) return value
    const path = join(folderOf(this.#dir), nameOf(Number(slot)))
    const texts = await readFile(path).catch(error => {
      if (isMissing(error)) return null
      throw wrapDiskError(error, `reading ${path}`)
    })
    if (!texts) return value
    if (crcOf(texts) !== mark)
      throw new HeadraceError(
        'corrupt',
        `${path} does not hold the texts that slot ${slot} was measured from: restore it`,
      )
    return joinTexts(texts, value)
  }
}
