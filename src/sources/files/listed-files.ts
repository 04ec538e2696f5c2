import { statSync } from 'node:fs'
import type { Split } from '../source.ts'

/** Files that one look compares, so that a look costs the same whatever was read before: the newest, as these are still written, and others in turn. */
const newestMax = 1000
const othersMax = 1000

interface Listed {
  /** What the system said of it before it was stamped. */
  look: string
  stamp: string
}

/** The files that a follower has listed, and whether they are still what they were. */
export class ListedFiles {
  readonly #files = new Map<string, Listed>()
  readonly #names: string[] = []
  #turn = 0

  has(name: string): boolean {
    return this.#files.has(name)
  }

  /** The split of a file, with the stamp that `stamp` gives it. */
  async add(name: string, stamp: (name: string) => Promise<string>): Promise<Split> {
    const look = lookAt(name) ?? ''
    const split = { name, stamp: await stamp(name) }
    this.#files.set(name, { look, stamp: split.stamp })
    this.#names.push(name)
    return split
  }

  /** Splits that changed since, with their stamps of now. What is gone was cleared away, which is no change. */
  async *changed(stamp: (name: string) => Promise<string>): AsyncGenerator<Split, void> {
    for (const name of this.#nextNames()) {
      const listed = this.#files.get(name)!
      const look = lookAt(name)
      if (look === null || look === listed.look) continue
      const now = await stamp(name)
      const isChanged = now !== listed.stamp
      Object.assign(listed, { look, stamp: now })
      if (isChanged) yield { name, stamp: now }
    }
  }

  #nextNames(): Set<string> {
    const names = new Set(this.#names.slice(-newestMax))
    for (let i = 0; i < Math.min(othersMax, this.#names.length); i++)
      names.add(this.#names[this.#turn++ % this.#names.length])
    return names
  }
}

function lookAt(name: string): string | null {
  const found = statSync(name, { throwIfNoEntry: false })
  return found ? [found.dev, found.ino, found.size, found.mtimeMs].join(' ') : null
}
