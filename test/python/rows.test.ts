import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { materialise } from '../../src/rows/materialise.ts'
import { forms, publishFeed, writeShards } from '../rows/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { python, runPython, skipWithout } from './python.ts'

const root = join(import.meta.dirname, '..', '..')

test('from rows Python reads what it cuts from blocks, whatever is damaged or taken down', {
  skip: skipWithout('numpy', 'pyarrow'),
}, async () => {
  const dir = makeFolder('rows-python')
  const feed = join(dir, 'feed')
  const { steps } = await publishFeed(dir, feed, await writeShards(dir))
  await materialise({ feed, from: 0, to: steps - 3, fileSteps: 4, keepSteps: null, follow: false })
  const script = join(import.meta.dirname, 'test_rows.py')
  const command = [process.execPath, join(root, 'bin', 'headrace.js'), 'materialise', '--steps', `0:${steps - 3}`]
  const args = [script, feed, join(root, 'python', 'README.md'), ...command]
  const { status, stderr } = spawnSync(python, args, { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
})

test('from rows of every form Python reads what it cuts from blocks', {
  skip: skipWithout('numpy', 'pyarrow'),
}, async () => {
  const dir = makeFolder('forms-python')
  const corpus = await writeShards(dir)
  const feeds = await Promise.all(
    Object.entries(forms).map(async ([name, form]) => {
      const feed = join(dir, name)
      await publishFeed(dir, feed, corpus, corpus.entries.length, form)
      await materialise({ feed, from: null, to: null, fileSteps: 4, keepSteps: null, follow: false })
      return feed
    }),
  )
  runPython([join(import.meta.dirname, 'test_rows.py'), '--forms', ...feeds])
})
