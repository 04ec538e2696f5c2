import assert from 'node:assert/strict'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { decodePrefix } from '../../../src/log/journal/frame.ts'
import { JournalLog } from '../../../src/log/journal/journal-log.ts'
import { readCommitted } from '../../../src/log/log.ts'
import { makeFolder } from '../../temporary.ts'

/** A journal of five commits; returns its only file and where its first commit begins. */
async function writeJournal(): Promise<{ dir: string; path: string; bytes: Buffer; begin: number }> {
  const dir = makeFolder('journal')
  await using log = new JournalLog(dir, { writable: true })
  await using owner = await log.own('s')
  for (let i = 0; i < 5; i++)
    await owner.commit({
      positions: [{ partition: 0, offset: BigInt(i), slot: i, note: '' }],
      appends: [{ topic: 's.a', partition: 0, headers: {}, value: Buffer.alloc(100, i) }],
    })
  const path = join(dir, 's', (await readdir(join(dir, 's'))).find(name => name.endsWith('.journal'))!)
  const bytes = await readFile(path)
  return { dir, path, bytes, begin: decodePrefix(bytes)!.frameLength }
}

/** Makes a file the only journal, as if nobody had opened the log since. */
async function onlyFile(path: string, bytes: Uint8Array): Promise<void> {
  for (const name of await readdir(dirname(path))) if (name.endsWith('.journal')) await rm(join(dirname(path), name))
  await writeFile(path, bytes)
}

async function readAll(dir: string, writable = true): Promise<number[]> {
  await using log = new JournalLog(dir, { writable })
  const first: number[] = []
  for await (const entry of readCommitted(log, 's.a')) first.push(entry.value[0])
  return first
}

test('a journal cut at any byte is the commits before the cut, and can go on', async () => {
  const { dir, path, bytes, begin } = await writeJournal()
  const size = (bytes.length - begin) / 5
  for (let length = begin; length <= bytes.length; length += 7) {
    await onlyFile(path, bytes.subarray(0, length))
    const whole = [0, 1, 2, 3, 4].slice(0, Math.floor((length - begin) / size))
    assert.deepEqual(await readAll(dir, false), whole, `cut at ${length}, read beside`)
    assert.deepEqual(await readAll(dir), whole, `cut at ${length}`)
    assert.deepEqual(await readAll(dir), whole, `cut at ${length}, once more`)
  }
})

test('a journal file is born whole, so a cut in its beginning is damage', async () => {
  const { dir, path, bytes, begin } = await writeJournal()
  for (const length of [0, 8, begin - 1]) {
    await onlyFile(path, bytes.subarray(0, length))
    for (const writable of [false, true])
      await assert.rejects(readAll(dir, writable), { code: 'corrupt', message: /at byte 0/ })
  }
})

test('a journal of another version is refused by its name', async () => {
  const { dir, path, bytes } = await writeJournal()
  await writeFile(join(dir, 's', '000000000000.journal'), bytes)
  await rm(path)
  await assert.rejects(readAll(dir), {
    code: 'corrupt',
    message: /000000000000\.journal is not a journal of this version/,
  })
})

test('a last commit that has its length but not its bytes, as after a power failure, is cut', async () => {
  const { dir, path, bytes } = await writeJournal()
  for (const lost of [8, 50, 104]) {
    await onlyFile(path, Buffer.concat([bytes.subarray(0, bytes.length - lost), Buffer.alloc(lost)]))
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
