import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { RowLabels } from '../../src/value/row-labels.ts'
import { makeFolder } from '../temporary.ts'

const path = join(makeFolder('row-labels'), 'labels.jsonl')
async function read(...lines: (object | string)[]): Promise<RowLabels> {
  writeFileSync(path, lines.map(line => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''))
  const labels = new RowLabels()
  await labels.read(path, 'label')
  return labels
}

test('a row is found by its address, by its id, or by both where they agree', async () => {
  const labels = await read(
    { slot: 1, row: 2, label: 'yes' },
    { id: 'b', label: 3 },
    { slot: 4, row: 0, id: 'c', label: true },
  )
  const find = (slot: number, row: number, id: string) => labels.find({ slot, row, id })?.label
  assert.deepEqual([find(1, 2, 'any'), find(9, 9, 'b'), find(4, 0, 'c')], ['yes', '3', 'true'])
  assert.deepEqual([find(4, 0, 'another'), find(2, 1, 'x'), find(0, 0, '')], [undefined, undefined, undefined])
})

test('what no row was asked by is known by its line', async () => {
  const labels = await read('', { id: 'a', label: 1 }, { slot: 0, row: 7, label: 0 }, { id: 'gone', label: 1 })
  labels.find({ slot: 0, row: 7, id: 'q' })
  labels.find({ slot: 0, row: 8, id: 'a' })
  assert.deepEqual([labels.count, labels.missing()], [3, [4]])
})

test('lines that name no row, have no label or repeat one are counted', async () => {
  const labels = await read(
    { id: 'a', label: 'yes' },
    { id: 'a', label: 'no' },
    { id: 'b', label: '' },
    { id: 'c', label: null },
    { id: 'c2' },
    { slot: 1.5, row: 0, label: 1 },
    { slot: 1, label: 1 },
    { slot: -1, row: 0, label: 1 },
    'no json',
    '[1]',
    { slot: 1, row: 1, label: 1 },
    { slot: 1, row: 1, id: 'x', label: 1 },
  )
  assert.deepEqual([labels.count, labels.unusable, labels.unlabelled, labels.repeated], [2, 5, 3, 2])
  assert.equal(labels.find({ slot: 0, row: 0, id: 'a' })?.label, 'yes')
})
