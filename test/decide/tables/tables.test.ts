import assert from 'node:assert/strict'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { before, test } from 'node:test'
import type { TableShape } from '../../../src/decide/state.ts'
import { openTables } from '../../../src/decide/tables/tables.ts'
import { Check } from '../../../src/verify/check.ts'
import { verifyState } from '../../../src/verify/state.ts'
import { makeFolder } from '../../temporary.ts'

let folder = ''
before(async () => {
  folder = makeFolder('tables')
})

let files = 0
const nextPath = (): string => join(folder, `state-${files++}`)

const shapes: readonly TableShape[] = [
  { name: 'keys', kind: 'keyed', width: 4 },
  { name: 'items', kind: 'list', width: 8 },
]

const owner = { identity: 'a', run: null }
const check = new Check('state', 'seals')

/** Three seals of one key and one item each; returns the file's bytes after each. */
async function writeSeals(path: string): Promise<number[]> {
  const ends: number[] = []
  await using state = await openTables({ path, shapes, identity: 'a' })
  for (let slot = 1; slot <= 3; slot++) {
    state.keyed('keys').set(slot, slot, state.list('items').push(new Uint8Array(8).fill(slot)))
    await state.seal(slot)
    ends.push((await stat(path)).size)
  }
  return ends
}

test('a tail torn at any byte is cut off, and the state goes on from the last whole seal', async () => {
  const path = nextPath()
  const ends = await writeSeals(path)
  const whole = await readFile(path)
  for (let length = ends[0]; length < whole.length; length++) {
    await writeFile(path, whole.subarray(0, length))
    {
      await using state = await openTables({ path, shapes, identity: 'a' })
      const sealed = length < ends[1] ? 1 : 2
      assert.equal(state.slot(), sealed)
      assert.equal(state.keyed('keys').get(2, 2), sealed === 2 ? 1 : -1)
      state.keyed('keys').set(9, 9, state.list('items').push(new Uint8Array(8)))
      await state.seal(9)
    }
    await using again = await openTables({ path, shapes, identity: 'a' })
    assert.equal(again.slot(), 9)
    assert.equal(again.keyed('keys').get(3, 3), -1)
  }
})

test('a flipped bit cuts off its frame and all after it', async () => {
  const path = nextPath()
  const ends = await writeSeals(path)
  const whole = await readFile(path)
  for (let at = ends[0]; at < ends[1]; at++) {
    const damaged = Buffer.from(whole)
    damaged[at] ^= 16
    await writeFile(path, damaged)
    await using state = await openTables({ path, shapes, identity: 'a' })
    assert.equal(state.slot(), 1, `byte ${at}`)
  }
})

test('a seal gives back its mark; one of an older version, and one that is given none, has none', async () => {
  const path = nextPath()
  await writeSeals(path)
  for (const mark of [7, 2 ** 32 - 1, null, 0]) {
    await using state = await openTables({ path, shapes, identity: 'a' })
    await state.seal(state.slot() + 1, mark)
    assert.equal(state.mark(), mark)
    const lasting = nextPath()
    await writeFile(lasting, await readFile(path))
    await using again = await openTables({ path: lasting, shapes, identity: 'a' })
    assert.equal(again.mark(), mark)
    assert.equal(again.keyed('keys').get(3, 3), 2)
    const sealed = await verifyState(
      folder,
      { path: basename(lasting), bytes: (await stat(lasting)).size },
      owner,
      check,
    )
    assert.deepEqual(sealed, { slot: state.slot(), mark })
  }
})

test('a torn header begins the file anew, as there is nothing behind it', async () => {
  const path = nextPath()
  {
    await using _ = await openTables({ path, shapes, identity: 'a' })
  }
  const header = await readFile(path)
  for (const content of [...Array(header.length).keys()].map(n => header.subarray(0, n)).concat([Buffer.alloc(50)])) {
    await writeFile(path, content)
    await using state = await openTables({ path, shapes, identity: 'a' })
    assert.equal(state.slot(), 0)
    assert.deepEqual(await readFile(path), header)
  }
})

test('another identity, other shapes or another kind of file are refused and left as they are', async () => {
  const path = nextPath()
  await writeSeals(path)
  const refusals: [string, readonly TableShape[]][] = [
    ['b', shapes],
    ['a', shapes.slice(1)],
    ['a', [shapes[0], { ...shapes[1], width: 9 }]],
  ]
  const bytes = await readFile(path)
  for (const [identity, other] of refusals)
    await assert.rejects(openTables({ path, shapes: other, identity }), { code: 'bad-pipeline' })
  assert.deepEqual(await readFile(path), bytes)
  const foreign = nextPath()
  await writeFile(foreign, 'a letter to a friend, of some length')
  await assert.rejects(openTables({ path: foreign, shapes, identity: 'a' }), { code: 'corrupt' })
})

test('tables stop at their limit, name it, and can still be rolled back', async () => {
  await using state = await openTables({ path: null, shapes, identity: 'a', bytesMax: 300_000 })
  const keys = state.keyed('keys')
  for (let i = 0; i < 500; i++) keys.set(i, i, i)
  await state.seal(1)
  const overfill = () => {
    for (let i = 500; i < 100_000; i++) keys.set(i, i, i)
  }
  assert.throws(overfill, { code: 'limit', message: /300000.*'keys'.*raise/ })
  assert.ok(state.bytesUsed() <= 300_000)
  state.rollback()
  assert.equal(keys.size, 500)
  assert.equal(keys.get(499, 499), 499)
  assert.throws(
    () => {
      for (let i = 0; i < 100_000; i++) state.list('items').push(new Uint8Array(8))
    },
    { code: 'limit' },
  )
})

test('asking for a table that is not there, or as another kind, is a mistake in the program', async () => {
  await using state = await openTables({ path: null, shapes, identity: 'a' })
  assert.throws(() => state.keyed('none'), /no table 'none'/)
  assert.throws(() => state.list('keys'), /not a list/)
  assert.throws(() => state.keyed('items'), /not keyed/)
  assert.throws(() => state.list('items').push(new Uint8Array(7)), /8 bytes, not 7/)
})
