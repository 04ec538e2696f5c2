import assert from 'node:assert/strict'
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { tableFromIPC } from 'apache-arrow'
import { HeadraceError } from '../../src/errors.ts'
import { openShard, writeShard } from '../../src/shards/shard.ts'
import { toBatch } from '../feed/corpus.ts'
import { drawFrom } from '../random.ts'
import { makeFolder } from '../temporary.ts'

const dir = makeFolder('shard')

const random = drawFrom(9)
let token = 0
const lists = Array.from({ length: 50 }, () => Int32Array.from({ length: random(4) ? random(30) : 0 }, () => token++))
const ids = lists.map((_, i) => `doc ${i} 水`)
const batches = [0, 1, 2, 3, 4].map(i => toBatch(lists.slice(10 * i, 10 * i + 10), ids.slice(10 * i, 10 * i + 10), i))

test('a shard gives back lengths, tokens anywhere and ids, over record batches of any size', async () => {
  for (const bytesMax of [1, 2000, 64 * 1024 * 1024]) {
    const path = join(dir, `s${bytesMax}.arrow`)
    const { bytes, sha256 } = await writeShard(path, batches, { domain: 'en' }, { bytesMax })
    assert.match(sha256, /^[0-9a-f]{64}$/)
    using shard = openShard(path, { bytes, rows: 50, tokens: token })
    assert.deepEqual(shard.metadata, { domain: 'en' })
    assert.deepEqual(
      [...shard.lengths()],
      lists.map(list => list.length),
    )
    for (let i = 0; i < 300; i++) {
      const start = random(token)
      const target = new Int32Array(random(Math.min(90, token - start) + 1))
      shard.readTokens(start, target)
      assert.deepEqual(
        [...target],
        Array.from(target, (_, k) => start + k),
      )
      assert.equal(shard.idAt(start), ids[lists.findIndex(list => list.includes(start))])
    }
    assert.throws(() => shard.readTokens(token - 1, new Int32Array(2)), { code: 'corrupt' })
    assert.equal(tableFromIPC(readFileSync(path)).numRows, 50)
  }
})

test('same rows, same bytes, and nothing is left beside the file', async () => {
  const first = await writeShard(join(dir, 'a.arrow'), batches, { k: 'v' })
  assert.deepEqual(await writeShard(join(dir, 'b.arrow'), batches, { k: 'v' }), first)
  assert.deepEqual(readFileSync(join(dir, 'a.arrow')), readFileSync(join(dir, 'b.arrow')))
  assert.equal(first.bytes, readFileSync(join(dir, 'a.arrow')).length)
  assert.deepEqual(
    readdirSync(dir).filter(name => name.endsWith('.tmp')),
    [],
  )
})

test('a torn, missing or other shard is a typed error', async () => {
  const path = join(dir, 'torn.arrow')
  const { bytes } = await writeShard(path, batches, {})
  assert.throws(() => openShard(path, { bytes, rows: 49, tokens: token }), { code: 'corrupt' })
  assert.throws(() => openShard(join(dir, 'none.arrow')), { code: 'not-found' })
  for (const size of [bytes - 1, bytes - 100, bytes >> 1, 9, 0]) {
    truncateSync(path, size)
    assert.throws(
      () => openShard(path),
      (e: unknown) => e instanceof HeadraceError && e.code === 'corrupt',
      `${size} bytes`,
    )
  }
  writeFileSync(path, Buffer.alloc(bytes, 7))
  assert.throws(() => openShard(path), { code: 'corrupt' })
})
