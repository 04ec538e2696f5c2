import * as real from 'node:fs'
import { Inode, systemError } from '../disk.ts'
import { currentProcess } from '../process.ts'
import type { World } from '../world.ts'
import { open as openAsync } from './fs-promises.ts'
import { isSimulated } from './paths.ts'
import { statOf } from './stat.ts'

/** The sync half of `node:fs` on the simulated disk, and what it watches and streams. */
export * from 'node:fs'

/** Numbers of simulated open files begin here, far above real ones. */
const firstNumber = 1_000_000
const openFiles = new WeakMap<World, Map<number, { readonly path: string; readonly inode: Inode }>>()

export function openSync(path: string, flags = 'r'): number {
  if (!isSimulated(path)) return real.openSync(path, flags)
  const { world } = currentProcess()
  return world.performSync('open', path, () => {
    const files = openFiles.get(world) ?? new Map()
    openFiles.set(world, files)
    const number = firstNumber + world.uniqueNumber()
    files.set(number, { path, inode: world.disk.open(path, flags) })
    return number
  })
}

function fileOf(number: number, syscall: string) {
  const file = openFiles.get(currentProcess().world)?.get(number)
  if (!file) throw systemError('EBADF', syscall, String(number))
  return file
}

export function readSync(number: number, target: Uint8Array, offset: number, length: number, at: number): number {
  if (number < firstNumber) return real.readSync(number, target, offset, length, at)
  const { path, inode } = fileOf(number, 'read')
  const { world } = currentProcess()
  return world.performSync('read-sync', path, () => {
    const size = world.shorten('read-sync', length)
    return world.disk.read(inode, target.subarray(offset, offset + size), at)
  })
}

export function fstatSync(number: number): ReturnType<typeof statOf> {
  return number < firstNumber ? real.fstatSync(number) : statOf(fileOf(number, 'fstat').inode)
}

export function closeSync(number: number): void {
  if (number < firstNumber) real.closeSync(number)
  else {
    fileOf(number, 'close')
    openFiles.get(currentProcess().world)!.delete(number)
  }
}

export function statSync(path: string, { throwIfNoEntry = true } = {}): ReturnType<typeof statOf> | undefined {
  if (!isSimulated(path)) return real.statSync(path, { throwIfNoEntry })
  if (path === '/proc/self/ns/pid') return statOf(new Inode('file', currentProcess().machine))
  const inode = currentProcess().world.disk.find(path)
  if (inode) return statOf(inode)
  if (throwIfNoEntry) throw systemError('ENOENT', 'stat', path)
  return undefined
}
export { statSync as lstatSync }

export function existsSync(path: string): boolean {
  return isSimulated(path) ? currentProcess().world.disk.find(path) !== undefined : real.existsSync(path)
}

export function readFileSync(path: string, encoding?: BufferEncoding): string | Buffer {
  if (!isSimulated(path)) return encoding ? real.readFileSync(path, encoding) : real.readFileSync(path)
  const { world } = currentProcess()
  const content = path.startsWith('/proc/') ? Buffer.from(describeProcess(path)) : world.disk.get(path, 'open').content
  return encoding ? content.toString(encoding) : Buffer.from(content)
}

/** `/proc/<pid>/stat`: its second field is the state's letter, the twenty-second when the process began. All machines are booted together. */
function describeProcess(path: string): string {
  const { world, machine } = currentProcess()
  if (path === '/proc/sys/kernel/random/boot_id') return 'simulated\n'
  const process = world.processes.findLast(one => one.machine === machine && path === `/proc/${one.pid}/stat`)
  if (!process || process.state === 'dead') throw systemError('ENOENT', 'open', path)
  const zeros = Array.from({ length: 18 }, () => 0).join(' ')
  return `${process.pid} (node (simulated)) ${process.state === 'stopped' ? 'T' : 'S'} ${zeros} ${process.startedTicks} 0 0`
}

/** A file as a stream: only `for await` is there. */
export function createReadStream(path: string): AsyncIterable<Uint8Array> {
  return {
    async *[Symbol.asyncIterator]() {
      await using file = await openAsync(path)
      const block = new Uint8Array(4096)
      for (let at = 0; ; ) {
        const { bytesRead } = await file.read(block, 0, block.length, at)
        if (bytesRead === 0) return
        at += bytesRead
        yield block.slice(0, bytesRead)
      }
    },
  }
}

/** Tells of new files in a folder; the world calls `notice` when it has put one there. */
export function watch(folder: string, listener: () => void) {
  const process = currentProcess()
  const watcher = { folder, notice: () => process.world.later(process, listener) }
  process.world.watchers.add(watcher)
  return { on: () => {}, close: () => void process.world.watchers.delete(watcher) }
}
