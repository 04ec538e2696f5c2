import type { Random } from '../random.ts'
import { Disk, type Inode, systemError } from './disk.ts'
import type { Fault, FaultKind, Moment, OperationKind, Operations } from './faults.ts'
import { currentProcess, type Role, type Running, running, SimulatedProcess } from './process.ts'
import { Scheduler } from './scheduler.ts'

/** When the first world of every simulation begins, in milliseconds since 1970. */
export const bootMs = 1_750_000_000_000

interface Operation<T> {
  readonly kind: OperationKind
  readonly path: string
  /** Does it and returns its result. Throws a system error. */
  readonly effect: () => T
  /** What a failed sync leaves in doubt. */
  readonly inode?: Inode
  /** What of it is done when the process is killed meanwhile, or when it fails. Absent: nothing. */
  readonly partly?: () => void
}

/** The folder of the run that a simulation begins with. */
export const runFolder = '/sim/run'

/** How a world begins. */
export interface WorldStart {
  /** Whether the file system takes two names for one that differ in case alone. */
  readonly foldsCase?: boolean
  /** The run that its processes are at. Default: the first. */
  readonly folder?: string
  /** The world whose disk, clock and numbers this one goes on with; nobody is at work in it any more. */
  readonly before?: World | null
}

/** A machine: its disk, its clock, its processes, and the faults that are to come. */
export class World {
  readonly scheduler = new Scheduler()
  readonly disk: Disk
  /** The folder of the run that its processes are at. */
  readonly folder: string
  readonly random: Random
  readonly faults: readonly Fault[]
  /** Faults that took effect. */
  readonly counts: Partial<Record<FaultKind, number>> = {}
  /** Operations of the run's processes: of all, of each kind, and of each kind in each part of the run's folder. */
  readonly operations: Partial<Record<Operations, number>> = {}
  readonly processes: SimulatedProcess[] = []
  readonly watchers = new Set<{ readonly folder: string; notice(): void }>()
  /** What is to happen at a fault's moment. False: not now; it is tried again at the operations that follow. */
  strike: (fault: Fault, process: SimulatedProcess, path: string) => boolean = () => true
  /** Told after each operation, for invariants. */
  observe: (kind: OperationKind, path: string, process: SimulatedProcess) => void = () => {}
  /** Told when a process has ended or was killed. */
  ended: (process: SimulatedProcess) => void = () => {}
  /** What the run's processes can't read: a file, or a folder with all that is in it. */
  unreadable: { readonly path: string; readonly code: 'EIO' | 'EACCES' } | null = null
  /** Whether whoever makes the pipeline now makes another, by a file that was edited. */
  isPipelineEdited = false
  /** Whether the worker that gets the next job ends. */
  isWorkerToDie = false
  /** How much longer than usual the next write or sync of the log takes. */
  stallMs = 0
  readonly #struck = new Set<Fault>()
  readonly #due = new Set<Fault>()
  readonly #slowness: readonly [number, number]
  readonly #bootMs: number
  readonly #started: number
  #nextPid: number
  #numbers: number

  constructor(random: Random, faults: readonly Fault[], { foldsCase, folder, before = null }: WorldStart = {}) {
    this.random = random
    this.disk = before?.disk ?? new Disk(foldsCase ? name => name.normalize('NFC').toLowerCase() : undefined)
    this.disk.now = () => this.nowMs
    this.folder = folder ?? runFolder
    this.faults = faults
    this.#bootMs = before ? before.nowMs + 1000 : bootMs
    this.#started = before ? before.#started + before.processes.length : 0
    this.#nextPid = before ? before.#nextPid : 100
    this.#numbers = before ? before.#numbers : 0
    this.#slowness = [random.spread(0.005, 0.05), random.spread(0.05, 5)]
  }

  /** Milliseconds since 1970. */
  get nowMs(): number {
    return this.#bootMs + this.scheduler.nowMs
  }

  /** Starts a process. Whatever `main` calls is its own. */
  start(role: Role, main: () => Promise<void>, machine = 0): SimulatedProcess {
    // A number may come again: only the start time then tells the processes apart.
    const isAgain = this.random.chance(0.3) && this.processes.at(-1)?.state === 'dead'
    const pid = isAgain ? this.processes.at(-1)!.pid : this.#nextPid++
    const process = new SimulatedProcess(this, role, pid, this.#started + this.processes.length, machine)
    this.processes.push(process)
    const end = (error: unknown) => {
      if (process.state === 'dead') return
      process.ending = { error }
      this.#bury(process)
    }
    this.enter(process, () => void main().then(() => end(null), end))
    return process
  }

  /** Runs code of an observer, which meets no faults, and returns what it gives. */
  async runObserver<T>(code: () => Promise<T>): Promise<T> {
    let result: { value: T } | null = null
    const process = this.start('observer', async () => {
      result = { value: await code() }
    })
    await this.scheduler.runUntil(() => process.ending !== null)
    if (process.ending!.error) throw process.ending!.error
    return result!.value
  }

  /** Runs code as the process, or as one of its workers. */
  enter<T>(process: SimulatedProcess, code: () => T, worker: Running['worker'] = null): T {
    return running.run({ process, worker }, code)
  }

  /** Ends a process at once. What it had asked for may be done in part. */
  kill(process: SimulatedProcess): void {
    if (process.state === 'dead') return
    for (const event of this.scheduler.of(process)) if (event.partly && this.random.chance(0.5)) event.partly()
    this.#bury(process)
  }

  /** Ends all processes and takes what was not synced. */
  losePower(): void {
    for (const process of this.processes) this.kill(process)
    const { lostWrites, tornWrites, lostNames } = this.disk.losePower(this.random)
    this.count('lost-write', lostWrites)
    this.count('torn-write', tornWrites)
    this.count('lost-name', lostNames)
  }

  stop(process: SimulatedProcess): void {
    if (process.state === 'running') process.state = 'stopped'
  }

  /** Lets a stopped process go on. Time has passed: what was due comes at once. */
  wake(process: SimulatedProcess): void {
    if (process.state === 'stopped') process.state = 'running'
  }

  #bury(process: SimulatedProcess): void {
    process.state = 'dead'
    this.scheduler.forget(process)
    this.ended(process)
  }

  /** Queues an operation of the calling process. It completes when its time comes, unless its process is gone by then. */
  perform<T>(operation: Operation<T>, process: SimulatedProcess = currentProcess()): Promise<T> {
    return new Promise((resolve, reject) => {
      if (process.state === 'dead') return
      const nth = process.role === 'run' ? this.#countOperation(operation.kind, operation.path) : null
      const complete = () => this.#complete(operation, process, nth, resolve, reject)
      const run = () => {
        if (nth) this.#strikeAll('before', nth, process, operation.path)
        if (process.state === 'running') complete()
        else this.later(process, complete, operation.partly)
      }
      const atMs = this.scheduler.nowMs + this.#latencyOf(process, operation.kind, nth) + this.#takeStall(nth)
      const label = `${process.name} ${operation.kind} ${operation.path}`
      this.scheduler.add({ atMs, process, label, path: operation.path, run, partly: operation.partly })
    })
  }

  /** Runs code as soon as the process runs; never when it is dead. */
  later(process: SimulatedProcess, run: () => void, partly?: () => void): void {
    if (process.state !== 'dead') this.scheduler.add({ atMs: 0, process, label: process.name, path: '', run, partly })
  }

  #complete<T>(
    operation: Operation<T>,
    process: SimulatedProcess,
    nth: Nth | null,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ): void {
    let settle: () => void
    try {
      if (nth) this.#failMaybe(operation, nth)
      if (nth) this.checkReadable(operation.kind, operation.path)
      const value = operation.effect()
      settle = () => resolve(value)
    } catch (error) {
      settle = () => reject(error)
    }
    this.observe(operation.kind, operation.path, process)
    if (nth) this.#strikeAll('after', nth, process, operation.path)
    if (process.state === 'running') settle()
    else this.later(process, settle)
  }

  /** Does a sync call, which may fail but which nothing can interrupt. */
  performSync<T>(kind: OperationKind, path: string, effect: () => T): T {
    const process = currentProcess()
    if (process.state === 'dead') throw new Error(`${process.name} is dead and called ${kind} ${path}`)
    if (process.role === 'run') this.#failMaybe({ kind, path, effect }, this.#countOperation(kind, path))
    if (process.role === 'run') this.checkReadable(kind, path)
    return effect()
  }

  /** Throws as the system does where a file or folder can't be read. Who may not open a file may still read what is open, and look. */
  checkReadable(kind: OperationKind, path: string): void {
    if (this.unreadable === null) return
    const { path: closed, code } = this.unreadable
    const isIn = path === closed || path.startsWith(`${closed}/`)
    const failing: readonly OperationKind[] = code === 'EIO' ? ['open', 'list', 'read', 'read-sync'] : ['open', 'list']
    if (isIn && failing.includes(kind)) throw systemError(code, kind, path)
  }

  /** How many of so many bytes are moved this time: fewer where a fault says so. */
  shorten(kind: 'read' | 'write' | 'read-sync', bytes: number): number {
    const nth = this.operations[kind] ?? 0
    const isShort = this.faults.some(fault => fault.kind === 'short' && fault.of === kind && isWithin(fault, nth))
    if (!isShort || bytes < 2 || running.getStore()?.process.role === 'observer') return bytes
    this.count('short')
    return this.random.between(1, bytes - 1)
  }

  count(kind: FaultKind, amount = 1): void {
    if (amount > 0) this.counts[kind] = (this.counts[kind] ?? 0) + amount
  }

  /** A number that no other call gets. */
  uniqueNumber(): number {
    return this.#numbers++
  }

  /** The fault that is due at the nth job of a worker or batch of a reader. */
  takeFault<K extends Fault['kind']>(kind: K, nth: number): boolean {
    return this.faults.some(fault => fault.kind === kind && 'nth' in fault && fault.nth === nth)
  }

  #failMaybe({ kind, path, inode, partly }: Operation<unknown>, nth: Nth): void {
    if (!isOfRun(path)) return
    for (const fault of this.faults) {
      if (fault.kind !== 'error' || (fault.of !== kind && fault.of !== nth.place)) continue
      if (!isWithin(fault, fault.of === kind ? nth.ofKind : nth.ofPlace)) continue
      this.count(fault.code)
      if (kind === 'sync' && inode) this.disk.failSync(inode)
      else if (this.random.chance(0.5)) partly?.()
      throw systemError(fault.code, kind, path)
    }
  }

  #strikeAll(when: Moment['when'], nth: Nth, process: SimulatedProcess, path: string): void {
    for (const fault of this.faults) {
      if (!('at' in fault) || fault.at.when !== when || this.#struck.has(fault)) continue
      const { of } = fault.at
      const count = of === 'any' ? nth.ofAny : of === nth.kind ? nth.ofKind : of === nth.place ? nth.ofPlace : -1
      if (count !== fault.at.nth && !this.#due.has(fault)) continue
      if (this.strike(fault, process, path)) this.#struck.add(fault)
      else this.#due.add(fault)
      if (process.state !== 'running') return
    }
  }

  #countOperation(kind: OperationKind, path: string): Nth {
    const place = `${areaOf(path)} ${kind}` as const
    const count = (of: Operations) => (this.operations[of] = (this.operations[of] ?? 0) + 1)
    return { kind, place, ofKind: count(kind), ofPlace: count(place), ofAny: count('any') }
  }

  #takeStall(nth: Nth | null): number {
    if (nth?.place !== 'log write' && nth?.place !== 'log sync') return 0
    const { stallMs } = this
    this.stallMs = 0
    return stallMs
  }

  #latencyOf(process: SimulatedProcess, kind: OperationKind, nth: Nth | null): number {
    if (process.role === 'observer') return 0
    for (const fault of this.faults) {
      if (fault.kind !== 'slow' || fault.of !== kind || fault.nth !== nth?.ofKind) continue
      this.count('slow')
      return fault.ms
    }
    return this.random.spread(...this.#slowness)
  }
}

/** Which operation it is among those of its kind, and among all. */
interface Nth {
  readonly kind: OperationKind
  readonly place: Operations
  readonly ofKind: number
  readonly ofPlace: number
  readonly ofAny: number
}

/** Whether a path is in the folder of a run, where operations fail. */
function isOfRun(path: string): boolean {
  return path.startsWith('/sim/') && !path.startsWith('/sim/in/')
}

/** The part of a run's folder that a path is in: `log`, `shards`, `feed`, `state`, or `run` itself. */
function areaOf(path: string): string {
  return /^\/sim\/(?!in\/)\w+\/(\w+)\//.exec(path)?.[1] ?? 'run'
}

function isWithin(fault: { readonly nth: number; readonly count: number }, nth: number): boolean {
  return nth >= fault.nth && nth < fault.nth + fault.count
}
