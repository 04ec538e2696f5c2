import { type Command, parseCommand, type Terminal } from '../../src/cli/command.ts'
import { HeadraceError } from '../../src/errors.ts'
import type { FeedState } from '../../src/feed/read.ts'
import type { Random } from '../random.ts'
import type { Fault, FaultKind } from './faults.ts'
import { SimulationFailure } from './machine.ts'
import type { SimulatedProcess } from './process.ts'
import { newTraining, type Training, train } from './trainer.ts'
import { World } from './world.ts'

/** A trainer that reads a feed, whoever is at it, and begins again when it was struck. */
interface Trainee {
  readonly training: Training
  process: SimulatedProcess
}

/** How often a command is given again. */
const triesMax = 60
/** How many steps a batch is cut into at most by ranks. */
const noOutput: Terminal = { out: { write: () => true }, err: { write: () => true } }

/**
 * Whoever gives commands at runs that are over, under faults: a command that was struck is given again, as it was, until it is done.
 * Trainers read meanwhile.
 */
export class Desk {
  readonly world: World
  restarts = 0
  readonly #random: Random
  readonly #trainees: Trainee[] = []

  constructor(random: Random, faults: readonly Fault[], before: World) {
    this.#random = random
    this.world = new World(random.fork('world'), faults, { before })
    this.world.strike = (fault, process) => this.#strike(fault, process)
    this.world.ended = process => this.#restartTrainer(process)
  }

  /** Throws a SimulationFailure for what no fault explains. */
  async give(command: Command, argv: readonly string[]): Promise<void> {
    for (let tries = 0; tries < triesMax; tries++, this.restarts++) {
      const process = this.world.start('run', async () => {
        await command.run(parseCommand(command, argv), noOutput)
      })
      await this.world.scheduler.runUntil(() => process.state === 'dead')
      if (process.ending?.error === null) return
      if (process.ending !== null && !this.#isStruck(process.ending.error))
        throw new SimulationFailure('command', `headrace ${command.name} ${argv.join(' ')}: ${process.ending.error}`)
    }
    throw new SimulationFailure('command', `headrace ${command.name} was given ${triesMax} times and is not done`)
  }

  /** A trainer begins to read a feed that may not be there yet. */
  startTrainer(feed: string, from: FeedState | null, batch: number): Training {
    const training = newTraining(feed, from)
    this.#trainees.push({ training, process: this.#train(training, batch) })
    this.#batches.set(training, batch)
    return training
  }

  /** All trainers have come to the end of their feeds. */
  async awaitTrainers(): Promise<void> {
    await this.world.scheduler.runUntil(() => this.#trainees.every(({ training }) => training.isDone))
    this.#trainees.length = 0
  }

  /** Runs code of an observer, which meets no faults, and returns what it gives. */
  async observe<T>(code: () => Promise<T>): Promise<T> {
    let result: { value: T } | null = null
    const process = this.world.start('observer', async () => {
      result = { value: await code() }
    })
    await this.world.scheduler.runUntil(() => process.ending !== null)
    if (process.ending!.error) throw process.ending!.error
    return result!.value
  }

  readonly #batches = new Map<Training, number>()

  #train(training: Training, batch: number): SimulatedProcess {
    const random = this.#random.fork(`trainer ${training.feed} ${training.batches}`)
    return this.world.start('reader', () => train(this.world, random, batch, training))
  }

  #restartTrainer(process: SimulatedProcess): void {
    const trainee = this.#trainees.find(one => one.process === process)
    if (!trainee || trainee.training.isDone) return
    const again = () => {
      trainee.process = this.#train(trainee.training, this.#batches.get(trainee.training)!)
    }
    const { scheduler } = this.world
    scheduler.add({ atMs: scheduler.nowMs + 20, process: null, label: 'world', path: '', run: again })
  }

  #strike(fault: Fault, process: SimulatedProcess): boolean {
    if (fault.kind === 'power') this.world.losePower()
    else this.world.kill(process)
    this.world.count(fault.kind as FaultKind)
    return true
  }

  #isStruck(error: unknown): boolean {
    const { EIO, ENOSPC, EDQUOT } = this.world.counts
    return error instanceof HeadraceError && error.code === 'disk' && Boolean(EIO || ENOSPC || EDQUOT)
  }
}
