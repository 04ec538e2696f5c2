import assert from 'node:assert/strict'
import { appendFile, readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { encodeBatch } from '../../src/batch/arrow/ipc.ts'
import { type Batch, numbers, utf8From } from '../../src/batch/batch.ts'
import { addressOf } from '../../src/decide/decider.ts'
import { readFates } from '../../src/inspect/fates.ts'
import { sampleByReason } from '../../src/inspect/samples.ts'
import { JournalLog } from '../../src/log/journal/journal-log.ts'
import type { Append } from '../../src/log/log.ts'
import { topics } from '../../src/record/layout.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { endAppends, slotAppend } from '../../src/record/slots.ts'
import { hasEnded, readStanding } from '../../src/record/standing.ts'
import { emptyDecideTotals } from '../../src/record/totals.ts'
import { makeFolder } from '../temporary.ts'

// A run's log written by hand: slot s has records 0 to 5; record 1 is dead in even slots, record 4 repeats record 2 of the slot before.
const deadRow = 1
const dropRow = 4
const isDead = (slot: number, row: number) => slot % 2 === 0 && row === deadRow

function scoredOf(slot: number): Batch {
  const rows = [0, 1, 2, 3, 4, 5].filter(row => !isDead(slot, row))
  return {
    rows: rows.length,
    columns: {
      text: utf8From(rows.map(row => `text ${row}`)),
      id: utf8From(rows.map(row => `${slot}-${row}`)),
      domain: utf8From(rows.map(() => 'd')),
      file: utf8From(rows.map(() => 'f.jsonl')),
      line: { kind: 'u32', values: Uint32Array.from(rows, row => slot * 6 + row + 1) },
      row: { kind: 'u32', values: Uint32Array.from(rows) },
    },
  }
}

function annotated(slot: number, partitions: number): Append[] {
  const scored = slotAppend(topics.scored, slot, partitions, encodeBatch(scoredOf(slot)), {})
  if (!isDead(slot, deadRow)) return [scored]
  const dead: Batch = {
    rows: 1,
    columns: {
      row: { kind: 'u32', values: Uint32Array.of(deadRow) },
      line: { kind: 'u32', values: Uint32Array.of(slot * 6 + deadRow + 1) },
      file: utf8From(['f.jsonl']),
      reason: utf8From(['broken-json']),
      detail: utf8From(['why']),
    },
  }
  return [scored, { topic: topics.dead, partition: 0, headers: { slot: String(slot) }, value: encodeBatch(dead) }]
}

function dropped(slot: number): Append {
  const partner = slot === 0 ? -1 : addressOf(slot - 1, 2)
  const drops: Batch = {
    rows: 1,
    columns: {
      row: { kind: 'u32', values: Uint32Array.of(dropRow) },
      id: utf8From([`${slot}-${dropRow}`]),
      domain: utf8From(['d']),
      reason: utf8From([partner < 0 ? 'too-short' : 'near-duplicate']),
      evidence: { kind: 'f64', values: Float64Array.of(partner < 0 ? 3 : Number.NaN) },
      evidenceText: utf8From(['']),
      duplicateOf: { kind: 'f64', values: Float64Array.of(partner) },
      similarity: { kind: 'f32', values: Float32Array.of(partner < 0 ? Number.NaN : 0.9) },
    },
  }
  return { topic: topics.drops, partition: 0, headers: { slot: String(slot) }, value: encodeBatch(drops) }
}

interface Shape {
  readonly annotated: number
  readonly decided: number
  readonly partitions?: number
  readonly isEnded?: boolean
  readonly tokenizer?: unknown
}

/** Commits one slot at a time, as a run at work does. */
async function writeRun({ annotated: scored, decided, partitions = 1, isEnded = false, tokenizer = null }: Shape) {
  const dir = makeFolder('run')
  const run = {
    pipeline: 'p',
    module: 'file:///p.ts',
    input: [],
    source: 'jsonl',
    partitions,
    lanes: 1,
    slotBytes: 512,
    log: null,
    logConfig: null,
  }
  const segments = [{ from: 0, annotate: 'a', decide: 'd', shard: 's', state: '' }]
  await writeFile(join(dir, 'run.json'), JSON.stringify({ version: 1, ...run, segments, tokenizer }))
  await using log = new JournalLog(join(dir, 'log'), { writable: true })
  await using annotate = await log.own('annotate')
  for (let slot = 0; slot < scored; slot++)
    await annotate.commit({ positions: [], appends: annotated(slot, partitions) })
  if (isEnded) await annotate.commit({ positions: [], appends: endAppends(topics.scored, scored, partitions) })
  await using decide = await log.own('decide')
  const commit = (appends: Append[], slot: number, ended: boolean) => {
    const note = JSON.stringify({ totals: { ...emptyDecideTotals(), documents: 6 * Math.min(slot, decided) }, ended })
    return decide.commit({ positions: [{ partition: 0, offset: 0n, slot, note }], appends })
  }
  for (let slot = 0; slot < decided; slot++) await commit([dropped(slot)], slot + 1, false)
  if (isEnded) await commit([], decided + 1, true)
  return dir
}

async function fatesOf(dir: string): Promise<string[]> {
  await using run = await RunReader.open(dir)
  const fates: string[] = []
  for await (const { slot, row, line, id, fate, reason, duplicateOf } of readFates(run))
    fates.push([slot, row, line, id, fate, reason, duplicateOf].join(' '))
  return fates
}

function expectedFates(slots: number): string[] {
  return Array.from({ length: 6 * slots }, (_, i) => {
    const [slot, row] = [Math.floor(i / 6), i % 6]
    const address = `${slot} ${row} ${i + 1}`
    if (isDead(slot, row)) return `${address}  dead broken-json `
    if (row !== dropRow) return `${address} ${slot}-${row} kept  `
    return slot === 0
      ? `${address} 0-4 dropped too-short `
      : `${address} ${slot}-4 dropped near-duplicate ${slot - 1}-2`
  })
}

for (const partitions of [1, 2, 3])
  test(`each record has one fate, in order, from ${partitions} partitions`, async () => {
    const dir = await writeRun({ annotated: 5, decided: 5, partitions, isEnded: true })
    assert.deepEqual(await fatesOf(dir), expectedFates(5))
    await using run = await RunReader.open(dir)
    for (let slot = 0; slot < 5; slot++) {
      assert.equal(await run.idAt(addressOf(slot, 5)), `${slot}-5`)
      const { batch, index } = await run.find(addressOf(slot, 3))
      assert.equal(numbers(batch, 'row')[index], 3)
    }
    await assert.rejects(run.scored(5), { code: 'not-found' }, 'the end is no slot')
    await assert.rejects(run.idAt(addressOf(2, deadRow)), /slot 2 has no row 1/)
    await assert.rejects(run.idAt(addressOf(2, 6)), /slot 2 has no row 6/)
  })

test('who leaves slots early leaves no reader of the log open', async () => {
  for (const partitions of [1, 3]) {
    await using run = await RunReader.open(await writeRun({ annotated: 5, decided: 5, partitions }))
    const read = run.log.read.bind(run.log)
    let open = 0
    run.log.read = async function* (...from) {
      open++
      try {
        yield* read(...from)
      } finally {
        open--
      }
    }
    for await (const { slot } of run.slots()) if (slot === 1) break
    assert.equal(open, 0, `${partitions} partitions`)
  }
})

test('what is not decided yet has no fate', async () => {
  assert.deepEqual(await fatesOf(await writeRun({ annotated: 5, decided: 3 })), expectedFates(3))
  assert.deepEqual(await fatesOf(await writeRun({ annotated: 5, decided: 0 })), [])
})

test('a run is read beside a writer that is in the middle of a commit, at any byte, and stays as it is', async () => {
  const dir = await writeRun({ annotated: 4, decided: 3 })
  const folder = join(dir, 'log', 'annotate')
  const path = join(folder, (await readdir(folder))[0])
  const whole = await readFile(path)
  // Three slots were decided, so the fourth may be there in part.
  const three = (await fatesOf(dir)).length
  let last = whole.length
  for (; last > 0; last -= 97) {
    await truncate(path, last)
    const fates = await fatesOf(dir)
    if (fates.length < three) break
    assert.deepEqual(fates, expectedFates(3), `cut at ${last}`)
    assert.equal((await readFile(path)).length, last)
  }
  assert.ok(last < whole.length - 1000, 'the cut never reached the third slot')
})

test('a commit of which the file has the length and not yet the bytes is not damage', async () => {
  const dir = await writeRun({ annotated: 3, decided: 3 })
  const folder = join(dir, 'log', 'annotate')
  await appendFile(join(folder, (await readdir(folder))[0]), Buffer.alloc(5000))
  assert.deepEqual(await fatesOf(dir), expectedFates(3))
})

test('totals are what was committed, and a run has ended when its last stage has', async () => {
  const cases: [Shape, boolean][] = [
    [{ annotated: 3, decided: 3 }, false],
    [{ annotated: 3, decided: 3, isEnded: true }, true],
    // The sharding stage has yet to begin.
    [{ annotated: 3, decided: 3, isEnded: true, tokenizer: { encoding: 'gpt2' } }, false],
  ]
  for (const [shape, isEnded] of cases) {
    await using run = await RunReader.open(await writeRun(shape))
    const standing = await readStanding(run.log, run.run)
    assert.deepEqual([standing.decide.totals.documents, hasEnded(standing, run.run)], [18, isEnded])
  }
})

test('samples are the same each time, at most as many as asked, and the counts are of all', async () => {
  const dir = await writeRun({ annotated: 40, decided: 40 })
  await using run = await RunReader.open(dir)
  const groups = await sampleByReason(run, 3)
  assert.deepEqual([...groups].map(([reason, { count, samples }]) => [reason, count, samples.length]).sort(), [
    ['broken-json', 20, 3],
    ['near-duplicate', 39, 3],
    ['too-short', 1, 1],
  ])
  assert.deepEqual(await sampleByReason(run, 3), groups)
  const slots = groups.get('near-duplicate')!.samples.map(({ slot }) => slot)
  assert.notDeepEqual(slots, [1, 2, 3], 'they are spread')
})

test('a folder that is no run, or none, is not found', async () => {
  await assert.rejects(RunReader.open(makeFolder('none')), { code: 'not-found', message: /holds no run/ })
  await assert.rejects(RunReader.open('/nowhere/at/all'), { code: 'not-found', message: /there is no run/ })
})
