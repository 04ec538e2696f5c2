import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../../../src/limits.ts'
import type { LoadPosition } from '../../../src/record/notes.ts'
import { Lanes, startLoadPosition } from '../../../src/run/load/lanes.ts'
import type { Source } from '../../../src/sources/source.ts'
import { countingSource } from '../fixture.ts'

/** All slots as `split:line` lists, from a position on. */
async function slotsOf(
  source: Source,
  splitNames: readonly string[],
  from: LoadPosition,
): Promise<{ slots: string[]; positions: LoadPosition[] }> {
  const splits = splitNames.map(name => ({ name, stamp: '' }))
  const lanes = new Lanes(source, splits, from, new AbortController().signal)
  const slots: string[] = []
  const positions: LoadPosition[] = []
  for (let slot = await lanes.next(); slot; slot = await lanes.next()) {
    slots.push(slot.chunks.map(chunk => `${chunk.split}:${chunk.line}`).join(' '))
    positions.push(slot.after)
  }
  return { slots, positions }
}

const half = limits.slotBytes / 2
const cases: [what: string, counts: number[], recordBytes: number, lanes: number, slots: string[]][] = [
  ['large records are a slot each, lanes in turn', [2, 1, 1], half, 2, ['0:1', '1:1', '0:2', '2:1']],
  ['small records share a slot', [3], half / 2, 1, ['0:1 0:2', '0:3']],
  ['small files share a slot', [1, 1, 1], half / 2, 1, ['0:1 1:1', '2:1']],
  ['a lane without splits is passed over', [1, 1], half, 4, ['0:1', '1:1']],
  ['empty files are nothing', [0, 0, 1, 0], half, 2, ['2:1']],
  ['no files are no slots', [], half, 3, []],
]

for (const [what, counts, recordBytes, lanes, expected] of cases)
  test(`lanes: ${what}; and from each slot's position the rest is the same`, async () => {
    const source = countingSource(counts, recordBytes)
    const names = [...counts.keys()].map(String)
    const { slots, positions } = await slotsOf(source, names, startLoadPosition(lanes))
    assert.deepEqual(slots, expected)
    for (const [i, position] of positions.entries())
      assert.deepEqual(
        (await slotsOf(source, names, JSON.parse(JSON.stringify(position)))).slots,
        expected.slice(i + 1),
        `from slot ${i + 1}`,
      )
  })

test('lanes: splits that come later go on where the lanes are', async () => {
  const source = countingSource([1, 1, 1], half)
  const splits = [{ name: '0', stamp: '' }]
  const lanes = new Lanes(source, splits, startLoadPosition(2), new AbortController().signal)
  assert.equal((await lanes.next())?.chunks[0].split, '0')
  assert.equal(await lanes.next(), null)
  splits.push({ name: '1', stamp: '' }, { name: '2', stamp: '' })
  assert.deepEqual([(await lanes.next())?.chunks[0].split, (await lanes.next())?.chunks[0].split].sort(), ['1', '2'])
  assert.equal(await lanes.next(), null)
})

test('lanes: a split that comes when its lane was found empty already is not passed over', async () => {
  const source = countingSource([1, 1], half)
  const splits = [{ name: '0', stamp: '' }]
  const lanes = new Lanes(source, splits, startLoadPosition(2), new AbortController().signal)
  assert.equal((await lanes.next())?.chunks[0].split, '0')
  splits.push({ name: '1', stamp: '' })
  assert.equal((await lanes.next())?.chunks[0].split, '1')
})

test('lanes: files that are all dead or tiny do not make a slot without end', async () => {
  const counts = Array.from({ length: 10_000 }, () => 1)
  const names = [...counts.keys()].map(String)
  const { slots } = await slotsOf(countingSource(counts, 0), names, startLoadPosition(1))
  assert.equal(slots.flatMap(slot => slot.split(' ')).length, 10_000)
  assert.ok(Math.max(...slots.map(slot => slot.split(' ').length)) <= 1024)
})

test('lanes: no lane reads more than a slot ahead of what was taken', async () => {
  let read = 0
  const endless = countingSource([1e6, 1e6, 1e6], half)
  const source: Source = {
    ...endless,
    async *read(split, from, signal) {
      for await (const chunk of endless.read(split, from, signal)) {
        read++
        yield chunk
      }
    },
  }
  const splits = ['0', '1', '2'].map(name => ({ name, stamp: '' }))
  const lanes = new Lanes(source, splits, startLoadPosition(3), new AbortController().signal)
  for (let taken = 1; taken <= 20; taken++) {
    await lanes.next()
    await new Promise(resolve => setImmediate(resolve))
    assert.ok(read <= taken + 3, `${read} slots read when ${taken} were taken`)
  }
})

test('lanes: one that fails before its turn is told when its turn comes', async () => {
  const source = countingSource([1, 0], half)
  const failing: Source = {
    ...source,
    read: (split, from, signal) => {
      if (split.name === '1') throw new Error('the disk broke')
      return source.read(split, from, signal)
    },
  }
  const splits = ['0', '1'].map(name => ({ name, stamp: '' }))
  const lanes = new Lanes(failing, splits, startLoadPosition(2), new AbortController().signal)
  assert.equal((await lanes.next())?.chunks[0].split, '0')
  // A failure that nobody handles ends a process in this time.
  await new Promise(resolve => setImmediate(resolve))
  await assert.rejects(lanes.next(), { message: 'the disk broke' })
})

test('lanes: a record whose number no table could hold is refused, and the last that fits is not', async () => {
  const chunkAt = (line: number): Source => ({
    ...countingSource([1], half),
    async *read({ name }) {
      const next = { offset: 1, line: line + 1 }
      yield { split: name, line, bytes: new Uint8Array(1), dead: [], next }
    },
  })
  assert.equal((await slotsOf(chunkAt(2 ** 32 - 1), ['0'], startLoadPosition(1))).slots[0], `0:${2 ** 32 - 1}`)
  const tooLong = slotsOf(chunkAt(2 ** 32), ['0'], startLoadPosition(1))
  await assert.rejects(tooLong, { code: 'limit', message: /0 has more than 4294967295 records.*cut it in parts/ })
})
