import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Request } from './child.ts'
import type { Reduction, Simulated } from './simulate.ts'

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url))

/** Seeds of a process: what a crashed instance leaves waiting for ever is never freed. */
const seedsMax = 300

/** Processes that simulate. Each has the code below src/ with the simulated machine under it, and with a mutant where one is named. */
export class Children implements AsyncDisposable {
  readonly #mutant: string | null
  readonly #free: ChildProcess[] = []
  /** With the seeds that each has simulated. */
  readonly #all = new Map<ChildProcess, number>()

  constructor(mutant: string | null = null) {
    this.#mutant = mutant
  }

  /** Simulates one seed in a process that is free, or in a new one. A process that dies is a failure of its seed. */
  async simulate(seed: number, reduction: Reduction = {}): Promise<Simulated> {
    const child = this.#free.pop() ?? this.#start()
    const result = await ask(child, { seed, reduction })
    const seeds = this.#all.get(child)! + 1
    if (child.connected && seeds < seedsMax) {
      this.#all.set(child, seeds)
      this.#free.push(child)
    } else {
      this.#all.delete(child)
      await end(child)
    }
    return result
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#all.keys()].map(end))
  }

  #start(): ChildProcess {
    const environment = { ...process.env, HEADRACE_MUTANT: this.#mutant ?? '' }
    const child = fork(here('./child.ts'), {
      execArgv: ['--import', here('./install.ts'), '--max-old-space-size=1024'],
      env: environment,
    })
    this.#all.set(child, 0)
    return child
  }
}

function ask(child: ChildProcess, request: Request): Promise<Simulated> {
  return new Promise(resolve => {
    const settle = (result: Simulated) => {
      child.off('message', settle).off('exit', onExit)
      resolve(result)
    }
    const onExit = (code: number | null, signal: string | null) =>
      settle(crashed(request.seed, `the process ended with ${signal ?? code}`))
    child.on('message', settle).on('exit', onExit)
    child.send(request)
  })
}

function crashed(seed: number, message: string): Simulated {
  return {
    ...{ seed, faults: [], lines: 0, restarts: 0, rows: 0, steps: 0, events: 0, counts: {}, trace: 0 },
    failure: { check: 'process', message },
  }
}

function end(child: ChildProcess): Promise<void> {
  return new Promise(resolve => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.on('exit', () => resolve())
    child.kill()
  })
}
