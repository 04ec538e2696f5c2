import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FeedOptions, resolveFeedOptions } from '../../src/feed/options.ts'

const resolve = (given: Partial<FeedOptions>) => resolveFeedOptions('feed()', { length: 16, batch: 2, ...given })

test('a feed says what came later only where it is asked for, so that those of before stay what they are', () => {
  const plain = resolve({})
  assert.deepEqual(resolve({ align: 1, cutTargets: 'none', cutMax: null }), plain)
  for (const name of ['align', 'cutTargets', 'cutMax']) assert.ok(!(name in plain), name)
  assert.equal(resolve({ packing: 'best-fit-filled' }).cutMax, 0.005)
  assert.deepEqual(resolve({ packing: 'best-fit-filled', cutMax: 0, align: 4, cutTargets: 'next' }), {
    ...plain,
    packing: 'best-fit-filled',
    cutMax: 0,
    align: 4,
    cutTargets: 'next',
  })
})

test('options that do not go together are refused with what to do', () => {
  assert.throws(() => resolve({ align: 5 }), {
    code: 'bad-option',
    message: /'length' 16 and 'align' 5, which does not divide it: give a length of 20/,
  })
  for (const packing of ['concatenate', 'best-fit'] as const)
    assert.throws(() => resolve({ packing, cutMax: 0.1 }), { code: 'bad-option', message: /packing 'best-fit-filled'/ })
})
