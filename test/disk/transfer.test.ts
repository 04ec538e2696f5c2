import assert from 'node:assert/strict'
import { type FileHandle, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { copyBytes, readBytes, writeBytes } from '../../src/disk/transfer.ts'
import { makeFolder } from '../temporary.ts'

/** Runs a check with two files whose system reads and writes three bytes at a time. */
async function withFiles(check: (one: FileHandle, other: FileHandle, read: () => Promise<string[]>) => Promise<void>) {
  const dir = makeFolder('transfer')
  const paths = ['one', 'other'].map(name => join(dir, name))
  const files: FileHandle[] = []
  try {
    for (const path of paths) files.push(slow(await open(path, 'w+')))
    await check(files[0], files[1], () => Promise.all(paths.map(path => readFile(path, 'utf8'))))
  } finally {
    for (const file of files) await file.close()
  }
}

function slow(file: FileHandle): FileHandle {
  const [read, write] = [file.read.bind(file), file.write.bind(file)]
  const few = (length: number) => Math.min(length, 3)
  return Object.assign(file, {
    read: (bytes: Uint8Array, from: number, length: number, at: number) => read(bytes, from, few(length), at),
    write: (bytes: Uint8Array, from: number, length: number, at: number) => write(bytes, from, few(length), at),
  })
}

test('all that was asked for is written and read, and no more than there is', () =>
  withFiles(async (file, _, read) => {
    await writeBytes(file, Buffer.from('0123456789'), 0)
    await writeBytes(file, Buffer.from('abcd'), 5)
    assert.deepEqual(await read(), ['01234abcd9', ''])
    assert.equal(`${Buffer.from(await readBytes(file, 1, 8))}`, '1234abcd')
    const short = await readBytes(file, 6, 100)
    assert.equal(`${Buffer.from(short)}`, 'bcd9')
    assert.equal(short.buffer.byteLength, 4, 'its memory holds nothing else')
    assert.equal((await readBytes(file, 10, 5)).length, 0)
  }))

test('a part of a file is copied to a place of another, and the copied bytes are counted', () =>
  withFiles(async (source, target, read) => {
    await writeBytes(source, Buffer.from('0123456789'), 0)
    await writeBytes(target, Buffer.from('--'), 0)
    assert.equal(await copyBytes(source, 3, 8, target, 2), 5)
    assert.equal(await copyBytes(source, 8, 20, target, 7), 2, 'the source ends before')
    assert.equal(await copyBytes(source, 4, 4, target, 0), 0)
    assert.deepEqual(await read(), ['0123456789', '--3456789'])
  }))
