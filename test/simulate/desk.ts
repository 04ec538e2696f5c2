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
interface Trainer {
  readonly training: Training
  readonly batch: number
  process: SimulatedProcess
  /** What it ended by and no fault explains. */
  error: unknown
}

/** How often a command is given. */
const triesMax = 60
/** How soon a trainer that was struck begins again. */
const pauseMs = 20
const silent: Terminal = { out: { write: () => true }, err: { write: () => true } }

/**
 * Whoever gives commands at runs that are over, under faults: a command that was struck is given again, as it was, until it is done.
 * Trainers read meanwhile.
 */
export class Desk {
  readonly world: World
  restarts = 0
  readonly #random: Random
  #trainers: Trainer[] = []

  constructor(random: Random, faults: readonly Fault[], before: World) {
    this.#random = random
    this.world = new World(random.fork('world'), faults, { before })
    this.world.strike = (fault, process) => this.#strike(fault, process)
    this.world.ended = process => this.#ended(process)
  }

  /** Throws a SimulationFailure for what no fault explains. `refusal`: what the command must say, where it is to be refused. */
  async give(command: Command, argv: readonly string[], refusal: RegExp | null = null): Promise<void> {
    const words = `headrace ${command.name} ${argv.join(' ')}`
    for (let tries = 0; tries < triesMax; tries++, this.restarts++) {
      const process = this.world.start('run', async () => {
        await command.run(parseCommand(command, argv), silent)
      })
      await this.world.scheduler.runUntil(() => process.state === 'dead')
      const error = process.ending?.error
      if (refusal && error instanceof HeadraceError && refusal.test(error.message)) return this.#losePowerMaybe()
      if (refusal && error === null)
        throw new SimulationFailure('command', `${words} was not refused, as it must be: ${refusal}`)
      if (error === null) return this.#losePowerMaybe()
      if (process.ending !== null && !this.#isStruck(process.ending.error))
        throw new SimulationFailure('command', `${words}: ${process.ending.error}`)
    }
    throw new SimulationFailure('command', `${words} was given ${triesMax} times and is not done`)
  }

  /** What a command has done lasts when it ends. */
  #losePowerMaybe(): void {
    if (!this.world.faults.some(({ kind }) => kind === 'power') || !this.#random.chance(0.5)) return
    this.world.losePower()
    this.world.count('power')
  }

  /** A trainer begins to read a feed that may not be there yet. */
  startTrainer(feed: string, from: FeedState | null, batch: number): Training {
    const training = newTraining(feed, from)
    this.#trainers.push({ training, batch, process: this.#train(training, batch), error: null })
    return training
  }

  /** All trainers come to the end of their feeds. Throws a SimulationFailure where one does not. */
  async awaitTrainers(): Promise<void> {
    const isOver = ({ training, error }: Trainer) => training.isDone || error !== null
    await this.world.scheduler.runUntil(() => this.#trainers.every(isOver))
    for (const { training, error } of this.#trainers) {
      if (error) throw new SimulationFailure('trainer', String(error))
      if (training.differences.length) throw new SimulationFailure('trainer', training.differences[0])
    }
    this.#trainers = []
  }

  /** Runs code of an observer, which meets no faults, and returns what it gives. */
  async observe<T>(code: () => Promise<T>): Promise<T> {
    return this.world.runObserver(code)
  }

  #train(training: Training, batch: number): SimulatedProcess {
    const random = this.#random.fork(`trainer ${training.feed} ${training.batches}`)
    return this.world.start('reader', () => train(this.world, random, batch, training))
  }

  #ended(process: SimulatedProcess): void {
    const trainer = this.#trainers.find(one => one.process === process)
    if (!trainer || trainer.training.isDone) return
    const error = process.ending?.error ?? null
    if (error && !this.#isAhead(error)) {
      trainer.error = error
      return
    }
    const { scheduler } = this.world
    const run = () => {
      trainer.process = this.#train(trainer.training, trainer.batch)
    }
    scheduler.add({ atMs: scheduler.nowMs + pauseMs, process: null, label: 'world', path: '', run })
  }

  /** A power failure may take back a head that a trainer has seen: the steps will be there again. */
  #isAhead(error: unknown): boolean {
    return (this.world.counts.power ?? 0) > 0 && error instanceof HeadraceError && error.code === 'not-found'
  }

  #strike(fault: Fault, process: SimulatedProcess): boolean {
    if (fault.kind === 'power') this.world.losePower()
    else this.world.kill(process)
    this.world.count(fault.kind as FaultKind)
    return true
  }

  #isStruck(error: unknown): boolean {
    const { EIO, ENOSPC } = this.world.counts
    return error instanceof HeadraceError && error.code === 'disk' && Boolean(EIO || ENOSPC)
  }
}
