import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { State, TableShape } from '../../../src/decide/state.ts'
import { openTables } from '../../../src/decide/tables/tables.ts'
import { type Subject, type Target, withChecksums } from '../target.ts'

const shapes: readonly TableShape[] = [
  { name: 'keys', kind: 'keyed', width: 4 },
  { name: 'items', kind: 'list', width: 5 },
]
const sealsMax = 6
const keysPerSeal = 4
const keysMax = sealsMax * keysPerSeal

const openState = (path: string) => openTables({ path, shapes, identity: 'fuzz', bytesMax: 64 * 1024 * 1024 })

function add(state: State, i: number): void {
  state.keyed('keys').set(i * 7919, i, state.list('items').push(Uint8Array.of(i, 1, 2, 3, i)))
}

/** Everything in the tables, as text. */
function dump(state: State): string {
  const items = state.list('items')
  const keys = Array.from({ length: keysMax + 1 }, (_, i) => state.keyed('keys').get(i * 7919, i))
  return JSON.stringify([
    keys,
    state.keyed('keys').size,
    Array.from({ length: items.size }, (_, i) => [...items.at(i)]),
  ])
}

/** Writes the checksum of every frame whose length fits anew. */
function reseal(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  for (let at = 0; at + 8 <= copy.length; ) {
    const end = at + 8 + copy.readUInt32LE(at)
    if (end > copy.length) break
    copy.writeUInt32LE(crc32(copy.subarray(at + 8, end)), at + 4)
    at = end
  }
  return copy
}

async function writeState(path: string) {
  await using state = await openState(path)
  const marks: number[] = [0]
  const dumps = new Map([[0, dump(state)]])
  for (let slot = 1; slot <= sealsMax; slot++) {
    for (let i = (slot - 1) * keysPerSeal; i < slot * keysPerSeal; i++) add(state, i)
    marks.push(readFileSync(path).length)
    await state.seal(slot * 10)
    dumps.set(slot * 10, dump(state))
  }
  return { bytes: readFileSync(path), marks, dumps }
}

async function open(dir: string): Promise<Subject> {
  const { bytes: whole, marks, dumps } = await writeState(join(dir, 'whole'))
  const path = join(dir, 'damaged')
  return {
    files: [{ name: 'state', bytes: whole, marks }],
    async check(bytes) {
      writeFileSync(path, bytes)
      let slot = 0
      {
        await using state = await openState(path)
        slot = state.slot()
        assert.equal(dump(state), dumps.get(slot), `what was sealed at slot ${slot}`)
        add(state, keysMax)
        await state.seal(slot + 1)
      }
      await using again = await openState(path)
      assert.equal(again.slot(), slot + 1)
      assert.ok(again.keyed('keys').get(keysMax * 7919, keysMax) >= 0, 'what was sealed later is lost')
      return slot === sealsMax * 10 ? 'whole' : 'tail cut'
    },
  }
}

/** State files: what is damaged is cut off with all behind it; what is left is exactly what was sealed. */
export const stateTarget: Target = { name: 'state', cases: 150, open }

/** The same with checksums that fit: seals then hold anything. */
export const stateSealTarget = withChecksums(stateTarget, 'state-seal', 100, reseal)
