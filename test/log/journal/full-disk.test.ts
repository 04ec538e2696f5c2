import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { JournalLog } from '../../../src/log/journal/journal-log.ts'
import { type Owner, readCommitted } from '../../../src/log/log.ts'
import { makeFolder } from '../../temporary.ts'

const commit = (owner: Owner, i: number) =>
  owner.commit({
    positions: [{ partition: 0, offset: BigInt(i), slot: i, note: '' }],
    appends: [{ topic: 's.a', partition: 0, headers: {}, value: Buffer.alloc(100_000, i) }],
  })

async function readAll(log: JournalLog): Promise<number[]> {
  return (await Array.fromAsync(readCommitted(log, 's.a'))).map(({ value }) => value[0])
}

test('a full disk stops commits and starts; with room, a start goes on with all that was done', async context => {
  const disk = makeFolder('full')
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk], { stdio: 'pipe' })
  } catch {
    return context.skip('a small disk can not be mounted here')
  }
  try {
    await writeFile(join(disk, 'filler'), Buffer.alloc(2 * 1024 * 1024))
    let done = 0
    {
      await using log = new JournalLog(join(disk, 'log'), { writable: true })
      const owner = await log.own('s')
      const fill = async () => {
        for (; ; done++) await commit(owner, done)
      }
      await assert.rejects(fill(), { code: 'disk', message: /failed with ENOSPC.* make room/ })
      await assert.rejects(commit(owner, 200), { code: 'disk' })
      assert.equal((await readAll(log)).length, done)
    }
    const begin = async () => {
      await using log = new JournalLog(join(disk, 'log'), { writable: true })
      await commit(await log.own('s'), done)
      return await readAll(log)
    }
    for (let i = 0; i < 3; i++) await assert.rejects(begin(), { code: 'disk' })
    await using reader = new JournalLog(join(disk, 'log'), { writable: false })
    assert.equal((await readAll(reader)).length, done)
    await rm(join(disk, 'filler'))
    assert.deepEqual(
      await begin(),
      Array.from({ length: done + 1 }, (_, i) => i),
    )
  } finally {
    execFileSync('umount', ['-l', disk])
  }
})
