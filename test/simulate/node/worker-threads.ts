import { currentProcess, type SimulatedProcess, type SimulatedWorker } from '../process.ts'
import type { World } from '../world.ts'

/** `node:worker_threads`: a worker is code of the same process here, that messages reach with a delay and that faults can end. */
export const parentPort = null
export const workerData = null
export const isMainThread = true

interface Port {
  postMessage(message: unknown, transfer?: readonly ArrayBuffer[]): void
  on(event: 'message', listener: (message: never) => void): unknown
}

/** What runs in a worker, as the simulation was told: the worker's module can't be imported here, as it imports this one. */
export const workerCode: { main: ((data: unknown, port: Port, process: SimulatedProcess) => void) | null } = {
  main: null,
}

type Listener = (value: never) => void

export class Worker implements SimulatedWorker {
  readonly #process = currentProcess()
  readonly #listeners = new Map<string, Listener[]>()
  /** Messages that came before the code in the worker listens. */
  #waiting: unknown[] = []
  #receive: Listener = message => void this.#waiting.push(message)
  /** What is to happen in the middle of each job, in the order of the jobs; the first is that of the job it is at. */
  readonly #orders: ('hang' | 'crash' | null)[] = []
  #isEnded = false

  constructor(_: URL, { workerData: data }: { workerData: unknown }) {
    const port: Port = {
      postMessage: (message, transfer = []) => {
        this.#orders.shift()
        this.#deliver('message', message, transfer)
      },
      on: (_, listener) => {
        this.#receive = listener as Listener
        for (const message of this.#waiting.splice(0)) this.#receive(message as never)
      },
    }
    // Begun later, as a thread is.
    const begin = () => this.#enter(() => workerCode.main!(data, port, this.#process))
    void this.#world.perform({ kind: 'message', path: '', effect: begin }, this.#process)
  }

  get #world(): World {
    return this.#process.world
  }

  on(event: string, listener: Listener): this {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener])
    return this
  }

  once(event: string, listener: Listener): this {
    return this.on(event, listener)
  }

  /** A null asks it to end, as the worker's module takes it. */
  postMessage(message: unknown, transfer: readonly ArrayBuffer[] = []): void {
    if (message === null) return void this.#post(() => void this.#end(0))
    const copy = structuredClone(message, { transfer: [...transfer] })
    void this.#post(() => {
      if (this.#isEnded) return
      // A job that is done again, as it lost its worker once, is spared: at a second time the fault is the row's.
      const nth = (message as { alone?: unknown }).alone ? 0 : countJob(this.#world)
      this.#orders.push(drawOrder(this.#world, nth))
      this.#enter(() => this.#receive(copy as never))
    })
  }

  async terminate(): Promise<number> {
    await this.#end(1)
    return 1
  }

  crash(): void {
    void this.#end(134)
  }

  takeOrder(): 'hang' | 'crash' | null {
    const order = this.#orders[0] ?? null
    this.#orders[0] = null
    if (order) this.#world.count(order === 'hang' ? 'hang-worker' : 'kill-worker')
    return order
  }

  async #end(code: number): Promise<void> {
    if (this.#isEnded) return
    this.#isEnded = true
    await this.#post(() => this.#emit('exit', code))
  }

  #deliver(event: string, message: unknown, transfer: readonly ArrayBuffer[]): void {
    if (this.#isEnded) return
    const copy = structuredClone(message, { transfer: [...transfer] })
    void this.#post(() => this.#emit(event, copy))
  }

  #emit(event: string, value: unknown): void {
    this.#world.enter(this.#process, () => {
      for (const listener of this.#listeners.get(event) ?? []) listener(value as never)
    })
  }

  #enter(code: () => void): void {
    this.#world.enter(this.#process, code, this)
  }

  /** Messages of one port arrive in the order of sending. */
  #last: Promise<void> = Promise.resolve()
  #post(effect: () => void): Promise<void> {
    const sent = this.#world.perform({ kind: 'message', path: '', effect: () => {} }, this.#process)
    this.#last = this.#last.then(() => sent).then(effect)
    return this.#last
  }
}

function drawOrder(world: World, nth: number): 'hang' | 'crash' | null {
  if (nth > 0 && world.isWorkerToDie) {
    world.isWorkerToDie = false
    return 'crash'
  }
  if (world.takeFault('hang-worker', nth)) return 'hang'
  return world.takeFault('kill-worker', nth) ? 'crash' : null
}

const jobs = new WeakMap<World, number>()
function countJob(world: World): number {
  const next = (jobs.get(world) ?? 0) + 1
  jobs.set(world, next)
  return next
}
