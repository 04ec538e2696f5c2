import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Finished } from '../../run/fixture.ts'
import type { Subject } from '../life.ts'
import { ordersVariable } from '../orders.ts'

const bin = join(import.meta.dirname, '../../../bin/headrace.js')
const preload = new URL('../preload.ts', import.meta.url).href

/** Exit statuses after which the same command may succeed: locked, disk (the brokers are this log's) and fenced. */
const retried = new Set<number | null>([73, 74, 75])
const fenced = 75
const pauseMs = 300
/** Starts of one process, with nobody killing it, before it is said not to recover. */
const startsMax = 20

export interface Process {
  readonly child: ChildProcess
  readonly ended: Promise<Finished>
}

/** Starts the command line with the subject's limits and its planted mistake. */
export function startProcess({ limits, plant }: Subject, root: string, args: readonly string[]): Process {
  const orders = { kill: null, fill: null, report: null, plant, limits, root }
  const child = spawn(process.execPath, ['--import', preload, bin, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, [ordersVariable]: JSON.stringify(orders) },
  })
  let [out, err] = ['', '']
  child.stdout.on('data', data => (out += data))
  child.stderr.on('data', data => (err += data))
  const ended = new Promise<Finished>(resolve =>
    child.on('close', (status, signal) => resolve({ status, signal, out, err })),
  )
  return { child, ended }
}

/** Keeps the processes of one run going, as a supervisor does, until each has ended by itself or one fails for good. */
export class Members {
  readonly ended: Promise<void>
  restarts = 0
  /** Processes that ended as `fenced`, and shares of a spread run that one lost in this way, or with its membership, and went on. */
  fenced = 0
  sharesFenced = 0
  sharesLost = 0
  failure: string | null = null
  isDone = false
  readonly #start: (index: number) => Process
  readonly #running = new Map<number, Process>()
  readonly #starts: number[] = []
  #finish!: () => void

  constructor(count: number, start: (index: number) => Process) {
    this.#start = start
    this.ended = new Promise(resolve => (this.#finish = resolve))
    for (let index = 0; index < count; index++) this.#run(index)
  }

  /** Kills one, and starts it again when `before` is done. One that has ended by itself stays so: then this is 0, else 1. */
  async kill(index: number, before = async () => {}): Promise<0 | 1> {
    const killed = this.#running.get(index)
    if (!killed) return 0
    killed.child.kill('SIGKILL')
    const { signal } = await killed.ended
    await before()
    this.#starts[index] = 0
    if (signal !== 'SIGKILL') return 0
    this.#again(index)
    return 1
  }

  /** Lets one go: whatever becomes of it, it is not started again; another takes its place. */
  async replace(index: number, before: (former: Process) => Promise<void>): Promise<Process | null> {
    const former = this.#running.get(index)
    if (!former) return null
    this.#running.delete(index)
    await before(former)
    this.#again(index)
    return former
  }

  /** A process to signal; null when it has ended. */
  at(index: number): Process | null {
    return this.#running.get(index) ?? null
  }

  stop(failure: string | null): void {
    this.failure ??= failure
    this.isDone = true
    for (const { child } of this.#running.values()) child.kill('SIGKILL')
    this.#finish()
  }

  #again(index: number): void {
    this.restarts++
    this.#run(index)
  }

  async #run(index: number): Promise<void> {
    this.#starts[index] = (this.#starts[index] ?? 0) + 1
    const one = this.#start(index)
    this.#running.set(index, one)
    const { status, signal, err } = await one.ended
    this.sharesFenced += err.match(/"share-fenced"/g)?.length ?? 0
    this.sharesLost += err.match(/"share-lost"/g)?.length ?? 0
    if (this.isDone || this.#running.get(index) !== one || signal === 'SIGKILL') return
    this.#running.delete(index)
    if (status === fenced) this.fenced++
    if (status === 0) {
      if (this.#running.size === 0) this.stop(null)
    } else if (!retried.has(status)) this.stop(`process ${index}: status ${status ?? signal}: ${err.trim()}`)
    else if (this.#starts[index] >= startsMax) this.stop(`process ${index} does not recover: ${err.trim()}`)
    else {
      await sleep(pauseMs)
      this.#again(index)
    }
  }
}
