import { fdatasyncSync, writeSync } from 'node:fs'
import * as real from 'node:fs/promises'
import { resolve } from 'node:path'
import { isWatched, pass } from './passings.ts'
import type { Operation } from './points.ts'

/** `node:fs/promises` as modules below src/ see it in a run that is to be killed: the real one, and it says what it does. */
export * from 'node:fs/promises'

type Handle = real.FileHandle

async function around<T>(operation: Operation, path: string, work: () => Promise<T>): Promise<T> {
  if (!isWatched(path)) return work()
  pass(operation, 'before', path)
  const result = await work()
  pass(operation, 'after', path)
  return result
}

export async function open(path: string, flags = 'r', mode?: number): Promise<Handle> {
  const whole = resolve(path)
  const work = () => real.open(path, flags, mode)
  const handle = await (/^[wa]/.test(flags) ? around('create', whole, work) : work())
  return isWatched(whole) ? watch(handle, whole) : handle
}

/** Where open files are now: one that is renamed is written on under its new name. */
const places = new Set<{ path: string }>()

/** Wraps what changes the disk. A handle is one object of one open file, so its methods are replaced in place. */
function watch(handle: Handle, path: string): Handle {
  const place = { path }
  places.add(place)
  const { sync, datasync, truncate, close } = handle
  handle.close = () => {
    places.delete(place)
    return close.call(handle)
  }
  handle.sync = () => around('sync', place.path, () => sync.call(handle))
  handle.datasync = () => around('sync', place.path, () => datasync.call(handle))
  handle.truncate = length => around('truncate', place.path, () => truncate.call(handle, length))
  const write = handle.write.bind(handle) as (...args: unknown[]) => Promise<unknown>
  const watched = (bytes: Uint8Array, offset = 0, length = bytes.length - offset, position: number | null = null) => {
    pass('write', 'torn', place.path, () => tear(handle, bytes.subarray(offset, offset + length), position))
    return around('write', place.path, () => write(bytes, offset, length, position))
  }
  const writev = handle.writev.bind(handle)
  const watchedVector = (buffers: Uint8Array[], position?: number) => {
    pass('write', 'torn', place.path, () => tear(handle, Buffer.concat(buffers), position ?? null))
    return around('write', place.path, () => writev(buffers, position))
  }
  return Object.assign(handle, { write: watched, writev: watchedVector })
}

/** Half of a write is on the disk, synced, as if the machine had stopped in the middle of it. */
function tear({ fd }: Handle, bytes: Uint8Array, position: number | null): void {
  writeSync(fd, bytes, 0, bytes.length >> 1, position)
  fdatasyncSync(fd)
}

export async function writeFile(path: string, data: string): Promise<void> {
  const file = await open(path, 'w')
  try {
    await file.write(Buffer.from(data))
  } finally {
    await file.close()
  }
}

export function rename(from: string, to: string): Promise<void> {
  return around('rename', resolve(to), async () => {
    await real.rename(from, to)
    for (const place of places) if (place.path === resolve(from)) place.path = resolve(to)
  })
}

export function link(from: string, to: string): Promise<void> {
  return around('link', resolve(to), () => real.link(from, to))
}

export function unlink(path: string): Promise<void> {
  return around('unlink', resolve(path), () => real.unlink(path))
}

export function mkdir(path: string, options?: { recursive?: boolean }): Promise<string | undefined> {
  return around('mkdir', resolve(path), () => real.mkdir(path, options))
}
