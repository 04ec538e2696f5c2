import { basename } from 'node:path'
import { stringAt, utf8 } from '../batch/batch.ts'
import type { RunReader } from '../record/run-reader.ts'
import type { TokenRates } from '../record/token-rates.ts'
import type { Amount } from '../what-if/amounts.ts'
import type { Answer, Sample } from '../what-if/answer.ts'
import type { Change } from '../what-if/change.ts'
import type { changedRules } from '../what-if/parts.ts'
import type { Tally } from '../what-if/tally.ts'

/** What was asked. */
export interface About {
  readonly changed: ReturnType<typeof changedRules>
  readonly deciders: Change['deciders']
}

/** The answer as one JSON value. Counts by names that come from documents are lists, the most frequent first. */
export async function answerOf(run: RunReader, { changed, deciders }: About, answer: Answer) {
  const { documents, dead, textBytes, isEnded, slots, tallies, rates, broken } = answer
  const [tally] = tallies
  const samples = async (list: readonly Sample[]) => Promise.all(list.map(sample => describeSample(run, sample)))
  return {
    run: basename(run.dir),
    ended: isEnded,
    slots,
    changed: { rules: changed, deciders: Object.fromEntries(deciders) },
    documents,
    dead,
    textBytes,
    exact: tally.unmeasured.size === 0,
    kept: changeOf(tally, rates),
    returned: amountOf(tally.returned, rates),
    removed: amountOf(tally.removed, rates),
    reasons: reasonsOf(tally).map(([reason, now, then]) => ({ reason, now, tried: then })),
    moves: movesOf(tally),
    needsReplay: [...tally.unmeasured].map(([reason, amount]) => ({ reason, ...amountOf(amount, rates) })),
    rules: broken.rules,
    groups: groupsOf(tally).map(([name, group]) => ({ name, documents: group.documents, ...changeOf(group, rates) })),
    samples: {
      returned: await samples(answer.returned),
      removed: await samples(answer.removed),
      needsReplay: await samples(answer.unmeasured),
    },
  }
}

/** The thresholds of a sweep with what each would keep. */
export function sweepOf(run: RunReader, values: readonly number[], { tallies, rates, isEnded }: Answer) {
  const points = tallies.map((tally, i) => ({
    value: values[i],
    ...amountOf(tally.tried, rates),
    needsReplay: documentsOf(tally.unmeasured),
  }))
  return { run: basename(run.dir), ended: isEnded, now: amountOf(tallies[0].now, rates), points }
}

function changeOf({ now, tried }: Pick<Tally, 'now' | 'tried'>, rates: TokenRates) {
  return { now: amountOf(now, rates), tried: amountOf(tried, rates) }
}

export function amountOf(amount: Amount, rates: TokenRates) {
  const { documents, bytes, isEstimate } = amount
  return { documents, bytes, tokens: amount.tokens(rates), tokensAreEstimated: isEstimate }
}

export function documentsOf(amounts: ReadonlyMap<string, Amount>): number {
  return [...amounts.values()].reduce((sum, { documents }) => sum + documents, 0)
}

/** Reasons with how many are dropped for each now and then, the most frequent first. */
export function reasonsOf({ droppedNow, droppedThen }: Tally): [reason: string, now: number, then: number][] {
  const names = [...new Set([...droppedNow.keys(), ...droppedThen.keys()])]
  const rows = names.map((name): [string, number, number] => [
    name,
    droppedNow.get(name) ?? 0,
    droppedThen.get(name) ?? 0,
  ])
  return rows.sort((a, b) => b[1] - a[1] || b[2] - a[2] || (a[0] < b[0] ? -1 : 1))
}

/** From which fate to which, the most frequent first; `kept` is null. */
export function movesOf({ moves }: Tally) {
  const all = [...moves].flatMap(([from, ends]) =>
    [...ends].map(([to, documents]) => ({ from: from || null, to: to || null, documents })),
  )
  return all.sort((a, b) => b.documents - a.documents)
}

/** Groups, the largest first. */
export function groupsOf({ groups }: Tally) {
  return [...groups].sort((a, b) => b[1].documents - a[1].documents || (a[0] < b[0] ? -1 : 1))
}

/** A sample with its labels, which are read from its slot. */
export async function describeSample(run: RunReader, sample: Sample) {
  const { slot, row, index, from, to, evidence, duplicateOf } = sample
  const scored = await run.scored(slot)
  const at = (name: string) => stringAt(utf8(scored, name), index)
  const { columns } = scored
  const line = columns.line && 'values' in columns.line ? columns.line.values[index] : 0
  return {
    id: at('id'),
    file: at('file'),
    line,
    slot,
    row,
    from: from || null,
    to: to === null ? 'needs-replay' : to || null,
    evidence,
    duplicateOf: duplicateOf < 0 ? null : await run.idAt(duplicateOf),
  }
}
