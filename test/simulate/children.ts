import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Request } from './child.ts'
import type { Reduction, Simulated } from './simulate.ts'

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url))

/** Processes that simulate. Each has the code below src/ with the simulated machine under it, and with a mutant where one is named. */
export class Children implements AsyncDisposable {
  readonly #mutant: string | null
  readonly #free: ChildProcess[] = []
  readonly #all = new Set<ChildProcess>()

  constructor(mutant: string | null = null) {
    this.#mutant = mutant
  }

  /** Simulates one seed in a process that is free, or in a new one. A process that dies is a failure of its seed. */
  async simulate(seed: number, reduction: Reduction = {}): Promise<Simulated> {
    const child = this.#free.pop() ?? this.#start()
    const result = await ask(child, { seed, reduction })
    if (child.connected) this.#free.push(child)
    else this.#all.delete(child)
    return result
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#all].map(end))
  }

  #start(): ChildProcess {
    const environment = { ...process.env, HEADRACE_MUTANT: this.#mutant ?? '' }
    const child = fork(here('./child.ts'), {
      execArgv: ['--import', here('./install.ts'), '--max-old-space-size=1024'],
      env: environment,
    })
    this.#all.add(child)
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
