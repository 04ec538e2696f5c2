import type { Share, ShareHandler } from '../src/log/log.ts'

/** Who tries which share. Tells whoever waits of each change, and keeps every moment at which two had one or calls for one overlapped. */
export class ShareTable {
  readonly problems: string[] = []
  readonly #waitMsMax: number
  readonly #owners = new Map<string, readonly string[]>()
  readonly #giving = new Set<string>()
  readonly #lost = new Map<string, number>()
  #wake: () => void = () => {}

  /** `waitMsMax`: how long to wait for a change. */
  constructor(waitMsMax = 10_000) {
    this.#waitMsMax = waitMsMax
  }

  /** What a process does with its shares; `working` is how long it goes on after it was told to give one up. */
  handler(name: string, working: (share: string) => Promise<unknown> = async () => {}): ShareHandler {
    return {
      take: share => this.#take(name, keyOf(share)),
      give: async share => {
        const call = `${name} ${keyOf(share)}`
        if (this.#giving.has(call) || !this.#of(keyOf(share)).includes(name))
          this.problems.push(`${keyOf(share)} is asked of ${name} again, or without cause`)
        this.#giving.add(call)
        this.#wake()
        await working(keyOf(share))
        this.#giving.delete(call)
        this.#drop(name, keyOf(share))
      },
      lose: () => {
        this.#lost.set(name, this.lostBy(name) + 1)
        this.forget(name)
      },
    }
  }

  /** A process that is cut off works on nothing that counts. */
  forget(name: string): void {
    for (const share of this.of(name)) this.#drop(name, share)
    this.#wake()
  }

  /** The shares of a process, those that it is giving up too. */
  of(name: string): string[] {
    return [...this.#owners.keys()].filter(share => this.#of(share).includes(name)).sort()
  }

  has(name: string, shares: readonly string[]): boolean {
    return this.of(name).join() === [...shares].sort().join()
  }

  /** Whether each of these shares is with one of these processes, and none of them without. */
  isShared(shares: readonly string[], ...names: string[]): boolean {
    const parts = names.map(name => this.of(name))
    return parts.every(part => part.length > 0) && parts.flat().sort().join() === [...shares].sort().join()
  }

  /** The shares that a process is giving up. */
  givenBy(name: string): string[] {
    return [...this.#giving].filter(call => call.startsWith(`${name} `)).map(call => call.slice(name.length + 1))
  }

  lostBy(name: string): number {
    return this.#lost.get(name) ?? 0
  }

  /** Waits until something is so, and says how long that took, in milliseconds. */
  async until(what: string, isSo: () => boolean, waitMsMax = this.#waitMsMax): Promise<number> {
    const start = performance.now()
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      this.#wake()
    }, waitMsMax)
    try {
      while (!isSo()) {
        if (isLate) throw new Error(`${what}: not after ${waitMsMax} ms; ${this}`)
        const { promise, resolve } = Promise.withResolvers<void>()
        this.#wake = resolve
        await promise
      }
    } finally {
      clearTimeout(timer)
    }
    return Math.round(performance.now() - start)
  }

  /** Something else changed that is waited for. */
  notice(): void {
    this.#wake()
  }

  toString(): string {
    return JSON.stringify(Object.fromEntries(this.#owners))
  }

  #of(share: string): readonly string[] {
    return this.#owners.get(share) ?? []
  }

  #take(name: string, share: string): void {
    const owners = [...this.#of(share), name]
    this.#owners.set(share, owners)
    if (this.#giving.has(`${name} ${share}`)) this.problems.push(`${share} is given to ${name} while it gives it up`)
    else if (owners.length > 1) this.problems.push(`${share} is tried by ${owners.join(' and ')}`)
    this.#wake()
  }

  #drop(name: string, share: string): void {
    this.#owners.set(
      share,
      this.#of(share).filter(owner => owner !== name),
    )
    this.#wake()
  }
}

const keyOf = ({ stage, partition }: Share) => `${stage}/${partition}`
