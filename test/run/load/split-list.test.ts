import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryLog } from '../../../src/log/memory/memory-log.ts'
import type { RunContext } from '../../../src/run/context.ts'
import { SplitList } from '../../../src/run/load/split-list.ts'
import type { Source, Split } from '../../../src/sources/source.ts'

const lanes = 2
const partitions = 3
const rounds = 4000
const rangeOf = (partition: number, n: number): Split => ({
  ...{ name: n === 0 ? `t/${partition}` : `t/${partition}@${n}`, stamp: 's' },
  range: { of: `t/${partition}`, first: n, end: n + 1 },
})
const ranges = Array.from({ length: rounds }, (_, n) => [0, 1, 2].map(partition => rangeOf(partition, n))).flat()
const again: Split = {
  name: 'redrive/1/t/0',
  stamp: 's',
  again: { of: 't/0', lines: [[1, 1]], request: 'r', before: 1 },
}

test('a follower of years holds the ranges that are unread, the last of each partition, and what is no range', async () => {
  const log = new MemoryLog()
  const asked: Split[][] = []
  const source = {
    options: { follow: false },
    async *splits(_: AbortSignal, known: readonly Split[]) {
      asked.push([...known])
      yield* known
    },
  } as unknown as Source
  const context = { log, shape: { partitions: 1, lanes }, plan: { source } } as unknown as RunContext
  /** Every split before `index` was read. */
  const positionAt = (index: number) => ({
    turn: 0,
    lanes: Array.from({ length: lanes }, (_, lane) => ({
      ...{ split: index + ((((lane - index) % lanes) + lanes) % lanes), offset: 0, line: 1 },
    })),
  })
  const list = await SplitList.open(context, positionAt(0))
  await using owner = await log.own('annotate')
  let heldMax = 0
  for (const [i, split] of [again, ...ranges].entries()) {
    list.add([split])
    await owner.commit({ positions: [], appends: list.record(list.takeNew(), [], false) })
    const read = Math.max(0, i - 5)
    list.forgetRead(positionAt(read))
    heldMax = Math.max(heldMax, list.all.length)
    for (let index = read; index <= i; index++) assert.ok(list.at(index), `${index} is gone before it was read`)
  }
  const count = 1 + ranges.length
  assert.equal(list.length, count)
  assert.ok(heldMax < 2500, `${heldMax} were held`)
  // Another start holds no more, and the source is told where each partition ends.
  const other = await SplitList.open(context, positionAt(count))
  await other.search(positionAt(count), new AbortController().signal)
  assert.equal(other.length, count)
  assert.ok(asked[0].length < 2500 && asked[0].includes(other.at(0)!))
  const ends = new Map(asked[0].flatMap(({ range }) => (range ? [[range.of, range.end]] : [])))
  assert.deepEqual(
    [...ends].sort(),
    Array.from({ length: partitions }, (_, i) => [`t/${i}`, rounds]),
  )
  // A list of all stands for what came before it, and keeps the numbers.
  await owner.commit({ positions: [], appends: other.record([], [], true) })
  const third = await SplitList.open(context, positionAt(count))
  assert.deepEqual([third.length, third.record([], [], true)], [other.length, other.record([], [], true)])
})
