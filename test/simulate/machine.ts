import { HeadraceError } from '../../src/errors.ts'
import { planPipeline } from '../../src/pipeline/plan.ts'
import { type LoadNote, readLoadNote } from '../../src/record/notes.ts'
import type { RunEvent } from '../../src/run/events.ts'
import type { PipelineRef } from '../../src/run/measure/jobs.ts'
import { makePlan, serve } from '../../src/run/measure/worker.ts'
import type { ReplayOptions } from '../../src/run/options.ts'
import { runPipeline } from '../../src/run/run.ts'
import { Random } from '../random.ts'
import type { Case } from './case.ts'
import { bytesOf } from './corpus.ts'
import { type Fault, type FaultKind, isChange, type OperationKind } from './faults.ts'
import { workerCode } from './node/worker-threads.ts'
import { buildPipeline } from './pipelines.ts'
import type { SimulatedProcess } from './process.ts'
import { setLimits } from './small-limits.ts'
import { newTraining, type Training, train } from './trainer.ts'
import { Upsets } from './upsets.ts'
import { Watchman } from './watchman.ts'
import { bootMs, runFolder, World, type WorldStart } from './world.ts'

workerCode.main = (data, port, { world }) => {
  const { ref, progress } = data as { ref: PipelineRef; progress: SharedArrayBuffer }
  const plan = makePlan(ref, async ({ follow }) => planOf(world, follow))
  serve(plan, port, new Int32Array(progress))
}

const cases = new WeakMap<World, Case>()
function planOf(world: World, follow: boolean) {
  return planPipeline(buildPipeline(cases.get(world)!.pipeline, follow, world.isPipelineEdited))
}

/** A check that failed, with the name under which it is known. */
export class SimulationFailure extends Error {
  readonly check: string

  constructor(check: string, message: string) {
    super(message)
    this.check = check
  }
}

/** A run of the whole pipeline as its operator sees it: started, and started again whenever it has ended too early. */
interface Job {
  readonly process: SimulatedProcess
  readonly drain: AbortController
  readonly follow: boolean
  /** What its end may be, beside what any run's may. */
  role: 'owner' | 'refused' | 'zombie'
  /** What was upset when it began. */
  readonly upset: Upsets['current']
  /** Where its loader began. */
  begun: LoadNote | null
  readonly machine: number
}

const restartsMax = 80
/** Longer than the holder of a lock may be silent, and how soon one who was refused tries again. */
const stallMs = 15_000
const rivalPauseMs = 3000
/** A follower that nothing has kept from it has told by then that a file was written to. */
const lookMs = 2000
/** What may keep a process from telling soon. */
const struck = ['slow', 'stop', 'rival', 'power', 'EIO', 'hang-worker', 'kill-worker'] as const

/** What a machine is to do with a case. */
export interface Order extends WorldStart {
  /** How long an undisturbed run takes, to say when files come. */
  readonly usualMs: number
  readonly hasTrainer: boolean
  /** Takes the slots of another run, where the case's files are on the disk already. */
  readonly replay?: ReplayOptions | null
}

/** One simulated machine on which a case is run to its end, whatever happens. */
export class Machine {
  readonly world: World
  readonly training: Training
  readonly upsets: Upsets
  restarts = 0
  readonly #case: Case
  readonly #random: Random
  readonly #watchman: Watchman
  readonly #jobs: Job[] = []
  readonly #order: Order
  readonly #hasTrainer: boolean
  #trainer: SimulatedProcess | null = null
  #isStarting = false
  #isDone = false
  /** What the loader has committed last, as a process has told. */
  #loaded: LoadNote | null = null
  #follow: boolean
  /** On which of the machines of one name the run goes on. */
  #machine = 0
  #failure: SimulationFailure | null = null

  constructor(simulated: Case, faults: readonly Fault[], order: Order) {
    this.#case = simulated
    this.#order = order
    this.#random = new Random(simulated.seed).fork(order.replay ? 'replaying machine' : 'machine')
    this.world = new World(this.#random.fork('world'), faults, { foldsCase: simulated.foldsCase, ...order })
    this.training = newTraining(`${this.world.folder}/feed`)
    this.upsets = new Upsets(this.world, simulated, this.#random.fork('upsets'))
    cases.set(this.world, simulated)
    this.#watchman = new Watchman(this.world)
    this.#hasTrainer = order.hasTrainer && simulated.pipeline.feed !== null
    this.#follow = simulated.follow
    this.world.strike = (fault, process, path) => this.#strike(fault, process, path)
    this.world.observe = (kind, path, process) => this.#look(kind, path, process)
    this.world.ended = process => this.#ended(process)
    if (!order.replay) this.#placeFiles(order.usualMs)
  }

  /** Runs until the run and its trainer are done. Throws a SimulationFailure. */
  async run(): Promise<void> {
    setLimits(this.#case.limits)
    this.#start()
    if (this.#hasTrainer) this.#startTrainer()
    const areDone = () =>
      this.upsets.isLost || (this.#isDone && (this.training.isDone || !this.#hasTrainer) && !this.#hasZombie())
    await this.world.scheduler.runUntil(() => this.#failure !== null || areDone())
    if (this.#failure) throw this.#failure
  }

  /** Runs code of an observer, which meets no faults, and returns what it gives. */
  async observe<T>(code: () => Promise<T>): Promise<T> {
    return this.world.runObserver(code)
  }

  #placeFiles(usualMs: number): void {
    const { files, isSettled } = this.#case
    const minute = 60_000
    this.world.disk.place('/sim/in/readme', Buffer.from('no input'))
    for (const file of files) {
      const place = () => {
        const isOld = isSettled && file.comesAt === 0
        this.world.disk.place(file.name, bytesOf(file), isOld ? bootMs - minute : this.world.nowMs)
        for (const watcher of this.world.watchers) watcher.notice()
      }
      if (file.comesAt === 0) place()
      else this.#at(file.comesAt * usualMs, place)
    }
    // A follower has time to see what is done to files that it has read.
    const patienceMs = this.world.faults.some(({ kind }) => kind === 'upset') ? lookMs : 0
    if (this.#follow) this.#at(2 * usualMs + 200 + patienceMs, () => this.#endFollowing())
  }

  /** All files are there: what follows is stopped, and started again as a finite source. */
  #endFollowing(): void {
    this.#follow = false
    for (const { process, drain, follow } of this.#jobs)
      if (follow && process.state !== 'dead') this.world.enter(process, () => drain.abort())
  }

  #at(atMs: number, run: () => void): void {
    this.world.scheduler.add({ atMs, process: null, label: 'world', path: '', run })
  }

  #after(ms: number, run: () => void): void {
    this.#at(this.world.scheduler.nowMs + ms, run)
  }

  #fail(check: string, message: string): void {
    this.#failure ??= new SimulationFailure(check, message)
  }

  #hasZombie(): boolean {
    return this.#jobs.some(({ role, process }) => role === 'zombie' && process.state !== 'dead')
  }

  #owner(): Job | undefined {
    return this.#jobs.findLast(job => job.role === 'owner')
  }

  #start(role: Job['role'] = 'owner', machine = this.#machine): Job {
    const [follow, drain] = [this.#follow, new AbortController()]
    const ref = { loader: '', module: 'file:///simulated', input: [], follow }
    const watch = (event: RunEvent) => this.#see(job, event)
    const { replay = null } = this.#order
    const options = { dir: this.world.folder, workers: this.#case.workers, drain: drain.signal, watch, replay }
    const process = this.world.start(
      'run',
      async () => {
        await runPipeline(planOf(this.world, follow), ref, options)
      },
      machine,
    )
    const job: Job = { process, drain, follow, role, upset: this.upsets.current, begun: null, machine }
    this.#jobs.push(job)
    return job
  }

  #see(job: Job, event: RunEvent): void {
    if (event.kind === 'split-changed') this.upsets.hear(event.split)
    if (!('stage' in event) || event.stage !== 'annotate') return
    if (event.kind === 'stage-began') job.begun = readLoadNote(event)
    // A follower commits where it begins before it has met a file.
    if (event.kind === 'committed' && job.role === 'owner' && event.slot > 0) this.#loaded = readLoadNote(event)
  }

  #restart(pauseMs = 0): void {
    if (this.#isStarting || this.#isDone) return
    this.#isStarting = true
    if (++this.restarts > restartsMax)
      this.#fail('restarts', `the run was started ${restartsMax} times and has not ended`)
    this.#after(pauseMs + this.#random.spread(0.1, 100), () => {
      this.#isStarting = false
      this.#start()
    })
  }

  #startTrainer(): void {
    const { batch } = this.#case.pipeline.feed!
    this.#trainer = this.world.start('reader', () =>
      train(this.world, this.#random.fork(`trainer ${this.training.batches}`), batch, this.training),
    )
  }

  /** After each operation: whether what is published holds, and whether one that lost its run keeps its hands off. */
  #look(kind: OperationKind, path: string, process: SimulatedProcess): void {
    const job = this.#jobs.find(other => other.process === process)
    if (job?.role === 'zombie' && isForbidden(kind, path, this.world.folder))
      this.#fail('fence', `a process that lost its run has still done: ${kind} ${path}`)
    this.#watchman.look()
    if (this.#watchman.problems.length) this.#fail('published', this.#watchman.problems[0])
  }

  #ended(process: SimulatedProcess): void {
    const job = this.#jobs.find(other => other.process === process)
    if (job) this.#judge(job)
    else if (process === this.#trainer) this.#judgeTrainer(process)
  }

  #judgeTrainer({ ending }: SimulatedProcess): void {
    const { isDone, differences } = this.training
    if (differences.length) this.#fail('trainer', differences[0])
    if (ending?.error && !this.#isAhead(ending.error)) this.#fail('trainer', describe(ending.error))
    if (!isDone) this.#after(this.#random.spread(1, 100), () => this.#startTrainer())
  }

  /** A trainer may have seen a head that a power loss took back: it waits until the steps are there again. */
  #isAhead(error: unknown): boolean {
    return (this.world.counts.power ?? 0) > 0 && error instanceof HeadraceError && error.code === 'not-found'
  }

  #judge(job: Job): void {
    const { role, drain, follow } = job
    const { ending } = job.process
    const code = ending?.error instanceof HeadraceError ? ending.error.code : null
    const { EIO, ENOSPC, EDQUOT } = this.world.counts
    const mayFail = EIO || ENOSPC || EDQUOT
    if (role === 'owner' && this.upsets.accepts(code)) this.#restart()
    // The one before ran on another machine, where nobody here can see whether it is gone.
    else if (role === 'owner' && code === 'locked' && this.#machine > 0) this.#restart(rivalPauseMs)
    else if (ending?.error && code === 'disk' && mayFail) {
      if (role === 'owner') this.#restart()
    } else if (ending === null || (code === 'fenced' && this.world.counts.takeover)) {
      // A zombie that was stopped while it began an epoch may fence its successor, which is then started again.
      if (role === 'owner') this.#restart()
    } else if (role === 'refused') {
      if (code !== 'locked') this.#fail('lock', `a second process was not refused: ${describe(ending.error)}`)
    } else if (role === 'zombie') {
      // One that had committed all and published all has nothing left to be kept from.
      if (ending.error && code !== 'fenced' && !this.upsets.refusals.has(code))
        this.#fail('fence', `a process that lost its run was not fenced: ${describe(ending.error)}`)
    } else if (ending.error) this.#fail('error', describe(ending.error))
    // Whoever was told to read nothing more may not have looked.
    else if (drain.signal.aborted) this.#restart()
    else if (job.upset && job.upset === this.upsets.current && job.upset.mustRefuse(job.begun))
      this.#fail('input', `a start went on although its input was upset: ${job.upset.kind}`)
    else if (follow) this.#fail('follow', 'a follower ended by itself')
    else this.#isDone = true
  }

  #strike(fault: Fault, process: SimulatedProcess, path: string): boolean {
    const job = this.#jobs.find(other => other.process === process)
    if (fault.kind === 'rival') return job === this.#owner() && this.#meetRival(job!, fault.isMoved)
    if (fault.kind === 'stop') return job === this.#owner() && this.#stop(job!, fault, path)
    if (fault.kind === 'power') {
      this.world.losePower()
      this.#watchman.notePowerLoss()
    } else if (fault.kind === 'upset') {
      if (job !== this.#owner() || job!.follow !== (fault.what === 'rewritten')) return false
      // One that was struck may have begun anew, and takes the file as it finds it.
      if (fault.what === 'rewritten' && this.#isStruck()) return false
      if (!this.upsets.begin(fault.what, this.#loaded)) return false
      if (fault.what === 'rewritten' && !fault.isKilled) this.#awaitTold(job!)
      if (fault.isKilled) this.world.kill(process)
    } else if (fault.kind === 'drain') this.world.enter(process, () => job!.drain.abort())
    else this.world.kill(process)
    this.world.count(fault.kind as FaultKind)
    return true
  }

  /** Stops the owner. A second process must be refused; then the first goes on, or is taken the run from. */
  #stop(job: Job, fault: Fault & { kind: 'stop' }, path: string): boolean {
    const { process } = job
    // Only the log is fenced by its epochs: whatever else the process has begun would still be done.
    const { folder } = this.world
    const isIdle = (of: string) => isOfLog(of, folder) || of.startsWith(`${runFolder}/log/`)
    const isInLog = isOfLog(path, folder) && this.world.scheduler.of(process).every(event => isIdle(event.path))
    if (!this.#holdsLock(process) || (fault.takeover && !isInLog)) return false
    this.world.stop(process)
    this.world.count('stop')
    this.#after(1, () => {
      if (process.state !== 'stopped') return
      const second = this.#start('refused')
      this.#whenDead(second.process, () => this.#goOn(job, fault))
    })
    return true
  }

  /** The run's holder is busy for longer than one may be silent. A process that can't see it is refused as long as it is there. */
  #meetRival(job: Job, isMoved: boolean): boolean {
    const { process } = job
    if (!this.#holdsLock(process)) return false
    this.world.count('rival')
    if (isMoved) {
      this.#machine++
      this.world.kill(process)
      return true
    }
    this.world.stallMs = stallMs
    this.#after(0.8 * stallMs, () => {
      if (process.state === 'running' && this.#holdsLock(process)) this.#start('refused', job.machine + 1)
    })
    return true
  }

  /** Fails where a follower that has gone on all the time has not told that a file was written to. */
  #awaitTold({ process }: Job): void {
    const upset = this.upsets.current
    this.#after(0.7 * lookMs, () => {
      // Whoever is struck by something else besides is not judged by the clock.
      if (process.state === 'running' && !this.#isStruck() && this.upsets.current === upset)
        this.#fail('told', 'a follower has not told that a file was written to')
    })
  }

  #isStruck(): boolean {
    return struck.some(kind => (this.world.counts[kind] ?? 0) > 0)
  }

  #holdsLock(process: SimulatedProcess): boolean {
    const { pid, startedTicks } = process
    return (
      this.world.disk
        .find(`${this.world.folder}/lock`)
        ?.content.includes(`"pid":${pid},"started":"${startedTicks}"`) === true
    )
  }

  #goOn(job: Job, { takeover, wakeMs }: Fault & { kind: 'stop' }): void {
    const { process } = job
    if (process.state !== 'stopped') return
    if (takeover) {
      job.role = 'zombie'
      this.world.count('takeover')
      this.world.disk.unlink(`${this.world.folder}/lock`)
      this.#start()
    }
    this.#after(wakeMs, () => this.world.wake(process))
  }

  #whenDead(process: SimulatedProcess, run: () => void): void {
    if (process.state === 'dead') run()
    else this.#after(1, () => this.#whenDead(process, run))
  }
}

/** What a process may be at when its run is taken from it: its log, its input, its workers, its clock. */
function isOfLog(path: string, folder: string): boolean {
  return path === '' || path.startsWith('/sim/in/') || path.startsWith(`${folder}/log/`)
}

/** What a process that lost its run must not do. The tables' file is a cache that is checked when it is read. */
function isForbidden(kind: OperationKind, path: string, folder: string): boolean {
  const isCache = path.startsWith(`${folder}/state/`) || path === `${folder}/lock`
  const isHarmless = kind === 'sync' || kind === 'mkdir' || isCache
  return isChange(kind) && !isHarmless && path.startsWith(folder) && !isOfLog(path, folder)
}

function describe(error: unknown): string {
  if (error === null) return 'it ended well'
  if (!(error instanceof Error)) return String(error)
  return error instanceof HeadraceError ? `${error.code}: ${error.message}` : (error.stack ?? error.message)
}
