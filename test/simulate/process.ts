import { AsyncLocalStorage } from 'node:async_hooks'
import type { World } from './world.ts'

/** What a process is for. Faults strike the run; readers die with the machine or by a fault of their own; observers meet none. */
export type Role = 'run' | 'reader' | 'observer'

/** A process in the simulation: what it calls completes while it runs, waits while it is stopped, and is lost when it is dead. */
export class SimulatedProcess {
  readonly world: World
  readonly role: Role
  readonly pid: number
  /** Which of the machines of one name it runs on: those on another do not see it. */
  readonly machine: number
  /** In ticks since boot: tells it from a later process with the same pid. */
  readonly startedTicks: number
  readonly name: string
  state: 'running' | 'stopped' | 'dead' = 'running'
  /** How its main function ended, or null while it goes, and when it was killed. */
  ending: { readonly error: unknown } | null = null

  constructor(world: World, role: Role, pid: number, number: number, machine = 0) {
    this.machine = machine
    this.world = world
    this.role = role
    this.pid = pid
    this.startedTicks = 1000 + number
    this.name = `${role}-${number}`
  }
}

/** Whose code runs: a process and, in a worker thread's code, the worker. */
export interface Running {
  readonly process: SimulatedProcess
  readonly worker: SimulatedWorker | null
}

/** A worker as the code in it sees it. */
export interface SimulatedWorker {
  /** What a fault wants of the worker in the middle of its job. Told once. */
  takeOrder(): 'hang' | 'crash' | null
  /** The thread ends at once, as by an abort in native code. */
  crash(): void
}

export const running = new AsyncLocalStorage<Running>()

/** The process whose code calls. */
export function currentProcess(): SimulatedProcess {
  const found = running.getStore()
  if (!found) throw new Error('a simulated function was called outside of a simulated process')
  return found.process
}
