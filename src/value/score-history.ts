import { addressOf } from '../decide/decider.ts'
import type { RunReader } from '../record/run-reader.ts'
import { hashUnit } from '../text/hash.ts'
import { nameText, type RoundScorer } from './fit-round.ts'
import type { RowsWanted } from './rows-wanted.ts'
import { type PassedRows, type RunText, readRunTexts } from './run-texts.ts'
import { ScoredRows } from './scored-rows.ts'
import type { DecidedSlots } from './stored-columns.ts'

/** Where a document is from; null where nothing says it. */
export type Origin = { readonly host: string | null; readonly source: string | null }

export interface History extends PassedRows {
  readonly rows: ScoredRows
  /** Documents without a word. */
  empty: number
}

/** Scores what a run has stored, whatever it decided. Who takes the rows disposes of them. */
export async function scoreHistory(
  run: RunReader,
  { decided, fate }: { readonly decided: DecidedSlots; readonly fate: RowsWanted['fate'] },
  scorer: RoundScorer,
  originOf: (text: RunText) => Origin,
): Promise<History> {
  const history: History = { rows: await ScoredRows.open(), empty: 0, heldOut: 0 }
  try {
    for await (const text of readRunTexts(run, { fate, where: new Map() }, decided, { passed: history }))
      if (scorer.read(text.bytes)) {
        const { host, source } = originOf(text)
        await history.rows.add({
          address: addressOf(text.slot, text.row),
          text: nameText(text.bytes),
          host: nameOrigin(host),
          source: nameOrigin(source),
          seed: scorer.seed,
          score: scorer.score,
        })
      } else history.empty++
    return history
  } catch (error) {
    await history.rows[Symbol.asyncDispose]()
    throw error
  }
}

const nameOrigin = (name: string | null) => (name === null ? Number.NaN : hashUnit(1, name))
