import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Batch, numbers, utf8From } from '../../../src/batch/batch.ts'
import { type DomainNote, firstOpenSlot } from '../../../src/record/notes.ts'
import { OpenShards } from '../../../src/run/shard/open-shards.ts'
import { randomFrom } from '../../random.ts'
import { setLimits } from '../../simulate/small-limits.ts'

const seed = Math.floor(Math.random() * 2 ** 31)
console.log(`seed ${seed}`)

type Row = readonly [domain: string, tokens: number]

function batchOf(slot: number, rows: readonly Row[]): Batch {
  const offsets = new Int32Array(rows.length + 1)
  for (const [i, [, tokens]] of rows.entries()) offsets[i + 1] = offsets[i] + tokens
  return {
    rows: rows.length,
    columns: {
      tokens: { kind: 'list<i32>', offsets, values: new Int32Array(offsets[rows.length]) },
      domain: utf8From(rows.map(([domain]) => domain)),
      slot: { kind: 'u32', values: new Uint32Array(rows.length).fill(slot) },
      row: { kind: 'u32', values: Uint32Array.from(rows.keys()) },
    },
  }
}

interface Committed {
  notes: Record<string, DomainNote>
  slot: number
  shards: string[]
}

setLimits({ shardTokensMax: 30, shardSlotsMax: 5 })

/** What the sharding stage does with `OpenShards`, up to slot `stop`, from what was committed; changes `committed`. */
function runTo(slots: readonly Row[][], stop: number, committed: Committed): void {
  const open = new OpenShards(committed.notes)
  const counted = committed.slot
  for (let slot = firstOpenSlot(committed.notes, counted); slot < stop; slot++) {
    open.add(slot, batchOf(slot, slots[slot]))
    const full = open.takeFull(slot, slot === slots.length - 1)
    if (slot < counted) assert.deepEqual(full, [], `slot ${slot} seals again`)
    if (full.length === 0) continue
    for (const { domain, number, batches, rows, tokens } of full) {
      const addresses = batches.flatMap(batch =>
        Array.from(numbers(batch, 'row'), (row, i) => `${numbers(batch, 'slot')[i]}/${row}`),
      )
      assert.equal(addresses.length, rows)
      committed.shards.push(`${domain} ${number}: ${tokens} tokens in ${addresses.join(' ')}`)
    }
    committed.slot = slot + 1
    committed.notes = JSON.parse(JSON.stringify(open.notes()))
  }
}

const begin = (): Committed => ({ notes: {}, slot: 0, shards: [] })

function shardsOf(slots: readonly Row[][]): string[] {
  const committed = begin()
  runTo(slots, slots.length, committed)
  return committed.shards
}

const tables: [what: string, slots: Row[][], shards: string[]][] = [
  [
    'a slot that fills a shard belongs to it whole',
    [[['a', 20]], [['a', 20]], [['a', 1]]],
    ['a 0: 40 tokens in 0/0 1/0', 'a 1: 1 tokens in 2/0'],
  ],
  [
    'domains fill shards of their own, in the order of their names',
    [
      [
        ['b', 30],
        ['a', 30],
      ],
      [['b', 1]],
    ],
    ['a 0: 30 tokens in 0/1', 'b 0: 30 tokens in 0/0', 'b 1: 1 tokens in 1/0'],
  ],
  [
    'a shard is cut when its first row is 5 slots old, by slots that have nothing for it',
    [[], [['a', 1]], [], [['a', 2]], [], [], [], [['a', 3]]],
    ['a 0: 3 tokens in 1/0 3/0', 'a 1: 3 tokens in 7/0'],
  ],
  [
    'rows without tokens are rows',
    [
      [
        ['a', 0],
        ['a', 0],
      ],
    ],
    ['a 0: 0 tokens in 0/0 0/1'],
  ],
  [
    'names of JavaScript are domains as others',
    [
      [
        ['__proto__', 1],
        ['constructor', 2],
      ],
    ],
    ['__proto__ 0: 1 tokens in 0/0', 'constructor 0: 2 tokens in 0/1'],
  ],
]
for (const [what, slots, shards] of tables) test(what, () => assert.deepEqual(shardsOf(slots), shards))

test('stopped after any slots and gone on from the notes, the shards are the same', () => {
  const random = randomFrom(seed)
  for (let round = 0; round < 60; round++) {
    const names = ['a', 'b', '__proto__', 'ä b'].slice(0, 1 + Math.floor(random() * 4))
    const slots = Array.from({ length: 40 }, () =>
      Array.from(
        { length: Math.floor(random() * 4) },
        (): Row => [names[Math.floor(random() ** 2 * names.length)], Math.floor(random() * 15)],
      ),
    )
    const expected = shardsOf(slots)
    for (let stop = 0; stop < slots.length; stop++) {
      const committed = begin()
      runTo(slots, stop, committed)
      runTo(slots, slots.length, committed)
      assert.deepEqual(committed.shards, expected, `round ${round}, stopped before slot ${stop}`)
    }
    const committed = begin()
    for (let stop = 0; stop <= slots.length; stop++) runTo(slots, stop, committed)
    assert.deepEqual(committed.shards, expected, `round ${round}, stopped before each slot`)
    const rows = slots.reduce((sum, slot) => sum + slot.length, 0)
    assert.equal(expected.flatMap(shard => shard.match(/\d+\/\d+/g) ?? []).length, rows, 'each row in one shard')
  }
})
