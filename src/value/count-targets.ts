import { utf8 } from '../batch/batch.ts'
import { Names, Strings } from '../batch/strings.ts'
import { holdoutDomain } from '../decide/holdout.ts'
import type { RunReader } from '../record/run-reader.ts'
import { TokenRates } from '../record/token-rates.ts'
import { type ConditionColumns, columnsOfConditions, meetsAll } from './conditions.ts'
import { type Documents, readDocuments, tokensOf } from './documents.ts'
import { type Held, HeldValues } from './held-values.ts'
import { type DecidedSlots, measuredValues } from './stored-columns.ts'
import type { Target } from './targets.ts'
import { addTo, type Kept, nothingKept } from './thresholds.ts'

/** What a run keeps, by targets. */
export interface CountedTargets {
  readonly all: Kept
  /** Of no target; of several, which count for the first; and held out, which are of none. */
  readonly others: Kept
  readonly several: Kept
  readonly heldOut: Kept
  /** What the columns of conditions hold. */
  readonly held: ReadonlyMap<string, Held>
  /** Of each target by domain, as it is fed. */
  readonly byTarget: readonly ReadonlyMap<string, Kept>[]
  /** Of all that is not held out. */
  readonly byDomain: ReadonlyMap<string, Kept>
}

/** Counts the documents that a run keeps; one is of the first target whose conditions it meets. */
export async function countTargets(
  run: RunReader,
  targets: readonly Target[],
  decided: DecidedSlots,
): Promise<CountedTargets> {
  const wanted = { ...columnsOfConditions(targets.map(({ where }) => where)), hasDropped: false }
  const rates = await findRates(run, decided)
  const byTarget = targets.map(() => new Map<string, Kept>())
  const byDomain = new Map<string, Kept>()
  const [all, others, several, heldOut] = [nothingKept(), nothingKept(), nothingKept(), nothingKept()]
  const held = new Map([...wanted.names, ...wanted.numbers].map(column => [column, new HeldValues()]))
  for await (const some of readDocuments(run, wanted, decided)) {
    const read = readValues(some, wanted)
    for (const [i, row] of some.rows.entries()) {
      const tokens = tokensOf(some, i, rates)
      const document = { documents: 1, tokens, tokensEstimated: some.tokens[i] >= 0 ? 0 : tokens }
      addTo(all, document)
      if (some.domains[i] === holdoutDomain) {
        addTo(heldOut, document)
        continue
      }
      addToName(byDomain, some.domains[i], document)
      for (const [column, values] of held) values.add(read.get(column)!(i, row))
      const met = targets.flatMap((target, at) =>
        meetsAll(target.where, column => read.get(column)!(i, row)) ? [at] : [],
      )
      if (met.length > 0) addToName(byTarget[met[0]], some.domains[i], document)
      else addTo(others, document)
      // What takes all that is left meets every document.
      if (met.filter(at => targets[at].where.size > 0).length > 1) addTo(several, document)
    }
  }
  const found = new Map([...held].map(([column, values]) => [column, values.found()]))
  return { byTarget, byDomain, all, others, several, heldOut, held: found }
}

async function findRates(run: RunReader, decided: DecidedSlots): Promise<TokenRates> {
  const rates = new TokenRates()
  for await (const some of readDocuments(run, { numbers: [], names: [], hasDropped: false }, decided))
    for (const [i, tokens] of some.tokens.entries())
      if (tokens >= 0) rates.add(some.languages[i], some.textBytes[i], tokens)
  return rates
}

type ReadValue = (i: number, row: number) => string | number

/** How the value of a column is got of the row that is the `i`-th that is counted. */
function readValues(some: Documents, { names, numbers }: ConditionColumns): ReadonlyMap<string, ReadValue> {
  const known = new Names()
  const ofName = (column: string): ReadValue => {
    // As it is fed, which is not always as it was measured.
    if (column === 'domain') return i => some.domains[i]
    const strings = new Strings(utf8(some.batch, column), known)
    return (_, row) => strings.at(row)
  }
  const ofNumber = (column: string): ReadValue => {
    const values = measuredValues(some.batch, column)
    return (_, row) => values[row]
  }
  return new Map([
    ...names.map(name => [name, ofName(name)] as const),
    ...numbers.map(name => [name, ofNumber(name)] as const),
  ])
}

function addToName(groups: Map<string, Kept>, name: string, document: Kept): void {
  const known = groups.get(name) ?? nothingKept()
  groups.set(name, known)
  addTo(known, document)
}
