import assert from 'node:assert/strict'
import type { State, TableShape } from '../../src/decide/state.ts'

/** Opens a state over `shapes`: an empty one, or what was sealed under the same name since the check began. */
export type OpenState = (shapes: readonly TableShape[], name?: string) => Promise<State>

export interface StateCheck {
  readonly name: string
  readonly run: (open: OpenState) => Promise<void>
}

const shapes: readonly TableShape[] = [
  { name: 'keys', kind: 'keyed', width: 4 },
  { name: 'other', kind: 'keyed', width: 4 },
  { name: 'items', kind: 'list', width: 3 },
]
/** Keys whose low halves agree in many bits, so that they crowd in any table placed by bits of the key. */
const keyOf = (i: number): [number, number] => [Math.imul(i, 0x9e3779b1) >>> 0, (i % 7) * 0x1000_0000 + (i % 3)]
const itemOf = (i: number): Uint8Array => Uint8Array.of(i, i >> 8, i >> 16)

function fill(state: State, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    state.keyed('keys').set(...keyOf(i), i)
    assert.equal(state.list('items').push(itemOf(i)), i)
  }
}

/** That the state holds keys and items 0 to `count` and not those up to `absent`. */
function assertHolds(state: State, count: number, absent: number): void {
  const keys = state.keyed('keys')
  const items = state.list('items')
  assert.equal(keys.size, count)
  assert.equal(items.size, count)
  for (let i = 0; i < count; i++) {
    assert.equal(keys.get(...keyOf(i)), i)
    assert.deepEqual([...items.at(i)], [...itemOf(i)])
  }
  for (let i = count; i < absent; i++) assert.equal(keys.get(...keyOf(i)), -1)
}

/** The contract of `State`, one check a promise. Each throws when the promise is broken. */
export const stateChecks: readonly StateCheck[] = [
  {
    name: 'a key keeps the value that it was first given, whole 64 bits and value 0 included',
    async run(open) {
      await using state = await open(shapes)
      const keys = state.keyed('keys')
      assert.equal(keys.get(0, 0), -1)
      keys.set(0, 0, 0)
      keys.set(0, 0, 5)
      assert.equal(keys.get(0, 0), 0)
      keys.set(0xffffffff, 0, 1)
      keys.set(0, 0xffffffff, 2)
      keys.set(0xffffffff, 0xffffffff, 4_000_000_000)
      assert.deepEqual(
        [keys.get(0xffffffff, 0), keys.get(0, 0xffffffff), keys.get(-1, -1), keys.get(0, 1)],
        [1, 2, 4_000_000_000, -1],
      )
      assert.equal(keys.size, 4)
      assert.equal(state.keyed('other').get(0, 0), -1)
    },
  },
  {
    name: 'tables hold thousands of entries that crowd together',
    async run(open) {
      await using state = await open(shapes)
      fill(state, 0, 5000)
      assertHolds(state, 5000, 6000)
    },
  },
  {
    name: 'rollback forgets all and only what came after the seal, when tables grew between too',
    async run(open) {
      await using state = await open(shapes)
      fill(state, 0, 700)
      await state.seal(3)
      for (const to of [701, 900, 4000]) {
        fill(state, 700, to)
        state.rollback()
        assertHolds(state, 700, 4000)
        assert.equal(state.slot(), 3)
      }
      fill(state, 700, 4000)
      assertHolds(state, 4000, 4100)
    },
  },
  {
    name: 'setting a present key does not make rollback forget it',
    async run(open) {
      await using state = await open(shapes)
      fill(state, 0, 10)
      await state.seal(1)
      state.keyed('keys').set(...keyOf(4), 99)
      state.rollback()
      assertHolds(state, 10, 20)
    },
  },
  {
    name: 'what was sealed is there when it is opened again, what was not is gone',
    async run(open) {
      for (const slot of [0, 1, 2, 3]) {
        await using state = await open(shapes, 'again')
        assert.equal(state.slot(), slot)
        assertHolds(state, slot * 300, 1500)
        fill(state, slot * 300, (slot + 1) * 300)
        await state.seal(slot + 1)
        fill(state, (slot + 1) * 300, (slot + 1) * 300 + 50)
      }
    },
  },
  {
    name: 'a seal takes what was set until it was called and nothing that follows while it is written',
    async run(open) {
      {
        await using state = await open(shapes, 'overlap')
        fill(state, 0, 100)
        const sealing = state.seal(1)
        fill(state, 100, 150)
        await sealing
        state.rollback()
        assertHolds(state, 100, 150)
        fill(state, 100, 160)
        await state.seal(2)
      }
      await using state = await open(shapes, 'overlap')
      assertHolds(state, 160, 170)
      assert.equal(state.slot(), 2)
    },
  },
]
