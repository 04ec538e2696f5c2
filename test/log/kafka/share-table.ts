import type { Share, ShareHandler } from '../../../src/log/log.ts'

/** Who tries which share. Tells whoever waits of each change, and keeps every moment at which two had one. */
export class ShareTable {
  readonly problems: string[] = []
  readonly #owners = new Map<string, string[]>()
  readonly #lost = new Map<string, number>()
  #wake: () => void = () => {}

  /** What a process does with its shares; `working` is how long it goes on after it was told to give one up. */
  handler(name: string, working: (share: string) => Promise<unknown> = async () => {}): ShareHandler {
    return {
      take: share => this.#change(share, [...this.#of(keyOf(share)), name]),
      give: async share => {
        await working(keyOf(share))
        this.#drop(name, keyOf(share))
      },
      lose: () => {
        this.#lost.set(name, this.lostBy(name) + 1)
        this.forget(name)
      },
    }
  }

  /** As a handler whose work goes on when it says that it is over: what the table must notice. */
  brokenHandler(name: string, working: (share: string) => Promise<unknown>): ShareHandler {
    const handler = this.handler(name, working)
    return { ...handler, give: async share => void handler.give(share) }
  }

  /** A process that is cut off works on nothing that counts. */
  forget(name: string): void {
    for (const share of this.of(name)) this.#drop(name, share)
    this.#wake()
  }

  of(name: string): string[] {
    return [...this.#owners.keys()].filter(share => this.#of(share).includes(name)).sort()
  }

  lostBy(name: string): number {
    return this.#lost.get(name) ?? 0
  }

  /** Waits until something is so, and says how long that took, in milliseconds. */
  async until(what: string, isSo: () => boolean, deadlineMs = 10_000): Promise<number> {
    const start = performance.now()
    const deadline = AbortSignal.timeout(deadlineMs)
    while (!isSo()) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      deadline.addEventListener('abort', () => resolve(), { once: true })
      await promise
      if (deadline.aborted) throw new Error(`${what}: not after ${deadlineMs} ms; ${this}`)
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

  #drop(name: string, share: string): void {
    const others = this.#of(share).filter(owner => owner !== name)
    this.#owners.set(share, others)
    this.#wake()
  }

  #change(share: Share, owners: string[]): void {
    const key = keyOf(share)
    this.#owners.set(key, owners)
    if (owners.length > 1) this.problems.push(`${key} is tried by ${owners.join(' and ')}`)
    this.#wake()
  }
}

const keyOf = ({ stage, partition }: Share) => `${stage}/${partition}`
