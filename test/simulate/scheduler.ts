import { setImmediate as drainMicrotasks, setTimeout as sleep } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import type { SimulatedProcess } from './process.ts'

/** Something that will happen at a simulated time: an operation that completes, or a timer that fires. */
export interface SimulatedEvent {
  readonly atMs: number
  /** Whose it is: it never happens when that process is dead, and waits while it is stopped. Null: the world's own. */
  readonly process: SimulatedProcess | null
  readonly label: string
  /** What it is about, or empty. */
  readonly path: string
  run(): void
  /** What of it may be done already when its process is killed before it completes. */
  readonly partly?: (() => void) | undefined
}

/** Nothing can happen any more, or far too much did. */
export class StuckError extends Error {}

const eventsMax = 300_000
const hoursMax = 2
const realWaitsMax = 50

/**
 * The only source of progress. Each step takes the event that is due first, moves the clock there, runs it, and lets all that follows
 * from it in this tick happen. Latencies are drawn from the seed, so the seed alone says in which order things complete.
 */
export class Scheduler {
  nowMs = 0
  /** CRC-32 over all that happened, in order. */
  trace = 0
  count = 0
  /** Told of each event before it happens. */
  onEvent: (event: SimulatedEvent) => void = () => {}
  /** By the order of adding, so that of two at the same time the older is first. */
  #events: SimulatedEvent[] = []

  add<T extends SimulatedEvent>(event: T): T {
    this.#events.push(event)
    return event
  }

  remove(event: SimulatedEvent): void {
    const at = this.#events.indexOf(event)
    if (at >= 0) this.#events.splice(at, 1)
  }

  /** The events of a process that have not happened. */
  of(process: SimulatedProcess): SimulatedEvent[] {
    return this.#events.filter(event => event.process === process)
  }

  forget(process: SimulatedProcess): void {
    this.#events = this.#events.filter(event => event.process !== process)
  }

  /** Runs events until `isDone`. Throws a StuckError when nothing is left that could make it so. */
  async runUntil(isDone: () => boolean): Promise<void> {
    await drainMicrotasks()
    while (!isDone()) {
      const event = this.#takeNext() ?? (await this.#waitForNext())
      if (!event) throw new StuckError('nothing is pending and the run is not done: it hangs')
      if (++this.count > eventsMax || this.nowMs > hoursMax * 3_600_000)
        throw new StuckError(`${this.count} events in ${Math.round(this.nowMs / 1000)} s and the run is not done`)
      this.nowMs = Math.max(this.nowMs, event.atMs)
      this.trace = crc32(event.label, this.trace)
      this.onEvent(event)
      event.run()
      await drainMicrotasks()
    }
  }

  /** What reads a real file (a vocabulary) is not done when the microtasks are. */
  async #waitForNext(): Promise<SimulatedEvent | null> {
    for (let tries = 0; tries < realWaitsMax; tries++) {
      await sleep(10)
      const event = this.#takeNext()
      if (event) return event
    }
    return null
  }

  #takeNext(): SimulatedEvent | null {
    let best = -1
    for (const [i, event] of this.#events.entries()) {
      if (event.process && event.process.state !== 'running') continue
      if (best < 0 || event.atMs < this.#events[best].atMs) best = i
    }
    return best < 0 ? null : this.#events.splice(best, 1)[0]
  }
}
