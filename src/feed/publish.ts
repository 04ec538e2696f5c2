import { join, relative, resolve, sep } from 'node:path'
import { canonicalJson } from '../canonical-json.ts'
import { makeFolder, type OnEffect } from '../disk/durable-file.ts'
import { writeJson } from '../disk/json-file.ts'
import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'
import type { ManifestEntry } from '../shards/manifest.ts'
import { readControls } from './files/control-file.ts'
import { BlockCutter } from './files/cut-block.ts'
import { endOf, type FeedIdentity, feedId, type Head, readLastingHead, rootOf, writeHead } from './files/head.ts'
import { LedgerWriter } from './files/ledger.ts'
import { type FeedOptions, resolveFeedOptions } from './options.ts'
import type { BlockSpec, CutSamples } from './plan/blocks.ts'
import { type ControlEntry, checkControl, checkFitting } from './plan/control.ts'
import { Planner } from './plan/planner.ts'

export { readControls }

/** The run that a feed is made of. */
export interface FeedOrigin {
  readonly run: string
  /** The shards folder. */
  readonly shards: string
  /** What the tokenizer is, as JSON. */
  readonly tokenizer: unknown
  /** The id that fills short samples. Their labels are masked. Default: none, and 0 fills them. */
  readonly endOfText?: number | null
  readonly fingerprint: string
  /** Steps in one file of the ledger. Default 4096. */
  readonly segmentSteps?: number
  /** The form of the ledger's lines. A run that was begun before there was form 2 publishes form 1, also where its feed is made anew. */
  readonly ledger?: 1 | 2
  /** See `FeedIdentity`. Default 0. */
  readonly blockSlotsMin?: number
  readonly onEffect?: OnEffect
}

/** Steps planned before they are published: bounds memory, and how long a trainer waits for the first of many. */
const publishStepsMax = 1024

/**
 * Opens a feed folder to publish steps, a new one or one that a stopped process left. The manifest is then given again from its first
 * entry: steps that were published are planned again and compared, and the new ones follow. Whatever the crashes between, the folder
 * comes out the same byte for byte. One process at a time; the caller's lock on the run sees to it.
 */
export async function openFeed(dir: string, options: FeedOptions, origin: FeedOrigin): Promise<FeedPublisher> {
  await makeFolder(dir)
  const known = await readLastingHead(dir)
  const identity = identityOf(options, origin)
  if (known && known.feed !== feedId(identity)) throw refuseOther(dir, known, identity)
  const controls = await readControls(dir)
  const start = { ...startOf(dir, identity, origin), version: versionOf(identity, controls) }
  return new FeedPublisher(dir, origin.shards, known ?? start, controls, origin.onEffect)
}

/** See `FeedIdentity.version`. */
function versionOf(identity: FeedIdentity, controls: readonly ControlEntry[]): FeedIdentity['version'] {
  if (controls.some(({ length }) => length !== undefined)) return 5
  return identity.version === 1 && controls.some(({ takeDown }) => takeDown) ? 2 : identity.version
}

/** Begins a feed without a step, whose control entries say what it is planned from: `reopenFeed` goes on with it. */
export async function beginFeed(dir: string, options: FeedOptions, origin: FeedOrigin): Promise<void> {
  await writeHead(dir, startOf(dir, identityOf(options, origin), origin), origin.onEffect)
}

/** The id that a feed of these options has. */
export const feedIdOf = (options: FeedOptions, origin: FeedOrigin): string => feedId(identityOf(options, origin))

function startOf(dir: string, identity: FeedIdentity, origin: FeedOrigin): Head {
  const feed = feedId(identity)
  const shards = relative(dir, origin.shards).split(sep).join('/')
  return { ...identity, feed, shards, steps: 0, digest: feed, ended: false, leftover: {} }
}

/**
 * Opens a feed that there is, to go on with it as it is: `openFeed` for who has not the pipeline that began it. Throws `not-found` where
 * there is none.
 */
export async function reopenFeed(dir: string, onEffect?: OnEffect): Promise<FeedPublisher> {
  const head = await readLastingHead(dir)
  if (!head) throw new HeadraceError('not-found', `there is no feed in ${dir}, or no step of it yet`)
  return new FeedPublisher(dir, resolve(dir, head.shards), head, await readControls(dir), onEffect)
}

function identityOf(options: FeedOptions, origin: FeedOrigin): FeedIdentity {
  const { run, segmentSteps = limits.ledgerSegmentSteps, tokenizer, endOfText = null, fingerprint } = origin
  const { ledger = 2, blockSlotsMin = 0 } = origin
  const settings = resolveFeedOptions('a feed', options)
  if (ledger === 1) {
    // A feed that was begun before knows neither freshness nor the stop of a mixture that is not asked for.
    const { freshness, dry, ...known } = settings
    const unknown = (['align', 'cutTargets', 'replay'] as const).find(name => known[name] !== undefined)
    if (unknown)
      throw new HeadraceError(
        'bad-option',
        `a feed's '${unknown}' ${JSON.stringify(known[unknown])}: this feed was begun before there was one; leave it out`,
      )
    if (freshness !== null)
      throw new HeadraceError(
        'bad-option',
        `a feed's 'freshness' ${freshness}: this feed was begun before there was one; leave it out`,
      )
    return { version: 1, run, ...known, dry: dry ?? 'renormalise', segmentSteps, tokenizer, endOfText, fingerprint }
  }
  const { mixture, freshness } = settings
  const dry = settings.dry ?? (mixture ? 'stop' : 'renormalise')
  const isMixed = mixture === null && freshness === null && blockSlotsMin > 0
  const form = { ledger, snapshotSteps: limits.snapshotSteps, ...(isMixed && { blockSlotsMin }) }
  // What a reader of version 3 would lay out otherwise.
  const version = settings.align || settings.cutTargets ? 4 : 3
  return { version, run, ...settings, dry, segmentSteps, ...form, tokenizer, endOfText, fingerprint }
}

function refuseOther(dir: string, known: Head, identity: FeedIdentity): HeadraceError {
  const names = Object.keys(identity) as (keyof FeedIdentity)[]
  const list = names
    .filter(name => name !== 'version' && canonicalJson(known[name]) !== canonicalJson(identity[name]))
    .map(name => `${name} was ${JSON.stringify(known[name])} and is ${JSON.stringify(identity[name])}`)
  return new HeadraceError(
    'bad-pipeline',
    `the feed in ${dir} was begun otherwise: ${list.join('; ')}; change a mixture or batch by a control entry, or begin another feed`,
  )
}

/**
 * Plans and publishes. What lasts when: a block's file before any step that names it, ledger lines before the head that counts them,
 * and the head last, renamed into place. So a reader never sees a step that the death of this process could take back. A power failure
 * may take back a head that was not synced yet; the same steps come again.
 */
export class FeedPublisher implements AsyncDisposable {
  readonly #dir: string
  readonly #blocks: BlockCutter
  readonly #planner: Planner
  readonly #ledger: LedgerWriter
  readonly #onEffect: OnEffect | undefined
  #head: Head
  #tokenizer: string | null = null
  /** Whether the manifest has ended. */
  #isWhole = false

  constructor(dir: string, shards: string, head: Head, controls: readonly ControlEntry[], onEffect?: OnEffect) {
    this.#dir = dir
    this.#blocks = new BlockCutter(dir, shards, onEffect)
    this.#head = head
    this.#onEffect = onEffect
    this.#planner = new Planner({ ...head, feed: rootOf(head) }, spec => this.#cutBlock(spec), dir)
    this.#ledger = new LedgerWriter(dir, head.segmentSteps, head.steps, onEffect)
    for (const entry of controls) this.#planner.control(entry)
  }

  get head(): Head {
    return this.#head
  }

  /** Gives the next manifest entry and publishes the steps that it makes possible. Returns how many steps are published. */
  async addManifest(entry: ManifestEntry): Promise<number> {
    this.#tokenizer ??= entry.tokenizer
    if (entry.tokenizer !== this.#tokenizer)
      throw new HeadraceError(
        'bad-pipeline',
        `shard ${entry.path} has tokens of ${entry.tokenizer} in a feed of ${this.#tokenizer}; begin another feed`,
      )
    this.#planner.add(entry)
    return this.#publish()
  }

  /** Publishes what a control entry that came since has made possible. Returns how many steps are published. */
  planOn(): Promise<number> {
    return this.#publish()
  }

  /** Whether the feed goes on with another run's shards, so that nothing that its own run still gives is in it. */
  get isPromoted(): boolean {
    return this.#planner.isPromoted
  }

  /** The first step that such an entry may name. */
  nextFor(entry: ControlEntry): number {
    return Math.max(this.#planner.nextFor(entry), this.#head.steps)
  }

  /**
   * Says that the manifest has ended and publishes what is left; the head then counts what no step holds. `stepsMax`: goes no further than
   * so many steps, and the feed has not ended with the last of them.
   */
  async end(stepsMax = Number.POSITIVE_INFINITY): Promise<number> {
    this.#planner.end()
    this.#isWhole = true
    await this.#publish(stepsMax)
    if (this.#planner.steps < stepsMax) await this.#endHead()
    await this[Symbol.asyncDispose]()
    return this.#head.steps
  }

  /** Records a change of mixture, batch, length or budget, or of the runs, from a step on that is not planned yet. It lasts when this returns. */
  async control(entry: ControlEntry): Promise<void> {
    checkControl(entry, this.nextFor(entry))
    checkFitting(this.#head, entry)
    const entries = [...(await readControls(this.#dir)), entry]
    const head = { ...this.#head, version: versionOf(this.#head, entries) }
    // Before the entry: readers that know of one length alone are kept away.
    if (head.version !== this.#head.version) await writeHead(this.#dir, head, this.#onEffect)
    this.#head = head
    await writeJson(join(this.#dir, 'control.json'), entries, this.#onEffect)
    this.#planner.control(entry)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ledger[Symbol.asyncDispose]()
  }

  async #publish(stepsMax = Number.POSITIVE_INFINITY): Promise<number> {
    for (;;) {
      let digest = ''
      let planned = 0
      for (; planned < publishStepsMax && this.#planner.steps < stepsMax; planned++) {
        const next = await this.#planner.nextStep()
        if (!next) break
        await this.#ledger.add(next.line)
        digest = next.step.digest
      }
      const { steps } = this.#planner
      if (planned > 0 && steps > this.#head.steps) {
        await this.#blocks.makeFoundLast()
        await this.#ledger.sync()
        await this.#writeHead({ steps, digest, ...this.#counted() })
      }
      if (planned === publishStepsMax) continue
      if (this.#planner.isSpent && !this.#isWhole) await this.#endHead()
      return this.#head.steps
    }
  }

  /** What the feed ended by, and what is left over, change with control entries, also where no step follows them. */
  async #endHead(): Promise<void> {
    const end = { ...(await endOf(this.#planner, this.#isWhole)), ...this.#counted() }
    const { ended, endedBy, leftover, offMixture, replayed } = this.#head
    const counted = { ...(offMixture && { offMixture }), ...(replayed && { replayed }) }
    const said = { ended, ...(endedBy && { endedBy }), leftover, ...counted }
    if (canonicalJson(said) !== canonicalJson(end)) await this.#writeHead(end)
  }

  async #writeHead(change: Partial<Head>): Promise<void> {
    // A feed that had ended goes on where it is promoted or changed.
    const before: { -readonly [Name in keyof Head]: Head[Name] } = { ...this.#head, ended: false, leftover: {} }
    delete before.endedBy
    const head = { ...before, ...change }
    await writeHead(this.#dir, head, this.#onEffect)
    this.#head = head
  }

  /** What is off the mixture, and drawn again. Of a feed that was begun before heads said it, nothing. */
  #counted(): Pick<Head, 'offMixture' | 'replayed'> {
    if (!this.#head.ledger) return {}
    const { offMixture, replayed } = this.#planner
    return { ...(offMixture && { offMixture }), ...(Object.keys(replayed).length > 0 && { replayed }) }
  }

  #cutBlock(spec: BlockSpec): Promise<CutSamples> {
    return this.#blocks.cut(spec, this.#head, this.#planner.steps < this.#head.steps)
  }
}
