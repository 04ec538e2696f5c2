import { forkCommand } from '../../src/cli/fork.ts'
import { promoteCommand } from '../../src/cli/promote.ts'
import { takeDownCommand } from '../../src/cli/take-down.ts'
import { Random } from '../random.ts'
import type { FeedChanges, PromotionWish, TakeDownWish } from './afterwards.ts'
import { checkFeed, checkSame, checkSound, checkTrained, snapshotOf } from './check-feed.ts'
import { oracleLimits } from './checks.ts'
import type { Desk } from './desk.ts'
import { planFeedOf } from './oracle.ts'
import { readBlockHashes } from './oracle-actual.ts'
import { clusterOf } from './oracle-copies.ts'
import type { Control, ExpectedFeed } from './oracle-steps.ts'
import { buildPipeline } from './pipelines.ts'
import type { Over, Replayed } from './replay.ts'
import type { Training } from './trainer.ts'
import { runFolder } from './world.ts'

const ownFeed = `${runFolder}/feed`
const forkFolder = `${runFolder}/forks/apart`
const namesPath = '/sim/ids.txt'

/** Changes the feed of a run that is over, by the commands that a person gives, and holds it against the oracle after each. */
export class FeedChange {
  readonly #over: Over
  readonly #replayed: Replayed
  readonly #desk: Desk
  readonly #random: Random
  #dir = ownFeed
  #controls: Control[] = []
  #feed: ExpectedFeed

  constructor(over: Over, replayed: Replayed, desk: Desk) {
    this.#over = over
    this.#replayed = replayed
    this.#desk = desk
    this.#random = new Random(over.simulated.seed).fork('feed change')
    this.#feed = over.found.expected.feed!
  }

  /** Of a feed with a step. Returns how many steps there are in the end. */
  async make({ fork, promotion, takeDowns }: FeedChanges): Promise<number> {
    const isPromoted = promotion !== null && this.#mayPromote()
    if (fork) await this.#fork(fork, isPromoted)
    if (isPromoted) await this.#promote(promotion)
    for (const wish of takeDowns) await this.#takeDown(wish)
    await checkSound(this.#desk)
    return this.#feed.steps.length
  }

  /** A feed goes on with a run over the same slots, whose tokens, samples and steps are as its own. */
  #mayPromote(): boolean {
    if (!this.#replayed?.isWhole) return false
    const [mine, next] = [this.#over, this.#replayed].map(({ simulated }) => simulated.pipeline)
    const isOfSize = !next.feed || (next.feed.length === mine.feed!.length && next.feed.batch === mine.feed!.batch)
    return next.isTokenized && next.edits.tokenizer === mine.edits.tokenizer && isOfSize
  }

  async #fork({ at: share, skip: shares }: NonNullable<FeedChanges['fork']>, isBare: boolean): Promise<void> {
    const steps = this.#feed.steps.length
    const at = Math.floor(share * steps)
    const place = (of: number) => at + Math.floor(of * (steps - at))
    const [first, last] = (shares ?? []).map(place).sort((a, b) => a - b)
    const skip = shares && at < steps ? ([first, last] as const) : null
    const before = snapshotOf(this.#desk, ownFeed)
    const trained = this.#startTrainer(forkFolder, this.#random.between(0, at))
    this.#dir = forkFolder
    await this.#desk.give(forkCommand, [
      ...['--dir', '/sim', '--run', 'run', '--name', 'apart', '--at', `${at}`],
      ...(skip ? ['--skip', skip.join('-')] : []),
      ...(isBare ? ['--bare'] : []),
    ])
    this.#desk.world.count('fork')
    this.#controls.push({ step: at, fork: { skip } })
    if (isBare) {
      this.#trained = trained
      return
    }
    await this.#check()
    await this.#checkTrained(trained)
    checkSame(before, snapshotOf(this.#desk, ownFeed))
  }

  /** Who has begun to read a fork that is to be promoted. */
  #trained: { training: Training; from: number } | null = null

  async #promote({ isBackfilled, weight, isUndone }: PromotionWish): Promise<void> {
    const { shards, fates } = this.#replayed!.found.expected
    const known = [this.#over.found.expected.fates]
    const domains = [...new Set(shards.map(({ domain }) => domain))].filter(() => this.#random.chance(0.6))
    const backfill = Object.fromEntries(isBackfilled ? domains.map(domain => [domain, `${domain} again`]) : [])
    const { mixture } = this.#over.simulated.pipeline.feed!
    const weights = Object.fromEntries(mixture ? Object.values(backfill).map(name => [name, weight]) : [])
    const isWeighed = Object.keys(weights).length > 0
    await this.#give('replay', [
      ...Object.entries(backfill).map(([domain, name]) => `--backfill=${domain}=${name}`),
      ...Object.entries(weights).map(([name, of]) => `--weight=${name}=${of}`),
    ])
    const change = isWeighed ? { mixture: { ...mixture, ...weights } } : {}
    this.#controls.push({ step: this.#firstNew(), ...change, promote: { shards, fates, known, backfill } })
    await this.#check()
    await this.#checkTrained(this.#trained ?? this.#startTrainer(this.#dir, this.#random.between(0, this.#firstNew())))
    if (isUndone) await this.#undo()
  }

  /** Back to the run's own shards. */
  async #undo(): Promise<void> {
    const { shards, fates } = this.#over.found.expected
    const known = [fates, this.#replayed!.found.expected.fates]
    const step = this.#feed.steps.length
    await this.#give('run', [])
    this.#controls.push({ step, promote: { shards, fates, known, backfill: {} } })
    await this.#check()
  }

  /** The first step that is not published when the feed is promoted. */
  #firstNew(): number {
    return this.#controls[0]?.step ?? this.#over.found.expected.feed!.steps.length
  }

  async #give(next: string, more: readonly string[]): Promise<void> {
    const feed = this.#dir === ownFeed ? [] : ['--feed', this.#dir]
    await this.#desk.give(promoteCommand, ['--dir', '/sim', ...feed, ...more, 'run', next])
    this.#desk.world.count('promotion')
  }

  async #takeDown({ at, documents, blank }: TakeDownWish): Promise<void> {
    const { fates } = this.#over.found.expected
    const named = fates.filter(({ fate, id }) => fate !== 'dead' && /^[\w#./-]+$/.test(id))
    const published = this.#feed.steps.length
    if (named.length === 0 || published === 0) return
    const ids = new Set(documents.map(share => named[Math.floor(share * named.length)].id))
    const step = Math.floor(at * published)
    this.#desk.world.disk.place(namesPath, Buffer.from([...ids].map(id => `${id}\n`).join('')))
    await this.#desk.give(takeDownCommand, [
      ...['--dir', '/sim', '--run', 'run', '--ids', namesPath, '--feed', this.#dir],
      ...['--at', `${step}`, '--unread', ...(blank ? ['--blank'] : [])],
    ])
    this.#desk.world.count('take-down')
    const isPromoted = this.#controls.some(({ promote }) => promote)
    const rows = clusterOf(fates, ids, isPromoted ? this.#replayed!.found.expected.fates : [])
    if (!this.#isHeld(rows, step, blank)) this.#controls.push({ step, takeDown: { published, blank, rows } })
    await this.#check()
    await this.#checkTrained(this.#startTrainer(this.#dir, this.#random.between(0, step)))
  }

  /** Whether all of it is taken down by then already. */
  #isHeld(rows: ReadonlySet<string>, step: number, blank: boolean): boolean {
    const earlier = this.#controls.filter(one => one.takeDown && one.step <= step && (one.takeDown.blank || !blank))
    return [...rows].every(row => earlier.some(({ takeDown }) => takeDown!.rows.has(row)))
  }

  async #check(): Promise<void> {
    const { simulated, found } = this.#over
    const pipeline = buildPipeline(simulated.pipeline, false)
    const hashOf = await this.#desk.observe(() => readBlockHashes(this.#dir))
    const changes = { controls: this.#controls, hashOf }
    this.#feed = planFeedOf(pipeline, found.expected.shards, true, oracleLimits(), changes)
    await checkFeed(this.#desk, this.#dir, this.#feed)
  }

  /** A trainer goes on from a step of the run's own feed, as that was when it had planned this step. */
  #startTrainer(feed: string, from: number): { training: Training; from: number } {
    const { feed: id, steps } = from > (this.#controls[0]?.step ?? from) ? this.#feed : this.#over.found.expected.feed!
    const state = from === 0 ? null : { feed: id, step: from, digest: steps[from - 1].digest }
    return { training: this.#desk.startTrainer(feed, state, this.#over.simulated.pipeline.feed!.batch), from }
  }

  async #checkTrained({ training, from }: { training: Training; from: number }): Promise<void> {
    await this.#desk.awaitTrainers()
    await checkTrained(this.#desk, training, from)
  }
}
