import { numbers, stringAt, utf8 } from '../batch/batch.ts'
import { HeadraceError } from '../errors.ts'
import { topics } from '../record/layout.ts'
import { wholePosition } from '../record/long-notes.ts'
import { NamesOf } from '../record/names.ts'
import { readDecideNote } from '../record/notes.ts'
import { type Recalled, reasonColumn, recallReasons, standingColumn, standings } from '../record/recalled.ts'
import type { RunReader } from '../record/run-reader.ts'
import { readSlotColumns } from '../record/slot-columns.ts'
import { TokenCounts } from '../record/token-counts.ts'
import { findDecided, readStoredColumns } from '../value/stored-columns.ts'

/** Of what a run has dropped for one reason, or in one domain: how many, how many reach the line, and what is recalled. */
export interface Share {
  dropped: number
  above: number
  recalled: number
  tokens: number
}

/** What a recall came to. Every row that was seen is in one of these counts, up to `recalled`. */
export interface Tally {
  readonly recall: Recalled
  readonly of: string
  readonly seen: number
  readonly alreadyKept: number
  readonly alreadyRecalled: number
  readonly dead: number
  /** Without a word, so that they can't be scored. */
  readonly unscored: number
  readonly below: number
  readonly overHostCap: number
  readonly overSourceCap: number
  /** The pipeline's edits left nothing of their texts. */
  readonly empty: number
  /** By the deciders' reasons. */
  readonly duplicates: Readonly<Record<string, number>>
  readonly recalled: number
  readonly tokens: number
  /** The best score of a row that was dropped and not recalled before; null where there is none. */
  readonly best: number | null
  /** By what the other run dropped them for, and by the domain that they have there. */
  readonly byReason: ReadonlyMap<string, Share>
  readonly byDomain: ReadonlyMap<string, Share>
}

/** Counts a recall, as far as it has decided. */
export async function tallyRecall(run: RunReader): Promise<Tally> {
  const { recall, replays } = run.run
  if (!recall || !replays) throw new HeadraceError('bad-option', `the run in ${run.dir} is no recall`)
  const { totals } = readDecideNote(await wholePosition(run.log, 'decide', await run.log.position('decide', 0)))
  const counted = await countRows(run, recall)
  const of = (reason: string) => totals.dropped[reason] ?? 0
  const own = new Set<string>(Object.values(recallReasons))
  return {
    recall,
    of: replays.dir,
    seen: totals.documents,
    alreadyKept: of(recallReasons.kept),
    alreadyRecalled: of(recallReasons.recalled),
    dead: totals.dead,
    unscored: of(recallReasons.unscored),
    below: of(recallReasons.below),
    overHostCap: of(recallReasons.host),
    overSourceCap: of(recallReasons.source),
    empty: of(recallReasons.empty),
    duplicates: Object.fromEntries(Object.entries(totals.dropped).filter(([reason]) => !own.has(reason))),
    recalled: totals.kept,
    ...counted,
  }
}

type Counted = Pick<Tally, 'tokens' | 'best' | 'byReason' | 'byDomain'>

async function countRows(run: RunReader, { column, line }: Recalled): Promise<Counted> {
  const decided = await findDecided(run)
  const keptSlots = { topic: topics.kept, partitions: run.run.partitions, from: decided.from, to: decided.to }
  const kept = readSlotColumns(run.log, { ...keptSlots, columns: ['row'] })
  const counts = await TokenCounts.open(run)
  const domainNames = new NamesOf('domain')
  const [byReason, byDomain] = [new Map<string, Share>(), new Map<string, Share>()]
  let [tokens, best] = [0, Number.NaN]
  const columns = { numbers: [column], names: ['domain', standingColumn, reasonColumn] }
  for await (const { slot, batch } of readStoredColumns(run, columns, decided)) {
    const recalled = new Set(numbers((await kept.next()).value!.batch, 'row'))
    const tokensOf = counts.take(slot)
    const [scores, rows] = [numbers(batch, column), numbers(batch, 'row')]
    const [standing, reasons] = [utf8(batch, standingColumn), utf8(batch, reasonColumn)]
    const domains = domainNames.of(batch)
    for (let row = 0; row < batch.rows; row++) {
      const stands = stringAt(standing, row)
      if (stands !== standings.dropped && stands !== standings.unscored) continue
      const isRecalled = recalled.has(rows[row])
      const own = isRecalled ? (tokensOf.get(rows[row]) ?? 0) : 0
      const score = scores[row]
      tokens += own
      if (!(score <= best) && !Number.isNaN(score)) best = score
      for (const share of [shareOf(byReason, stringAt(reasons, row)), shareOf(byDomain, domains[row])]) {
        share.dropped++
        share.tokens += own
        if (score >= line) share.above++
        if (isRecalled) share.recalled++
      }
    }
  }
  return { tokens, best: Number.isNaN(best) ? null : best, byReason, byDomain }
}

function shareOf(shares: Map<string, Share>, name: string): Share {
  const known = shares.get(name)
  if (known) return known
  const share = { dropped: 0, above: 0, recalled: 0, tokens: 0 }
  shares.set(name, share)
  return share
}
