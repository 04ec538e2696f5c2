import assert from 'node:assert/strict'
import { limits } from '../../../src/limits.ts'
import type { Append } from '../../../src/log/log.ts'
import { examine } from '../examine.ts'

const { check, mutate } = examine<typeof import('../../../src/run/load/slot-window.ts')>('load/slot-window.ts')

interface Slot {
  readonly slot: number
  readonly result: Promise<readonly Append[]>
  finish(bytes?: number): void
  fail(error: Error): void
}

function makeSlot(slot: number): Slot {
  const { promise: result, resolve, reject } = Promise.withResolvers<readonly Append[]>()
  const finish = (bytes = 1) =>
    resolve([{ topic: 't', partition: 0, headers: { slot: String(slot) }, value: new Uint8Array(bytes) }])
  return { slot, result, finish, fail: reject }
}

// Slots in the order in which they are done before the first is taken: those that are taken then, and later when all are.
const orders: [done: number[], first: number[], then: number[]][] = [
  [[0], [0], [1, 2, 3]],
  [
    [1, 0],
    [0, 1],
    [2, 3],
  ],
  [
    [3, 1, 0],
    [0, 1],
    [2, 3],
  ],
  [[2, 0], [0], [1, 2, 3]],
  [[3, 2, 1, 0], [0, 1, 2, 3], []],
]
for (const [done, first, then] of orders)
  check(`done as ${done}: taken in their order`, async ({ SlotWindow }) => {
    const window = new SlotWindow<Slot>()
    const slots = [0, 1, 2, 3].map(makeSlot)
    for (const slot of slots) window.push(slot)
    for (const slot of done) slots[slot].finish()
    await Promise.all(done.map(slot => slots[slot].result))
    const taken = await window.takeReady()
    assert.deepEqual(
      taken.slots.map(({ slot }) => slot),
      first,
    )
    assert.deepEqual(
      taken.appends.map(({ headers }) => Number(headers.slot)),
      first,
    )
    assert.equal(window.length, 4 - first.length)
    for (const slot of slots) slot.finish()
    await Promise.all(slots.map(slot => slot.result))
    const rest = then.length > 0 ? (await window.takeReady()).slots : []
    assert.deepEqual(
      rest.map(({ slot }) => slot),
      then,
    )
  })

check('half a commit is enough', async ({ SlotWindow }) => {
  const window = new SlotWindow<Slot>()
  const slots = [0, 1, 2].map(makeSlot)
  for (const slot of slots) {
    window.push(slot)
    slot.finish(limits.commitBytesMax / 4)
  }
  await Promise.all(slots.map(slot => slot.result))
  assert.equal((await window.takeReady()).slots.length, 2)
})

check('a failure waits for its turn', async ({ SlotWindow }) => {
  const window = new SlotWindow<Slot>()
  const slots = [0, 1, 2].map(makeSlot)
  for (const slot of slots) window.push(slot)
  slots[1].fail(new Error('broken'))
  const first = window.takeReady()
  const early = await Promise.race([
    first.catch(() => 'failed'),
    new Promise(resolve => setImmediate(resolve, 'waits')),
  ])
  assert.equal(early, 'waits')
  slots[0].finish()
  await assert.rejects(first, /broken/)
})

mutate(
  /done as 3,1,0/,
  'what is ready is taken first',
  'const result = await this.oldest.result',
  'const result = await (this.#slots.findLast(one => this.#settled.has(one)) ?? this.oldest).result',
)
mutate(
  /done as 1,0/,
  'the slot after the end of the window is forgotten',
  'slots.push(this.#slots.shift()!)',
  'slots.push(this.#slots.splice(0, 2)[0])',
)
mutate(/half a commit/, 'nothing bounds it', ' && bytes < limits.commitBytesMax / 2', '')
