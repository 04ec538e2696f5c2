import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { JournalLog } from '../../src/log/journal.ts'
import { lockDirectory } from '../../src/log/lock.ts'
import { readCommitted } from '../../src/log/log.ts'

/** A journal of five commits; returns its only file. */
async function writeJournal(): Promise<{ dir: string; path: string; bytes: Buffer }> {
  const dir = await mkdtemp(join(tmpdir(), 'headrace-journal-'))
  await using log = new JournalLog(dir, { writable: true })
  await using owner = await log.own('s')
  for (let i = 0; i < 5; i++)
    await owner.commit({
      positions: [{ partition: 0, offset: BigInt(i), slot: i, note: '' }],
      appends: [{ topic: 's.a', partition: 0, headers: {}, value: Buffer.alloc(100, i) }],
    })
  const path = join(dir, 's', (await readdir(join(dir, 's')))[0])
  return { dir, path, bytes: await readFile(path) }
}

async function readAll(dir: string, writable = true): Promise<number[]> {
  await using log = new JournalLog(dir, { writable })
  const first: number[] = []
  for await (const entry of readCommitted(log, 's.a')) first.push(entry.value[0])
  return first
}

test('a journal cut at any byte is the commits before the cut, and can go on', async () => {
  const { dir, path, bytes } = await writeJournal()
  for (let length = 0; length <= bytes.length; length += 7) {
    await writeFile(path, bytes.subarray(0, length))
    const whole = await readAll(dir)
    assert.deepEqual(whole, [0, 1, 2, 3, 4].slice(0, whole.length), `cut at ${length}`)
    assert.equal(whole.length, Math.floor((length / bytes.length) * 5 + 1e-9), `cut at ${length}`)
  }
})

test('a last commit that has its length but not its bytes, as after a power failure, is cut', async () => {
  const { dir, path, bytes } = await writeJournal()
  for (const lost of [8, 50, 104]) {
    await writeFile(path, Buffer.concat([bytes.subarray(0, bytes.length - lost), Buffer.alloc(lost)]))
    assert.deepEqual(await readAll(dir, false), [0, 1, 2, 3], `${lost} bytes lost, read beside`)
    assert.deepEqual(await readAll(dir), [0, 1, 2, 3], `${lost} bytes lost`)
  }
})

test('a flipped bit in committed data is reported with the place, never served', async () => {
  const { dir, path, bytes } = await writeJournal()
  for (let at = 0; at < bytes.length; at += 13) {
    const damaged = Buffer.from(bytes)
    damaged[at] ^= 0x10
    await writeFile(path, damaged)
    const result = await readAll(dir, false).then(
      values => values,
      error => error.code,
    )
    // Damage to the last commit looks torn and is cut; padding carries nothing; all else is an error.
    const harmless = JSON.stringify(result) === '[0,1,2,3]' || JSON.stringify(result) === '[0,1,2,3,4]'
    assert.ok(result === 'corrupt' || harmless, `bit at ${at}: ${JSON.stringify(result)}`)
  }
})

test('a reader beside the writer does not cut its tail', async () => {
  const { dir, path, bytes } = await writeJournal()
  await writeFile(path, bytes.subarray(0, bytes.length - 20))
  assert.deepEqual(await readAll(dir, false), [0, 1, 2, 3])
  assert.equal((await readFile(path)).length, bytes.length - 20)
})

test('a folder has one owner at a time, and a dead one does not hold it', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'headrace-lock-'))
  {
    await using _lock = await lockDirectory(dir)
    await assert.rejects(lockDirectory(dir), { code: 'locked' })
  }
  await writeFile(
    join(dir, 'lock'),
    JSON.stringify({ pid: 2 ** 22 + 1, started: '1', host: (await import('node:os')).hostname() }),
  )
  await using _again = await lockDirectory(dir)
  await assert.rejects(lockDirectory(dir), /in use by process \d+ on /)
})
