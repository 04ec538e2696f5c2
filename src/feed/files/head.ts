import { hash } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { canonicalJson } from '../../canonical-json.ts'
import { type OnEffect, syncFolder } from '../../disk/durable-file.ts'
import { readText } from '../../disk/files.ts'
import { writeJson } from '../../disk/json-file.ts'
import { HeadraceError } from '../../errors.ts'
import type { FeedSettings } from '../options.ts'
import { type ForkPoint, isForkPoint } from '../plan/fork.ts'
import type { Planner } from '../plan/planner.ts'
import type { OffMixture, Total } from './steps.ts'
import { readTrim, trimmedStep } from './trim-file.ts'

/** What a feed is: fixed when it begins. Its hash is the feed's id. */
export interface FeedIdentity extends FeedSettings {
  /**
   * 3 of a ledger of form 2; 4 of one whose samples a reader of version 3 would lay out otherwise; 5 where their length changes. Of a ledger before: 2 where a reader of version 1 would read it wrongly, a fork or one with documents taken down.
   * The id is that of version 1.
   */
  readonly version: 1 | 2 | 3 | 4 | 5
  readonly run: string
  /** Steps in one file of the ledger. */
  readonly segmentSteps: number
  /** The form of the ledger's lines, which all feeds have that are begun now: see `LineForm`. */
  readonly ledger?: 2
  readonly snapshotSteps?: number
  /**
   * Slots that a block holds at least where there is neither a mixture nor a freshness, twice those after which a shard is sealed: so that it
   * has what came of every domain at its time, however small `blockTokens` is. Absent in a feed that was begun before.
   */
  readonly blockSlotsMin?: number
  readonly tokenizer: unknown
  /** Fills a sample that is short; null where the tokenizer names no such token, and then 0 fills it. */
  readonly endOfText: number | null
  readonly fingerprint: string
  /** Of a fork: where it parted from another feed, and before that this one from its own, the oldest first. */
  readonly forks?: readonly ForkPoint[]
}

/** `head.json`: what a feed is and how far it is published. */
export interface Head extends FeedIdentity {
  readonly feed: string
  /** The shards folder, from the feed folder. */
  readonly shards: string
  readonly steps: number
  /** The last step's digest; before the first step, the feed's id. */
  readonly digest: string
  /** No step will follow. */
  readonly ended: boolean
  /** Only where a budget ended the feed, and not its shards: it goes on once that is raised. */
  readonly endedBy?: 'budget'
  /** Where the mixture could not be kept: the first step that is off it, and the tokens of all such steps. */
  readonly offMixture?: OffMixture
  /** What of all steps was drawn again, by domain; absent where nothing was. */
  readonly replayed?: Readonly<Record<string, Total>>
  /** What no step holds, by domain, once ended; where a budget ended the feed, once its shards are all there, too. */
  readonly leftover: Readonly<Record<string, Total>>
}

export function feedId(identity: FeedIdentity): string {
  // A take-down or a change of length raises the version of the same feed.
  return hash('sha256', canonicalJson({ ...identity, version: 1 }))
}

/** The id that step 0 names as its predecessor: a fork's is that of the feed that it goes back to. */
export function rootOf({ feed, forks = [] }: Pick<Head, 'feed' | 'forks'>): string {
  return forks[0]?.feed ?? feed
}

/** Up to which step the feed `id` is this one; -1 where it never was. */
export function sharedSteps({ feed, forks = [] }: Head, id: string): number {
  if (id === feed) return Number.POSITIVE_INFINITY
  const first = forks.findIndex(fork => fork.feed === id)
  return first < 0 ? -1 : Math.min(...forks.slice(first).map(({ step }) => step))
}

/** Those that there are. */
export const headVersions: readonly number[] = [1, 2, 3, 4, 5]

export async function readHead(dir: string): Promise<Head | null> {
  const path = join(dir, 'head.json')
  const text = await readText(path)
  if (text === null) return null
  try {
    const head = JSON.parse(text) as Head
    if (headVersions.includes(head?.version)) return checkHead(head)
  } catch (error) {
    throw new HeadraceError('corrupt', `${path} is damaged: ${(error as Error).message}`, error)
  }
  throw new HeadraceError('corrupt', `${path} is of another version than 1 to 5; use the Headrace that wrote it`)
}

/**
 * The head for who goes on with the feed: who wrote it may have been stopped before it lasted, and what it says is not written again. Throws
 * `corrupt` where more was let go than it counts.
 */
export async function readLastingHead(dir: string): Promise<Head | null> {
  const head = await readHead(dir)
  if (head) await syncFolder(dir)
  const trimmed = trimmedStep(await readTrim(dir))
  if (trimmed <= (head?.steps ?? 0)) return head
  // Blocks were let go that steps would be planned from which are not published.
  throw new HeadraceError(
    'corrupt',
    `the feed in ${dir} has ${head?.steps ?? 0} steps, and trimmed.json there says that those before ${trimmed} were let go: restore both from one copy`,
  )
}

/** What a head says beside what the feed is. */
const besides: ReadonlySet<string> = new Set([
  'feed',
  'shards',
  'steps',
  'digest',
  'ended',
  'endedBy',
  'leftover',
  'offMixture',
  'replayed',
])

/** What a head says that the feed is. */
export function identityOf(head: Head): FeedIdentity {
  return Object.fromEntries(Object.entries(head).filter(([name]) => !besides.has(name))) as unknown as FeedIdentity
}

/** Throws unless the feed's id is its hash and the rest is of its types: the steps themselves prove the rest. */
function checkHead(head: Head): Head {
  const { feed, shards, steps, digest, ended, leftover } = head
  if (feedId(identityOf(head)) !== feed) throw new TypeError("the feed's id is not the hash of what it says")
  const isCounted = Number.isSafeInteger(steps) && steps >= 0
  if (!isCounted || [shards, digest].some(text => typeof text !== 'string') || typeof ended !== 'boolean')
    throw new TypeError('it does not say how far the feed is published')
  if (head.endedBy !== undefined && head.endedBy !== 'budget')
    throw new TypeError(`it ended by ${JSON.stringify(head.endedBy)}, which this Headrace does not know`)
  if (head.ledger !== undefined && head.ledger !== 2)
    throw new TypeError(`its ledger is of form ${JSON.stringify(head.ledger)}, which this Headrace does not know`)
  if (leftover === null || typeof leftover !== 'object') throw new TypeError('it does not say what no step holds')
  if (head.forks !== undefined && !(Array.isArray(head.forks) && head.forks.every(isForkPoint)))
    throw new TypeError('it does not say where it parted from another feed')
  return head
}

/**
 * What a head says of a feed's end, once its planner gives no further step. `isWhole`: all shards are there. Before that only a budget ends a
 * feed, and what it leaves is still growing.
 */
export async function endOf(planner: Planner, isWhole: boolean): Promise<Pick<Head, 'ended' | 'endedBy' | 'leftover'>> {
  const leftover = isWhole || planner.isPromoted ? await planner.leftover() : {}
  return { ended: true, ...(planner.isSpent && { endedBy: 'budget' as const }), leftover }
}

/** Publishes a head. The steps and blocks that it counts must last already. */
export async function writeHead(dir: string, head: Head, onEffect?: OnEffect): Promise<void> {
  await writeJson(join(dir, 'head.json'), head, onEffect)
}

export interface Following {
  /** Waits for what is not there yet. */
  readonly follow: boolean
  readonly pollMs: number
  /** Longest wait for one thing; null for ever. */
  readonly timeoutMs: number | null
  /** Ends the waiting when it aborts. */
  readonly signal?: AbortSignal | undefined
}

/** Reads the head of a feed again and again, as long as a reader waits for further steps of it. */
export class HeadFollower {
  readonly #dir: string
  readonly #following: Following

  constructor(dir: string, following: Following) {
    this.#dir = dir
    this.#following = following
  }

  /** The head; a follower waits for it. Null when the signal stopped that. */
  async first(): Promise<Head | null> {
    const began = performance.now()
    for (;;) {
      const { head, fault } = await this.#look()
      if (head) return head
      if (!this.#following.follow)
        throw new HeadraceError('not-found', `there is no feed in ${this.#dir}, or no step of it yet`)
      if (!(await this.#wait(began, `the feed in ${this.#dir} (${fault})`))) return null
    }
  }

  /** A head with more steps, or null when there will be none. */
  async next(before: Head): Promise<Head | null> {
    if (before.ended || !this.#following.follow) return null
    const began = performance.now()
    for (;;) {
      const { head, fault } = await this.#look()
      if (head && head.feed !== before.feed)
        throw new HeadraceError('corrupt', `the feed in ${this.#dir} became another one: ${head.feed}`)
      if (head && head.steps > before.steps) return head
      const there = fault ?? `it has ${before.steps} steps and has not ended`
      const what = `step ${before.steps} of the feed in ${this.#dir} (${there})`
      if (head?.ended || !(await this.#wait(began, what))) return null
    }
  }

  /** The head, or why there is none: what copies a folder may leave the file out, or half of it there, for a moment. */
  async #look(): Promise<{ head: Head; fault: null } | { head: null; fault: string }> {
    try {
      const head = await readHead(this.#dir)
      return head ? { head, fault: null } : { head: null, fault: 'head.json is missing' }
    } catch (error) {
      const isHalf = error instanceof HeadraceError && error.cause instanceof SyntaxError
      if (!isHalf || !this.#following.follow) throw error
      return { head: null, fault: 'head.json is not whole' }
    }
  }

  /** Whether it was waited, and the signal did not stop that. Throws where it takes longer than is to be waited. */
  async #wait(beganMs: number, what: string): Promise<boolean> {
    const { pollMs, timeoutMs, signal } = this.#following
    const waitedMs = performance.now() - beganMs
    const leftMs = timeoutMs === null ? pollMs : timeoutMs - waitedMs
    if (leftMs <= 0)
      throw new HeadraceError(
        'not-found',
        `waited ${Math.round(waitedMs / 1000)} s for ${what}: see whether its run is at work, or give a longer timeoutMs`,
      )
    return sleep(Math.min(pollMs, leftMs), true, signal ? { signal } : {}).catch(() => false)
  }
}
