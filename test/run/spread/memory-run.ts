import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeBatch } from '../../../src/batch/arrow/ipc.ts'
import { utf8, utf8From } from '../../../src/batch/batch.ts'
import { documentFields, stageFields } from '../../../src/batch/contract.ts'
import { missingColumn } from '../../../src/batch/rows.ts'
import type { Decider } from '../../../src/decide/decider.ts'
import type { Log, SpreadLog } from '../../../src/log/log.ts'
import { MemoryLog } from '../../../src/log/memory/memory-log.ts'
import { pipeline } from '../../../src/pipeline/pipeline.ts'
import { planPipeline } from '../../../src/pipeline/plan.ts'
import { topics } from '../../../src/record/layout.ts'
import { slotAppend } from '../../../src/record/slots.ts'
import type { Pool } from '../../../src/run/measure/pool.ts'
import type { SpreadContext } from '../../../src/run/spread/annotate-stage.ts'
import { encodeRaw } from '../../../src/run/spread/raw.ts'
import { jsonl } from '../../../src/sources/files/jsonl.ts'
import { contextOf as contextOfOne } from '../context.ts'

/** What tests of the parts of a spread run share: a run over three partitions on a log in memory. */
export const partitions = 3
export const newLog = () => new MemoryLog({ spread: { annotate: partitions } })

const first = { offset: 0, line: 1 }

/** Keeps the first row of each text. */
const unique: Decider = {
  ...{ name: 'unique', version: 1, options: {}, reads: ['text'], reasons: ['again'] },
  tables: [
    { name: 'texts', kind: 'keyed', width: 4 },
    { name: 'rows', kind: 'list', width: 4 },
  ],
  open(batch, _, state) {
    const { offsets, bytes } = utf8(batch, 'text')
    const table = state.keyed('texts')
    const keyOf = (row: number) =>
      bytes.subarray(offsets[row], offsets[row + 1]).reduce((sum, byte) => 31 * sum + byte, 1)
    return {
      decide(row, verdict) {
        if (table.get(0, keyOf(row)) < 0) return true
        verdict.reason = 'again'
        return false
      },
      keep(row) {
        assert.ok(table.get(0, keyOf(row)) < 0, 'a row is entered once')
        table.set(0, keyOf(row), state.list('rows').push(new Uint8Array(4)))
      },
    }
  },
}

export const plan = planPipeline(pipeline('p').from(jsonl('none')).decide(unique))

export function contextOf(log: SpreadLog, more: Partial<SpreadContext> = {}): SpreadContext {
  const pool = poolOf(async text => text)
  const segments = [{ from: 0, annotate: '', decide: '', shard: '', state: plan.stateFingerprint }]
  return { ...contextOfOne({ plan, log, pool, shape: { partitions, lanes: 1, spread: true }, segments }), ...more }
}

/** A stand-in for the pool's threads: a slot's value is what `measure` makes of its text. */
export function poolOf(measure: (text: string, slot: number) => Promise<string>): Pool {
  const annotate: Pool['annotate'] = async (slot, [{ bytes, dead }]) => ({
    scored: Buffer.from(await measure(Buffer.from(bytes).toString(), slot)),
    ...{ rows: 1, deadRows: dead.length, dead: dead.length > 0 ? Buffer.from(`dead ${slot}`) : null },
  })
  return { size: 2, annotate } as unknown as Pool
}

/** A loaded slot, whose text is its number. A slot in `deadSlots` has a dead record. */
export function rawOf(slot: number, fingerprint = plan.annotateFingerprint, isDead = false) {
  const dead = isDead ? [{ line: 1, reason: 'no-json', detail: '' }] : []
  const bytes = Buffer.from(`text ${slot}`)
  const chunks = [{ split: 'a', line: 1, bytes, dead, next: first }]
  const value = encodeRaw({ chunks, stored: null, base: undefined })
  return slotAppend(topics.raw, slot, partitions, value, { fingerprint })
}

export const endOf = (slot: number) => slotAppend(topics.raw, slot, partitions, new Uint8Array(0), { end: '1' })

/** A measured slot with a row for each text. */
export function scoredOf(slot: number, texts: readonly string[]) {
  const missing = [...documentFields, ...stageFields].map(field => [field.name, missingColumn(field, texts.length)])
  const row = { kind: 'u32' as const, values: Uint32Array.from(texts.keys()) }
  const columns = { ...Object.fromEntries(missing), text: utf8From(texts), row }
  const headers = { rows: String(texts.length), dead: '0', fingerprint: plan.annotateFingerprint }
  return slotAppend(topics.scored, slot, partitions, encodeBatch({ rows: texts.length, columns }), headers)
}

/** Waits until something is so, and looks often. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 3000
  for (let looks = 0; !(await isSo()); looks++) {
    assert.ok(performance.now() < end, `${what}: not after 3 s`)
    await (looks < 50 ? new Promise(resolve => setImmediate(resolve)) : sleep(1, undefined, { ref: false }))
  }
}

/** Lets everything go on that can. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
}

/** Appends as a stage's only owner would, without its positions. */
export async function append(log: Log, stage: string, ...appends: ReturnType<typeof rawOf>[]): Promise<void> {
  await using owner = await log.own(stage)
  await owner.commit({ positions: [], appends })
}
