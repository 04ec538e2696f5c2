import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { checkDataFile, type DataFile, dataFiles, readDataFile } from '../src/data-files.ts'
import { HeadraceError } from '../src/errors.ts'

const notice = readFileSync(new URL('../NOTICE', import.meta.url), 'utf8')

for (const name of Object.keys(dataFiles) as DataFile[]) {
  test(`${name} is the file of its hash`, () => {
    assert.ok(readDataFile(name).length > 0)
  })
  test(`${name} has its makers and its licence named`, () => {
    const part = notice.split('\n\n').find(paragraph => paragraph.split('\n')[0].split(', ').includes(name))
    assert.match(part ?? '', /Source: +https:.*\n +Licence: \S/)
  })
  test(`${name} with one other byte, or one fewer, is refused`, () => {
    const file = readDataFile(name)
    const changed = Uint8Array.from(file)
    changed[changed.length >> 1] ^= 1
    for (const bad of [changed, file.subarray(1), new Uint8Array(0)])
      assert.throws(
        () => checkDataFile(name, bad),
        (error: unknown) => error instanceof HeadraceError && error.code === 'corrupt' && /SHA-256/.test(error.message),
      )
  })
}
