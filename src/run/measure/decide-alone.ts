import type { Annotator } from '../../annotate/annotator.ts'
import { type Batch, numbers, stringAt, utf8 } from '../../batch/batch.ts'
import { evaluateRules } from '../../decide/rules.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { deadFate, type Fate, keptFate } from '../../record/fate.ts'
import type { RunShape } from '../../record/layout.ts'
import type { Split } from '../../sources/source.ts'
import { Lanes, startLoadPosition } from '../load/lanes.ts'
import { annotateSlot } from './annotate-slot.ts'

/** What an annotator's default rules say of each record. It measures documents as they came in, after annotators that write what it reads. */
export async function* decideAlone(plan: Plan, annotator: Annotator, shape: RunShape): AsyncIterable<Fate> {
  const needed = neededBefore(plan, annotator)
  const annotators = [...needed, annotator]
  const read = plan.fields.filter(field => !isWritten(plan, field.name))
  const fields = [...read, ...annotators.flatMap(one => one.writes)]
  const alone: Plan = { ...plan, steps: annotators.map(one => ({ annotator: one })), fields }
  const signal = new AbortController().signal
  const splits: Split[] = []
  for await (const split of plan.source.splits(signal)) splits.push(split)
  const lanes = new Lanes(plan.source, splits, startLoadPosition(shape.lanes), signal)
  for (let slot = 0; ; slot++) {
    const loaded = await lanes.next()
    if (!loaded) return
    const { scored, dead } = await annotateSlot(alone, loaded.chunks)
    const fates = [
      ...fatesOf(scored, annotator, slot),
      ...dead.map(({ file, line, row, reason, detail }) => deadFate({ file, line, slot, row }, reason, detail)),
    ]
    yield* fates.sort((a, b) => a.row - b.row)
  }
}

function neededBefore(plan: Plan, annotator: Annotator): Annotator[] {
  const before: Annotator[] = []
  for (const step of plan.steps) {
    if (!('annotator' in step) || step.annotator === annotator) continue
    const writes = step.annotator.writes.map(field => field.name)
    if (writes.some(name => name !== 'text' && annotator.reads.includes(name))) before.push(step.annotator)
  }
  return before
}

function isWritten(plan: Plan, column: string): boolean {
  return plan.steps.some(step => 'annotator' in step && step.annotator.writes.some(field => field.name === column))
}

function fatesOf(batch: Batch, annotator: Annotator, slot: number): Fate[] {
  const { rule, evidence, evidenceText } = evaluateRules(batch, annotator.rules)
  const at = (name: string, row: number) => stringAt(utf8(batch, name), row)
  return Array.from(rule, (index, row) => {
    const kept = keptFate({
      id: at('id', row),
      file: at('file', row),
      line: numbers(batch, 'line')[row],
      slot,
      row: numbers(batch, 'row')[row],
      index: row,
      domain: at('domain', row),
    })
    if (index < 0) return kept
    const { reason } = annotator.rules[index]
    return { ...kept, fate: 'dropped', reason, evidence: evidenceText(row) || evidence[row] }
  })
}
