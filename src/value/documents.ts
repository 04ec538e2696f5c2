import { type Batch, numbers, stringAt, utf8 } from '../batch/batch.ts'
import { indexesOf } from '../record/kept.ts'
import { topics } from '../record/layout.ts'
import { NamesOf } from '../record/names.ts'
import type { RunReader } from '../record/run-reader.ts'
import { readSlotColumns } from '../record/slot-columns.ts'
import { TokenCounts } from '../record/token-counts.ts'
import type { TokenRates } from '../record/token-rates.ts'
import { type ColumnsRead, type DecidedSlots, readStoredColumns } from './stored-columns.ts'

/** Some rows of a slot, and what is counted of each: `domains[i]` and the others are of the row `rows[i]` of the batch. */
export interface Documents {
  readonly slot: number
  readonly batch: Batch
  readonly rows: readonly number[]
  /** As they are fed: a decider may have moved a kept document. */
  readonly domains: readonly string[]
  /** Empty where the run does not tell languages. */
  readonly languages: readonly string[]
  readonly textBytes: readonly number[]
  /** -1 where no sealed shard has the document. */
  readonly tokens: readonly number[]
}

/** What is read of which documents. */
export interface DocumentsWanted extends ColumnsRead {
  /** Those that the run has dropped, too. */
  readonly hasDropped: boolean
}

/** Whether all slots of a run say a document's language. */
export const hasLanguage = ({ run }: RunReader): boolean =>
  run.segments.every(({ columns }) => columns && Object.hasOwn(columns, 'language'))

/** The documents of decided slots, in their order. Names are those that the run keeps apart. */
export async function* readDocuments(
  run: RunReader,
  { hasDropped, numbers: measured, names }: DocumentsWanted,
  decided: DecidedSlots,
): AsyncIterable<Documents> {
  const isTold = hasLanguage(run)
  const columns = { numbers: measured, names: ['domain', ...(isTold ? ['language'] : []), ...names] }
  const slots = { topic: topics.kept, partitions: run.run.partitions, from: decided.from, to: decided.to }
  const kept = readSlotColumns(run.log, { ...slots, columns: ['row', 'domain'] })
  const counts = await TokenCounts.open(run)
  const domainNames = new NamesOf('domain')
  const languageNames = isTold ? new NamesOf('language') : null
  for await (const { slot, batch, textOffsets } of readStoredColumns(run, columns, decided)) {
    const domains = domainNames.of(batch)
    const languages = languageNames?.of(batch)
    const rows = keptRows(batch, (await kept.next()).value!.batch, domains)
    const tokens = counts.take(slot)
    const numbered = numbers(batch, 'row')
    const counted = hasDropped ? Array.from({ length: batch.rows }, (_, row) => row) : rows
    yield {
      slot,
      batch,
      rows: counted,
      domains: counted.map(row => domains[row]),
      languages: counted.map(row => languages?.[row] ?? ''),
      textBytes: counted.map(row => textOffsets[row + 1] - textOffsets[row]),
      tokens: counted.map(row => tokens.get(numbered[row]) ?? -1),
    }
  }
}

/** The rows of a slot that were kept, in their order; the domains of those that a decider has moved become what it made them. */
export function keptRows(batch: Batch, kept: Batch, domains: string[]): number[] {
  const rows = [...indexesOf(batch, kept)]
  const moved = kept.columns.domain ? utf8(kept, 'domain') : null
  if (moved) for (const [i, row] of rows.entries()) domains[row] = stringAt(moved, i) || domains[row]
  return rows
}

/** Tokens a byte where no document of a run was tokenized: near what English prose comes to in tokenizers of 50,000 tokens and more. */
const tokensPerByte = 1 / 4

/** Tokens of the document at `i`; an estimate by the bytes of its text where the run has not counted them. */
export function tokensOf({ tokens, textBytes, languages }: Documents, i: number, rates: TokenRates): number {
  if (tokens[i] >= 0) return tokens[i]
  const rate = rates.of(languages[i])
  return textBytes[i] * (Number.isNaN(rate) ? tokensPerByte : rate)
}
