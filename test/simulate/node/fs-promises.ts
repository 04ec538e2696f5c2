import * as real from 'node:fs/promises'
import { type Inode, systemError } from '../disk.ts'
import { currentProcess, type SimulatedProcess } from '../process.ts'
import { isSimulated } from './paths.ts'
import { listBelow, listEntries, matchPattern, statOf } from './stat.ts'

/** `node:fs/promises` on the simulated disk. What the code under test does not use is not here, and fails on a path that is not real. */
export * from 'node:fs/promises'

export async function open(path: string, flags = 'r'): Promise<SimulatedHandle> {
  if (!isSimulated(path)) return real.open(path, flags) as unknown as Promise<SimulatedHandle>
  const { disk } = currentProcess().world
  const inode = await perform('open', path, () => disk.open(path, flags))
  return new SimulatedHandle(path, inode, currentProcess())
}

export async function readFile(path: string, encoding?: BufferEncoding): Promise<string | Buffer> {
  if (!isSimulated(path)) return encoding ? real.readFile(path, encoding) : real.readFile(path)
  const { disk } = currentProcess().world
  const inode = await perform('open', path, () => disk.get(path, 'open'))
  const content = await perform('read', path, () => Buffer.from(inode.content))
  return encoding ? content.toString(encoding) : content
}

export async function writeFile(path: string, data: string | Uint8Array): Promise<void> {
  const handle = await open(path, 'w')
  const bytes = Buffer.from(data as string)
  for (let done = 0; done < bytes.length; )
    done += (await handle.write(bytes, done, bytes.length - done, done)).bytesWritten
  await handle.close()
}

export function rename(from: string, to: string): Promise<void> {
  const { disk } = currentProcess().world
  return change('rename', to, () => disk.rename(from, to))
}

export function link(from: string, to: string): Promise<void> {
  const { disk } = currentProcess().world
  return change('link', to, () => disk.link(from, to))
}

export function unlink(path: string): Promise<void> {
  const { disk } = currentProcess().world
  return change('unlink', path, () => disk.unlink(path))
}

export function rm(path: string, { force = false }: { force?: boolean } = {}): Promise<void> {
  const { disk } = currentProcess().world
  return change('unlink', path, () => {
    if (disk.find(path) || !force) disk.unlink(path)
  })
}

export function mkdir(path: string, { recursive = false }: { recursive?: boolean } = {}): Promise<void> {
  const { disk } = currentProcess().world
  return change('mkdir', path, () => {
    if (!recursive) return disk.makeFolder(path)
    for (let at = path.indexOf('/', 1); ; at = path.indexOf('/', at + 1)) {
      const part = at < 0 ? path : path.slice(0, at)
      if (!disk.find(part)) disk.makeFolder(part)
      if (at < 0) return
    }
  })
}

/** Names, or with `recursive` and `withFileTypes` entries of all that lies below. */
export function readdir(
  path: string,
  options: { recursive?: boolean; withFileTypes?: boolean } = {},
): Promise<unknown> {
  if (!isSimulated(path)) return real.readdir(path)
  const { disk } = currentProcess().world
  const listTyped = options.recursive ? listBelow : listEntries
  return perform('list', path, () => (options.withFileTypes ? listTyped(disk, path) : disk.list(path)))
}

export function stat(path: string): Promise<ReturnType<typeof statOf>> {
  const { disk } = currentProcess().world
  return perform('stat', path, () => statOf(disk.get(path, 'stat')))
}

/** Patterns with `*` in their parts. As Node's, it passes over folders that can't be listed. */
export async function* glob(pattern: string): AsyncGenerator<string, void> {
  const { world } = currentProcess()
  const list = (folder: string) => {
    try {
      world.checkReadable('list', folder)
      return world.disk.find(folder)?.kind === 'folder' ? world.disk.list(folder) : []
    } catch {
      return []
    }
  }
  yield* await perform('list', pattern, () => matchPattern(list, pattern))
}

function perform<T>(kind: 'open' | 'read' | 'list' | 'stat', path: string, effect: () => T): Promise<T> {
  return currentProcess().world.perform({ kind, path, effect })
}

/** A change of names: it happens whole or not at all. */
function change(kind: 'rename' | 'link' | 'unlink' | 'mkdir', path: string, effect: () => void): Promise<void> {
  const partly = () => {
    try {
      effect()
    } catch {
      // It would have failed, and nobody is there to be told.
    }
  }
  return currentProcess().world.perform({ kind, path, effect, partly })
}

/** An open file. It belongs to the process that opened it, whoever calls. */
export class SimulatedHandle {
  readonly #path: string
  readonly #inode: Inode
  readonly #process: SimulatedProcess
  #isClosed = false
  /** Where a write without a position goes. */
  #position = 0

  constructor(path: string, inode: Inode, process: SimulatedProcess) {
    this.#path = path
    this.#inode = inode
    this.#process = process
  }

  async read(target: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }> {
    const { disk } = this.#process.world
    const bytesRead = await this.#perform('read', () => {
      const size = this.#process.world.shorten('read', length)
      return disk.read(this.#inode, target.subarray(offset, offset + size), position)
    })
    return { bytesRead }
  }

  async write(bytes: Uint8Array, offset = 0, length = bytes.length - offset, position: number | null = null) {
    return this.writev([bytes.subarray(offset, offset + length)], position)
  }

  async writev(parts: readonly Uint8Array[], position: number | null = null): Promise<{ bytesWritten: number }> {
    const { world } = this.#process
    const bytes = Buffer.concat(parts)
    const at = position ?? this.#position
    const write = (length: number) => world.disk.write(this.#inode, bytes.subarray(0, length), at)
    const effect = () => {
      const length = world.shorten('write', bytes.length)
      write(length)
      if (position === null) this.#position += length
      return length
    }
    const partly = () => write(world.random.between(0, bytes.length))
    const bytesWritten = await this.#perform('write', effect, { partly })
    return { bytesWritten }
  }

  stat(): Promise<ReturnType<typeof statOf>> {
    return this.#perform('stat', () => statOf(this.#inode))
  }

  truncate(size: number): Promise<void> {
    const effect = () => this.#process.world.disk.truncate(this.#inode, size)
    return this.#perform('truncate', effect, { partly: effect })
  }

  sync(): Promise<void> {
    const effect = () => this.#process.world.disk.sync(this.#inode)
    return this.#perform('sync', effect, { partly: effect, inode: this.#inode })
  }

  datasync(): Promise<void> {
    return this.sync()
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const { world } = this.#process
    await world.perform({ kind: 'close', path: this.#path, effect: () => {} }, this.#process)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #perform<T>(
    kind: 'read' | 'write' | 'stat' | 'truncate' | 'sync',
    effect: () => T,
    more: { partly?: () => void; inode?: Inode } = {},
  ): Promise<T> {
    if (this.#isClosed) return Promise.reject(systemError('EBADF', kind, this.#path))
    return this.#process.world.perform({ kind, path: this.#path, effect, ...more }, this.#process)
  }
}

export type { SimulatedHandle as FileHandle }
