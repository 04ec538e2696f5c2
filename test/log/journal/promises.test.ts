import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadLog, type Mistake } from './broken.ts'
import { promises } from './promises.ts'

for (const [promise, check] of Object.entries(promises)) test(promise, async () => check(await loadLog()))

const mistakes: [what: string, promise: RegExp, mistake: Mistake][] = [
  [
    'the claim is not looked at after the sync',
    /told that it was fenced/,
    {
      file: 'log/journal/stage-journal.ts',
      right: 'may not have seen the frame.\n      claim.check()',
      wrong: 'see nothing',
    },
  ],
  [
    'frames behind the end of an epoch count',
    /into a file that stays are ignored/,
    { file: 'log/journal/segment.ts', right: 'next < end && at < fileSize', wrong: 'at < fileSize' },
  ],
  [
    'files of every epoch count',
    /makes late changes nothing/,
    { file: 'log/journal/files.ts', right: 'file.commit < (endOf.get(file.epoch) ?? -1)', wrong: 'true || file' },
  ],
  [
    'the last frame is not carried over',
    /never synced/,
    {
      file: 'log/journal/stage-journal.ts',
      right: 'return commits.slice(-1)\n      const reader',
      wrong: 'return []\n      const reader',
    },
  ],
  [
    'a commit is not synced',
    /synced before/,
    { file: 'log/journal/stage-journal.ts', right: 'await this.#tail!.datasync()', wrong: '' },
  ],
  [
    'a new file is not synced',
    /synced before/,
    { file: 'log/journal/files.ts', right: 'await handle.datasync()', wrong: '' },
  ],
  [
    'a process commits on after a failure',
    /that failed nothing more/,
    { file: 'log/journal/stage-journal.ts', right: 'if (this.#broken) throw this.#broken', wrong: '' },
  ],
  [
    'the lock is not looked at',
    /lock was removed by hand/,
    {
      file: 'log/journal/stage-journal.ts',
      right: 'claim.check()\n      this.#options.checkOwner()',
      wrong: 'claim.check()',
    },
  ],
  [
    'every lock is taken for mine',
    /lock was removed by hand/,
    { file: 'disk/lock.ts', right: "readFileSync(path, 'utf8') === mine", wrong: "readFileSync(path, 'utf8') !== ''" },
  ],
  [
    'checksums of values are ignored',
    /never served/,
    { file: 'log/journal/frame.ts', right: 'if (crc32(value) !== append.crc)', wrong: 'if (false as boolean)' },
  ],
  [
    'a file begins without the offsets',
    /what a file says at its beginning/,
    { file: 'log/journal/stage-journal.ts', right: 'next: index.next()', wrong: 'next: []' },
  ],
  [
    'a file begins without the positions',
    /what a file says at its beginning/,
    { file: 'log/journal/stage-journal.ts', right: '[...index.positions.values()]', wrong: '[]' },
  ],
  [
    'a handle is closed under a read',
    /keeps few of them open/,
    { file: 'log/journal/open-files.ts', right: 'if (unused.uses > 0) continue', wrong: '' },
  ],
  [
    'files are never closed',
    /keeps few of them open/,
    { file: 'log/journal/open-files.ts', right: 'if (this.#files.size <= this.#filesMax) return', wrong: 'return' },
  ],
  [
    'the last file is not held open',
    /reads on/,
    { file: 'log/journal/stage-journal.ts', right: 'await this.#options.files.keep(path)', wrong: 'if (path) return' },
  ],
  [
    'copied files stay',
    /leave one file/,
    { file: 'log/journal/stage-journal.ts', right: 'if (superseded) await this.#remove(superseded)', wrong: '' },
  ],
]
for (const [what, promise, mistake] of mistakes)
  test(`it is caught when ${what}`, async () => {
    const [found, ...others] = Object.entries(promises).filter(([name]) => promise.test(name))
    assert.ok(found && others.length === 0, `${promise} names one promise`)
    const log = await loadLog(mistake)
    await assert.rejects(found[1](log))
  })
