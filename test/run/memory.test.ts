import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeScarceMemory } from '../../src/run/memory.ts'

const megabyte = 2 ** 20

// Workers, memory that the process may use in MB, and what it is told.
const cases: [workers: number, allowed: number, told: RegExp | null][] = [
  [1, 640, null],
  [2, 1024, null],
  [1, 512, /may use 512 MB, and a document of 16 MB may need 640 with 1 of them measured at once: the system kills/],
  [8, 1024, /may need 3328 with 8 of them measured at once, with fewer --workers less/],
]
test('a run that may use less memory than its largest documents need is told so', () => {
  for (const [workers, allowed, told] of cases) {
    const text = describeScarceMemory(workers, allowed * megabyte)
    if (told === null) assert.equal(text, null)
    else assert.match(text ?? '', told)
  }
})
