import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { JournalLog } from '../../../src/log/journal/journal-log.ts'
import { readCommitted } from '../../../src/log/log.ts'
import { makeFolder } from '../../temporary.ts'

test('parts of entries are the bytes that the whole entries have there, and nothing behind them is read', async () => {
  const dir = join(makeFolder('parts'), 'log')
  const value = (seed: number, bytes: number) => Uint8Array.from({ length: bytes }, (_, i) => (i * 7 + seed) % 251)
  const append = (seed: number, bytes: number) => ({
    topic: 's.t',
    partition: 0,
    headers: { seed: String(seed) },
    value: value(seed, bytes),
  })
  await using log = new JournalLog(dir, { writable: true })
  await using owner = await log.own('s')
  await owner.commit({ positions: [], appends: [append(1, 100_000), append(2, 0), append(3, 50)] })
  await owner.commit({ positions: [], appends: [append(4, 40_000)] })
  const parts = await Array.fromAsync(log.readParts({ topic: 's.t', partition: 0, offset: 0n }))
  const whole = await Array.fromAsync(readCommitted(log, 's.t'))
  assert.equal(parts.length, 4)
  for (const [i, part] of parts.entries()) {
    assert.deepEqual(
      [part.offset, part.headers, part.bytes],
      [whole[i].offset, whole[i].headers, whole[i].value.length],
    )
    // At the beginning, which is read along with the header, across its end, and far behind it.
    for (const [at, bytes] of [
      [0, 8],
      [0, part.bytes],
      [20_000, 15_000],
      [90_000, 10_000],
    ])
      if (at + bytes <= part.bytes) assert.deepEqual(await part.read(at, bytes), whole[i].value.slice(at, at + bytes))
    await assert.rejects(part.read(part.bytes - 1, 2), { code: 'corrupt' })
  }
  assert.equal((await Array.fromAsync(log.readParts({ topic: 's.t', partition: 0, offset: 3n }))).length, 1)
})
