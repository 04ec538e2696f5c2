import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../../src/limits.ts'
import type { Append, Log, Owner } from '../../src/log/log.ts'
import { MemoryLog } from '../../src/log/memory/memory-log.ts'
import { topics } from '../../src/record/layout.ts'
import { NoteFold, NoteWriter, wholePosition } from '../../src/record/long-notes.ts'
import { readDecideNote, splitDecideNote } from '../../src/record/notes.ts'
import { addCount, emptyDecideTotals } from '../../src/record/totals.ts'
import { randomFrom } from '../random.ts'

type Totals = ReturnType<typeof emptyDecideTotals>

async function commit(
  owner: Owner,
  writer: NoteWriter,
  slot: number,
  totals: Totals,
  ended = false,
): Promise<Append[]> {
  const written = writer.write(slot, splitDecideNote({ totals, ended }))
  const position = { partition: 0, offset: 0n, slot, note: written.note }
  await owner.commit({ positions: [position], appends: written.appends })
  return written.appends
}

const committed = async (log: Log) => wholePosition(log, 'decide', await log.position('decide', 0))
const lengthOf = (appends: readonly Append[]) => appends.reduce((sum, { value }) => sum + value.length, 0)

function countDomains(totals: Totals, writer: NoteWriter, names: readonly string[]): void {
  for (const name of names) {
    writer.changed.add('byDomain', name)
    totals.byDomain[name] ??= { documents: 0, kept: 0 }
    totals.byDomain[name].documents++
    totals.documents++
  }
}
const namesTo = (count: number) => Array.from({ length: count }, (_, i) => (i ? `domain ${i}` : '__proto__'))

test('a short note stands in the position, and a long one beside it; both are read whole after every commit and restart', async () => {
  await using log = new MemoryLog()
  const random = randomFrom(3)
  const totals = emptyDecideTotals()
  let owner = await log.own('decide')
  let writer = new NoteWriter('decide')
  let longs = 0
  for (let slot = 1; slot <= 60; slot++) {
    countDomains(
      totals,
      writer,
      namesTo(20 * slot).filter(() => random() < 0.1),
    )
    addCount(totals.dropped, `reason ${slot % 7}`, 1)
    const appends = await commit(owner, writer, slot, totals)
    longs += appends.length
    assert.deepEqual(readDecideNote(await committed(log)).totals, totals, `slot ${slot}`)
    const { note } = await log.position('decide', 0)
    assert.ok(note.length <= limits.noteLengthMax)
    assert.equal(readDecideNote({ note }).totals.documents, totals.documents, 'a brief note has the sums')
    if (random() < 0.2) {
      owner = await log.own('decide')
      writer = new NoteWriter('decide')
    }
  }
  assert.ok(longs > 20 && longs < 60, `${longs} long notes`)
})

test('a commit costs what is new: 4,000 domains, 2,000 slots', async () => {
  await using log = new MemoryLog()
  const owner = await log.own('decide')
  const writer = new NoteWriter('decide')
  const totals = emptyDecideTotals()
  countDomains(totals, writer, namesTo(4000))
  let bytes = 0
  for (let slot = 1; slot <= 2000; slot++) {
    totals.dead++
    bytes += lengthOf(await commit(owner, writer, slot, totals))
    bytes += (await log.position('decide', 0)).note.length
  }
  const whole = JSON.stringify(totals).length
  assert.ok(whole > 150_000 && bytes < 10 * whole, `${bytes} bytes for notes of ${whole}`)
  assert.deepEqual(readDecideNote(await committed(log)).totals, totals)
})

test('a start reads no more than twice the note and what the last commit changed', async () => {
  await using log = new MemoryLog()
  const owner = await log.own('decide')
  const writer = new NoteWriter('decide')
  const totals = emptyDecideTotals()
  const random = randomFrom(8)
  for (let slot = 1; slot <= 300; slot++) {
    countDomains(
      totals,
      writer,
      namesTo(2000).filter(() => random() < 0.05),
    )
    await commit(owner, writer, slot, totals)
  }
  const { parts } = JSON.parse((await log.position('decide', 0)).note)
  let read = 0
  for await (const { headers, value } of log.read(
    { topic: topics.decideNotes, partition: 0, offset: 0n },
    AbortSignal.abort(),
  ))
    if (Number(headers.slot) >= parts.from) read += value.length
  assert.ok(read < 2.5 * JSON.stringify(totals).length, `${read} bytes`)
})

test('an entry that is missing, cut, or of another commit is damage, not another count', async () => {
  await using log = new MemoryLog()
  const owner = await log.own('decide')
  const writer = new NoteWriter('decide')
  const totals = emptyDecideTotals()
  const entries: Append[] = []
  for (let slot = 1; slot <= 5; slot++) {
    countDomains(totals, writer, namesTo(slot === 1 ? 1000 : 10 * slot))
    entries.push(...(await commit(owner, writer, slot, totals)))
  }
  const { note } = await log.position('decide', 0)
  const fold = (some: readonly Append[]) => {
    const one = new NoteFold('decide')
    for (const entry of some) one.add(entry)
    return one.whole(note)
  }
  assert.deepEqual(readDecideNote({ note: fold(entries)! }).totals, totals)
  for (const some of [[], entries.slice(1), entries.slice(0, -1)]) assert.equal(fold(some), null)
  const cut = { ...entries[0], value: entries[0].value.subarray(0, 100) }
  assert.throws(() => fold([cut, ...entries.slice(1)]), { code: 'corrupt', message: /slot 1 is no note/ })
  await owner.commit({
    positions: [{ partition: 0, offset: 0n, slot: 6, note: note.replace('"to":5', '"to":6') }],
    appends: [],
  })
  await assert.rejects(committed(log), { code: 'corrupt', message: /decide\.notes does not hold .* slots 1 to 6/ })
})
