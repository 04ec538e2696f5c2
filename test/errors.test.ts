import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeadraceError, systemCodeOf, wrapDiskError } from '../src/errors.ts'

// A system's error as Node gives it, its name, and what a user is told to do; null where it is not the disk's.
const errors: [code: string, errno: number, name: string, advice: RegExp | null][] = [
  ['ENOSPC', -28, 'ENOSPC', /make room/],
  ['EMFILE', -24, 'EMFILE', /ulimit -n/],
  ['EFBIG', -27, 'EFBIG', /ulimit -f/],
  ['EIO', -5, 'EIO', /the disk$/],
  ['EACCES', -13, 'EACCES', null],
  ['ERR_INVALID_ARG_TYPE', 0, 'ERR_INVALID_ARG_TYPE', null],
]
// Node has no names for these.
if (process.platform === 'linux')
  errors.push(
    ['Unknown system error -122', -122, 'EDQUOT', /make room/],
    ['Unknown system error -116', -116, 'ESTALE', /mount it again/],
    ['Unknown system error -9999', -9999, 'Unknown system error -9999', null],
  )

test("the system's errors are known by their names, and those of the disk come with advice", () => {
  for (const [code, errno, name, advice] of errors) {
    const error = Object.assign(new Error('it failed'), { code, errno, syscall: 'mkdir' })
    assert.equal(systemCodeOf(error), name)
    const wrapped = wrapDiskError(error, 'creating a')
    if (advice === null) assert.equal(wrapped, error)
    else {
      assert.ok(wrapped instanceof HeadraceError && wrapped.code === 'disk')
      assert.match(wrapped.message, advice)
      assert.match(wrapped.message, new RegExp(`^creating a failed with ${name}; `))
    }
  }
})

test('what is no error of the system has no code', () => {
  for (const value of [null, undefined, 'EIO', 5, {}, new Error('EIO'), { code: 5 }])
    assert.equal(systemCodeOf(value), '')
})
