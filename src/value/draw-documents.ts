import { type Batch, stringAt, utf8 } from '../batch/batch.ts'
import { holdoutDomain } from '../decide/holdout.ts'
import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'
import type { RunReader } from '../record/run-reader.ts'
import { hashUnit } from '../text/hash.ts'
import { hasLanguage, readDocuments } from './documents.ts'
import { LowestKeys } from './lowest-keys.ts'
import { type DecidedSlots, findDecided } from './stored-columns.ts'

/** Which kept documents are drawn: so many of each domain, of each language, or of each of both. */
export interface Draw {
  readonly by: readonly ('domain' | 'language')[]
  readonly perGroup: number
  /** Another one (uint32) draws others. */
  readonly seed: number
}

interface Drawn {
  readonly slot: number
  /** In its slot, and among those of it that were kept. */
  readonly row: number
  readonly index: number
  readonly domain: string
  readonly language: string
}

interface Group {
  kept: number
  readonly drawn: LowestKeys<Drawn>
}

export interface DrawnGroup {
  readonly of: readonly string[]
  readonly kept: number
  readonly drawn: number
}

export interface DrawnDocuments {
  /** In the order of slots and rows. */
  readonly documents: readonly Drawn[]
  /** The largest first. */
  readonly groups: readonly DrawnGroup[]
  /** Held-out documents, which are no text to learn from. */
  readonly heldOut: number
  readonly decided: DecidedSlots
}

/**
 * Draws documents that a run keeps by the hashes of their ids, so that the same are drawn whatever their order, and more of a group are all that
 * fewer were and others. Throws `bad-option` for languages of a run that tells none, and `limit` for too many.
 */
export async function drawDocuments(run: RunReader, draw: Draw): Promise<DrawnDocuments> {
  if (draw.by.includes('language') && !hasLanguage(run))
    throw new HeadraceError(
      'bad-option',
      `${run.dir} has no column 'language': annotate by language(), or draw by domain`,
    )
  const decided = await findDecided(run)
  const groups = new Map<string, Group>()
  let heldOut = 0
  for await (const some of readDocuments(run, { numbers: [], names: [], hasDropped: false }, decided)) {
    const { offsets, bytes } = utf8(some.batch, 'id')
    for (const [index, row] of some.rows.entries()) {
      const [domain, language] = [some.domains[index], some.languages[index]]
      if (domain === holdoutDomain) heldOut++
      else {
        const name = JSON.stringify(draw.by.map(column => (column === 'domain' ? domain : language)))
        const group = groups.get(name) ?? { kept: 0, drawn: new LowestKeys<Drawn>(draw.perGroup) }
        groups.set(name, group)
        group.kept++
        const key = hashUnit(draw.seed, bytes.subarray(offsets[row], offsets[row + 1]))
        group.drawn.add(key, () => ({ slot: some.slot, row, index, domain, language }))
      }
    }
  }
  const documents = [...groups.values()].flatMap(({ drawn }) => drawn.items())
  if (documents.length > limits.judgeDrawnMax)
    throw new HeadraceError(
      'limit',
      `${documents.length} documents are drawn, and ${limits.judgeDrawnMax} are the most: draw fewer of each`,
    )
  const found = [...groups].map(([name, group]) => ({
    of: JSON.parse(name),
    kept: group.kept,
    drawn: group.drawn.items().length,
  }))
  return {
    documents: documents.sort((a, b) => a.slot - b.slot || a.index - b.index),
    groups: found.sort((a, b) => b.kept - a.kept),
    heldOut,
    decided,
  }
}

/** A drawn document with its text. */
export interface DrawnText {
  readonly id: string
  readonly url: string
  readonly domain: string
  readonly language: string
  readonly text: string
}

/** Reads them, in the order in which they are given. Throws `bad-option` where the run has left their texts out. */
export async function* readDrawn(run: RunReader, documents: DrawnDocuments['documents']): AsyncGenerator<DrawnText> {
  let [slot, scored, texts]: [number, Batch | null, Batch | null] = [-1, null, null]
  for (const { slot: wanted, row, index, domain, language } of documents) {
    if (wanted !== slot) {
      ;[slot, scored] = [wanted, await run.scored(wanted)]
      // A run that stores the texts of kept documents alone has them there.
      texts = scored.columns.text ? scored : await run.kept(wanted)
    }
    if (!texts?.columns.text)
      throw new HeadraceError(
        'bad-option',
        `${run.dir} does not store the texts of what it keeps: run its pipeline with .store({ text: 'kept' })`,
      )
    const [id, url] = ['id', 'url'].map(column => stringAt(utf8(scored!, column), row))
    yield { id, url, domain, language, text: stringAt(utf8(texts, 'text'), texts === scored ? row : index) }
  }
}
