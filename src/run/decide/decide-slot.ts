import { type Batch, numbers, stringAt, utf8, utf8From, withColumns } from '../../batch/batch.ts'
import { takeRows } from '../../batch/rows.ts'
import type { RowDecider, Verdict } from '../../decide/decider.ts'
import { evaluateRules } from '../../decide/rules.ts'
import type { State } from '../../decide/state.ts'
import { assert, HeadraceError } from '../../errors.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { indexesOf, keptBatch } from '../../record/kept.ts'
import type { SlotCounts } from './slot-counts.ts'

/** What a slot's rows came to: every row is in one of the two, in row order. `kept` as `record/kept.ts` says. */
export interface DecidedSlot {
  readonly kept: Batch
  readonly drops: Batch
}

/** Decides every row of a slot and counts it. Calls the deciders in their order; the state has the effect when this returns. */
export function decideSlot(plan: Plan, scored: Batch, slot: number, state: State, counts: SlotCounts): DecidedSlot {
  const { kept, dropped, moved } = decideRows(plan, scored, slot, state)
  if (kept.length + dropped.length !== scored.rows)
    throw new HeadraceError(
      'lost-row',
      `slot ${slot}: ${scored.rows} rows in, ${kept.length} kept and ${dropped.length} dropped: this is a bug in a decider`,
    )
  const merged = counts.add(scored, { kept, dropped })
  const rows = numbers(scored, 'row')
  const domains = kept.map(index => moved.get(index) ?? merged.get(index) ?? '')
  return {
    kept: keptBatch(
      kept.map(index => rows[index]),
      domains,
    ),
    drops: dropBatch(scored, dropped),
  }
}

type DroppedRow = Verdict & { readonly row: number }

interface DecidedRows {
  readonly kept: number[]
  readonly dropped: DroppedRow[]
  /** The domains of kept rows that a decider has moved. */
  readonly moved: Map<number, string>
}

function decideRows(plan: Plan, scored: Batch, slot: number, state: State): DecidedRows {
  const gates = utf8(scored, 'gate')
  const gateEvidence = numbers(scored, 'gateEvidence')
  const gateText = utf8(scored, 'gateText')
  const { rule, evidence, evidenceText } = evaluateRules(scored, plan.rules)
  const deciders = plan.deciders.map(decider => decider.open(scored, slot, state))
  const verdict = emptyVerdict()
  const decided: DecidedRows = { kept: [], dropped: [], moved: new Map() }
  for (let row = 0; row < scored.rows; row++) {
    Object.assign(verdict, noVerdict)
    if (gates.offsets[row + 1] > gates.offsets[row]) {
      verdict.reason = stringAt(gates, row)
      verdict.evidence = gateEvidence[row]
      verdict.evidenceText = stringAt(gateText, row)
    } else if (rule[row] >= 0) {
      verdict.reason = plan.rules[rule[row]].reason
      verdict.evidence = evidence[row]
      verdict.evidenceText = evidenceText(row)
    } else if (decideRow(deciders, row, verdict)) {
      decided.kept.push(row)
      if (verdict.domain) decided.moved.set(row, verdict.domain)
      continue
    }
    decided.dropped.push({ row, ...verdict })
  }
  return decided
}

/** Asks the deciders in their order, and tells all when every one keeps the row. */
export function decideRow(deciders: readonly RowDecider[], row: number, verdict: Verdict): boolean {
  for (const decider of deciders) if (!decider.decide(row, verdict)) return false
  for (const decider of deciders) decider.keep(row)
  return true
}

/** Enters a decided slot's kept rows into the state once more, as deciding them did. Both batches are in the order of rows. */
export function keepAgain(plan: Pick<Plan, 'deciders'>, scored: Batch, kept: Batch, slot: number, state: State): void {
  const deciders = plan.deciders
    .filter(decider => decider.tables.length > 0)
    .map(decider => decider.open(scored, slot, state))
  const verdict = emptyVerdict()
  for (const [i, row] of indexesOf(scored, kept).entries()) {
    assert(row >= 0, `slot ${slot}: row ${numbers(kept, 'row')[i]} is kept and was not measured`)
    for (const decider of deciders) {
      Object.assign(verdict, noVerdict)
      decider.decide(row, verdict)
    }
    for (const decider of deciders) decider.keep(row)
  }
}

export const noVerdict: Verdict = {
  reason: '',
  evidence: Number.NaN,
  evidenceText: '',
  duplicateOf: -1,
  similarity: Number.NaN,
  domain: '',
}
export const emptyVerdict = (): Verdict => ({ ...noVerdict })

/** Dropped rows as columns of `drop.v1`. */
function dropBatch(scored: Batch, dropped: readonly DroppedRow[]): Batch {
  const rows = dropped.map(({ row }) => row)
  const { id, domain, row } = scored.columns
  const labels = takeRows({ rows: scored.rows, columns: { row, id, domain } }, rows)
  return withColumns(labels, {
    reason: utf8From(dropped.map(({ reason }) => reason)),
    evidence: { kind: 'f64', values: Float64Array.from(dropped, ({ evidence }) => evidence) },
    evidenceText: utf8From(dropped.map(({ evidenceText }) => evidenceText)),
    duplicateOf: { kind: 'f64', values: Float64Array.from(dropped, ({ duplicateOf }) => duplicateOf) },
    similarity: { kind: 'f32', values: Float32Array.from(dropped, ({ similarity }) => similarity) },
  })
}
