import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeFolder } from '../temporary.ts'

type Choose = (env: Record<string, string>, home?: () => string) => string | null
const launcher = new URL('../../bin/compile-cache.js', import.meta.url).href
const { chooseCacheFolder } = (await import(launcher)) as { chooseCacheFolder: Choose }

const noOwners = process.getuid === undefined && 'this system has no owners and modes'

// What lies at the folder's place before, and whether compiled code may then be kept there.
const places: [what: string, prepare: (folder: string) => void, isTaken: boolean][] = [
  ['nothing', () => {}, true],
  ['a folder of this user alone', folder => mkdirSync(folder, { mode: 0o700 }), true],
  ['a folder that others read', folder => makeAs(folder, 0o755), true],
  ['a folder that everybody fills', folder => makeAs(folder, 0o777), false],
  ['a folder that a group fills', folder => makeAs(folder, 0o770), false],
  ['a link to a folder', folder => symlinkSync(makeFolder('elsewhere'), folder), false],
  ['a file', folder => writeFileSync(folder, ''), false],
]
for (const [what, prepare, isTaken] of places)
  test(`where there was ${what}, compiled code is ${isTaken ? '' : 'not '}kept`, { skip: noOwners }, () => {
    const base = makeFolder('cache')
    const folder = join(base, 'headrace', 'compiled')
    mkdirSync(join(base, 'headrace'))
    prepare(folder)
    assert.equal(chooseCacheFolder({ XDG_CACHE_HOME: base }), isTaken ? folder : null)
  })

test('a folder of another user is not taken', {
  skip: process.getuid?.() !== 0 && 'only root can give a folder away',
}, async () => {
  const { chownSync } = await import('node:fs')
  const base = makeFolder('cache')
  const folder = join(base, 'headrace', 'compiled')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  chownSync(folder, 65_534, 65_534)
  assert.equal(chooseCacheFolder({ XDG_CACHE_HOME: base }), null)
})

test('it lies in the home of this user, and never in the shared temporary folder', () => {
  const home = makeFolder('home')
  const folder = chooseCacheFolder({ XDG_CACHE_HOME: 'not/absolute' }, () => home)
  assert.ok(folder?.startsWith(home) && existsSync(folder))
  const none = () => {
    throw new Error('no home')
  }
  assert.equal(chooseCacheFolder({}, none), null)
  assert.notEqual(
    chooseCacheFolder({}, () => join(tmpdir(), 'none', '\0')),
    join(tmpdir(), 'node-compile-cache'),
  )
})

/** A folder of this mode, whatever the process's mask takes away. */
function makeAs(folder: string, mode: number): void {
  mkdirSync(folder)
  chmodSync(folder, mode)
}
