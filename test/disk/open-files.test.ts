import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkOpenFiles } from '../../src/disk/open-files.ts'
import { makeFolder } from '../temporary.ts'

const limitsOf = (soft: string) =>
  `Limit                     Soft Limit           Hard Limit           Units\nMax open files            ${soft.padEnd(20)} 20000                files\n`

// Soft limit, workers, and whether a run may begin.
const cases: [soft: string, workers: number, isEnough: boolean][] = [
  ['20', 1, false],
  ['80', 2, true],
  ['79', 2, false],
  ['1024', 64, true],
  ['1024', 512, false],
  ['unlimited', 512, true],
]
test('a run that may open too few files is refused before any work, with what it needs', async () => {
  const path = join(makeFolder('limits'), 'limits')
  for (const [soft, workers, isEnough] of cases) {
    await writeFile(path, limitsOf(soft))
    const check = () => checkOpenFiles(workers, path)
    if (isEnough) check()
    else assert.throws(check, { code: 'disk', message: new RegExp(`open ${soft} files, .* needs \\d+: .*ulimit -n`) })
  }
  checkOpenFiles(512, join(path, 'none'))
})
