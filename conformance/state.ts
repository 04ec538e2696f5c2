import assert from 'node:assert/strict'
import type { KeyedTable, ListTable, State, TableShape } from '../src/decide/state.ts'
import { type Open, registering, type Suite, suiteOf } from './suite.ts'

/** A place for one state, empty at first. */
export interface StateSubject {
  /** Opens the state with tables of these shapes: what was sealed here before, or nothing. One is open at a time. */
  open(shapes: readonly TableShape[]): Promise<State>
  /** False for a state that is gone when it is closed; rules on what is found again then pass. */
  readonly isLasting: boolean
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
  const keys: KeyedTable = state.keyed('keys')
  const items: ListTable = state.list('items')
  assert.equal(keys.size, count)
  assert.equal(items.size, count)
  for (let i = 0; i < count; i++) {
    assert.equal(keys.get(...keyOf(i)), i)
    assert.deepEqual([...items.at(i)], [...itemOf(i)])
  }
  for (let i = count; i < absent; i++) assert.equal(keys.get(...keyOf(i)), -1)
}

/** Runs a check on a fresh state and closes it. */
const onState =
  (check: (state: State) => void | Promise<void>) =>
  async (open: Open<StateSubject>): Promise<void> => {
    await using state = await (await open()).open(shapes)
    await check(state)
  }

/** Runs a check on a place that lasts. */
const onPlace =
  (check: (place: StateSubject) => Promise<void>) =>
  async (open: Open<StateSubject>): Promise<void> => {
    const place = await open()
    if (place.isLasting) await check(place)
  }

/** The contract of `State`. */
export const stateSuite: Suite<StateSubject> = suiteOf({
  'a key keeps the value that it was first given, whole 64 bits and value 0 included': onState(state => {
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
    assert.equal(state.keyed('other').size, 0)
  }),
  'tables hold thousands of entries that crowd together': onState(state => {
    fill(state, 0, 5000)
    assertHolds(state, 5000, 6000)
  }),
  'items are numbered from 0 and are copies of what was pushed': onState(state => {
    const items = state.list('items')
    const item = Uint8Array.of(1, 2, 3)
    assert.equal(items.push(item), 0)
    item.fill(9)
    assert.equal(items.push(item), 1)
    assert.deepEqual([...items.at(0), ...items.at(1)], [1, 2, 3, 9, 9, 9])
  }),
  'a table is the same one each time that it is asked for': onState(state => {
    const [keys, items] = [state.keyed('keys'), state.list('items')]
    fill(state, 0, 3000)
    assert.deepEqual([keys.size, items.size, keys.get(...keyOf(2999))], [3000, 3000, 2999])
  }),
  'rollback forgets all and only what came after the seal, when tables grew between too': onState(async state => {
    fill(state, 0, 700)
    await state.seal(3)
    for (const to of [701, 900, 4000]) {
      fill(state, 700, to)
      state.rollback()
      state.rollback()
      assertHolds(state, 700, 4000)
      assert.equal(state.slot(), 3)
    }
    fill(state, 700, 4000)
    assertHolds(state, 4000, 4100)
  }),
  'setting a present key does not make rollback forget it': onState(async state => {
    fill(state, 0, 10)
    await state.seal(1)
    state.keyed('keys').set(...keyOf(4), 99)
    state.rollback()
    assertHolds(state, 10, 20)
  }),
  'a state begins before slot 0, and a seal moves it, also one with nothing new': onState(async state => {
    assert.equal(state.slot(), 0)
    for (const slot of [1, 2, 2 ** 33]) {
      await state.seal(slot)
      assert.equal(state.slot(), slot)
    }
  }),
  'what was sealed is there when it is opened again, what was not is gone': onPlace(async place => {
    for (const slot of [0, 1, 2, 3]) {
      await using state = await place.open(shapes)
      assert.equal(state.slot(), slot)
      assertHolds(state, slot * 300, 1500)
      fill(state, slot * 300, (slot + 1) * 300)
      await state.seal(slot + 1)
      fill(state, (slot + 1) * 300, (slot + 1) * 300 + 50)
    }
  }),
  'what was rolled back is not in a later seal': onPlace(async place => {
    {
      await using state = await place.open(shapes)
      fill(state, 0, 100)
      state.rollback()
      fill(state, 0, 50)
      await state.seal(1)
      await state.seal(4)
    }
    await using state = await place.open(shapes)
    assertHolds(state, 50, 100)
    assert.equal(state.slot(), 4)
  }),
  'a seal takes what was set until it was called and nothing that follows while it is written': onPlace(async place => {
    {
      await using state = await place.open(shapes)
      fill(state, 0, 100)
      const sealing = state.seal(1)
      fill(state, 100, 150)
      await sealing
      state.rollback()
      assertHolds(state, 100, 150)
      fill(state, 100, 160)
      await state.seal(2)
    }
    await using state = await place.open(shapes)
    assertHolds(state, 160, 170)
    assert.equal(state.slot(), 2)
  }),
})

/** Registers the suite: `testState('my state', () => ({ isLasting: true, open: shapes => openMine(newPath, shapes) }))`. */
export const testState = registering(stateSuite)
