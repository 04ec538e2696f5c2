import assert from 'node:assert/strict'
import { appendFile, readdir, readFile, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { JournalLog } from '../../../src/log/journal/journal-log.ts'
import { JournalTail } from '../../../src/log/journal/journal-tail.ts'
import type { Owner, Position } from '../../../src/log/log.ts'
import { randomFrom } from '../../random.ts'
import { setLimits } from '../../simulate/small-limits.ts'
import { makeFolder } from '../../temporary.ts'

// A start leaves the last file of the one before where it is, and copies its last commit alone.
setLimits({ journalCopyBytesMax: 0 })

const commit = (owner: Owner, slot: number, bytes: number) =>
  owner.commit({
    positions: [{ partition: 0, offset: BigInt(slot), slot, note: `note ${slot}` }],
    appends: [
      { topic: 's.other', partition: 0, headers: {}, value: Buffer.alloc(bytes, slot) },
      { topic: 's.notes', partition: 0, headers: { slot: String(slot) }, value: Buffer.from(`entry ${slot}`) },
    ],
  })

test('what is followed is what was committed, over files, epochs and what is trimmed', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  const random = randomFrom(seed)
  const dir = makeFolder('tail')
  const stage = join(dir, 's')
  assert.equal(await JournalTail.open(stage, 's.notes', 1), null, 'nothing is there yet')
  let [slot, epochs] = [0, 0]
  let tail: JournalTail | null = null
  while (epochs < 6) {
    await using log = new JournalLog(dir, { writable: true, segmentBytesMax: 20_000 })
    await using owner = await log.own('s')
    epochs++
    // One that was opened before is told that it looks at the past.
    if (tail) assert.equal(await tail.look(() => {}), false, `seed ${seed}, epoch ${epochs}`)
    const fresh: JournalTail | null = await JournalTail.open(stage, 's.notes', 1)
    assert.ok(fresh)
    tail = fresh
    let seen: string[] = []
    const look = () => fresh.look(({ headers, value }) => seen.push(`${headers.slot} ${Buffer.from(value)}`))
    await look()
    for (let looks = 0; looks < 12; looks++) {
      seen = []
      const expected: string[] = []
      const commits = Math.floor(random() * 8)
      for (let i = 0; i < commits; i++) {
        await commit(owner, ++slot, Math.floor(random() * 6000))
        expected.push(`${slot} entry ${slot}`)
      }
      assert.equal(await look(), true)
      const at: Position = fresh.position
      assert.deepEqual([at.slot, at.note, seen], [slot, slot ? `note ${slot}` : '', expected], `seed ${seed}`)
    }
    await log.trim('s.other', 0, BigInt(slot))
    await log.trim('s.notes', 0, BigInt(slot))
  }
})

test('one that begins farther back has the entries of the files before', async () => {
  const dir = makeFolder('tail')
  await using log = new JournalLog(dir, { writable: true, segmentBytesMax: 1000 })
  await using owner = await log.own('s')
  for (let slot = 1; slot <= 9; slot++) await commit(owner, slot, 2000)
  const found: [files: number, isWhole: boolean, slots: string][] = []
  for (const files of [1, 2, 4, 64]) {
    const tail = await JournalTail.open(join(dir, 's'), 's.notes', files)
    const slots: string[] = []
    await tail!.look(({ headers }) => slots.push(headers.slot))
    assert.equal(tail!.position.slot, 9)
    found.push([files, tail!.isWhole, slots.join(' ')])
  }
  assert.deepEqual(found, [
    [1, false, '9'],
    [2, false, '8 9'],
    [4, false, '6 7 8 9'],
    [64, true, '1 2 3 4 5 6 7 8 9'],
  ])
})

test('a commit that is half there is not seen until it is whole', async () => {
  const dir = makeFolder('tail')
  {
    await using log = new JournalLog(dir, { writable: true })
    await using owner = await log.own('s')
    for (let slot = 1; slot <= 3; slot++) await commit(owner, slot, 500)
  }
  const name = (await readdir(join(dir, 's'))).find(one => one.endsWith('.journal'))!
  const path = join(dir, 's', name)
  const bytes = await readFile(path)
  const tail = await JournalTail.open(join(dir, 's'), null, 1)
  await truncate(path, bytes.length - 100)
  assert.equal(await tail!.look(() => {}), true)
  assert.equal(tail!.position.slot, 2)
  await appendFile(path, bytes.subarray(-100))
  await tail!.look(() => assert.fail('no topic is followed'))
  assert.equal(tail!.position.slot, 3)
})

test('damage before the last file is told', async () => {
  const dir = makeFolder('tail')
  {
    await using log = new JournalLog(dir, { writable: true, segmentBytesMax: 1000 })
    await using owner = await log.own('s')
    for (let slot = 1; slot <= 4; slot++) await commit(owner, slot, 2000)
  }
  const names = (await readdir(join(dir, 's'))).filter(one => one.endsWith('.journal')).sort()
  await truncate(join(dir, 's', names[1]), 300)
  const tail = await JournalTail.open(join(dir, 's'), null, 64)
  await assert.rejects(
    tail!.look(() => {}),
    { code: 'corrupt', message: new RegExp(`${names[1]} is damaged at byte`) },
  )
})
