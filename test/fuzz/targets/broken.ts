import assert from 'node:assert/strict'
import { HeadraceError } from '../../../src/errors.ts'
import type { Target } from '../target.ts'

const bytes = Buffer.from('a real file of 25 letters')

/** A reader that does `read` with whatever differs from its file. */
function target(name: string, read: (bytes: Buffer) => string): Target {
  return {
    name: `broken-${name}`,
    cases: 5,
    open: async () => ({
      files: [{ name: 'file', bytes }],
      check: async damaged => (damaged.equals(bytes) ? 'whole' : read(damaged)),
    }),
  }
}

/** Readers with a mistake each, to show that fuzzing finds it; and one that has none. */
export const brokenTargets: readonly Target[] = [
  target('not', () => {
    throw new HeadraceError('corrupt', 'it is damaged')
  }),
  target('crash', damaged => (damaged as unknown as { header: { length: string } }).header.length),
  target('memory', () => String(new Float64Array(2 ** 25).length)),
  target('heap', () => {
    const all: string[][] = []
    for (;;) all.push(Array(1e6).fill('text'))
  }),
  target('hang', () => {
    for (;;);
  }),
  target('values', damaged => {
    assert.equal(damaged.toString(), bytes.toString(), 'other values')
    return 'whole'
  }),
  {
    name: 'broken-always',
    cases: 5,
    open: async () => ({
      files: [{ name: 'file', bytes }],
      check: async () => {
        throw new HeadraceError('corrupt', 'it is damaged')
      },
    }),
  },
]
