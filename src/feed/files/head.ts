import { hash } from 'node:crypto'
import { join } from 'node:path'
import { canonicalJson } from '../../canonical-json.ts'
import type { OnEffect } from '../../disk/durable-file.ts'
import { readText } from '../../disk/files.ts'
import { writeJson } from '../../disk/json-file.ts'
import { HeadraceError } from '../../errors.ts'
import type { FeedSettings } from '../options.ts'
import type { Total } from './steps.ts'

/** What a feed is: fixed when it begins. Its hash is the feed's id. */
export interface FeedIdentity extends FeedSettings {
  readonly version: 1
  readonly run: string
  /** Steps in one file of the ledger. */
  readonly segmentSteps: number
  readonly tokenizer: unknown
  /** Fills a sample that is short; null where the tokenizer names no such token, and then 0 fills it. */
  readonly endOfText: number | null
  readonly fingerprint: string
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
  /** What no step holds, by domain, once ended. */
  readonly leftover: Readonly<Record<string, Total>>
}

export function feedId(identity: FeedIdentity): string {
  return hash('sha256', canonicalJson(identity))
}

export async function readHead(dir: string): Promise<Head | null> {
  const path = join(dir, 'head.json')
  const text = await readText(path)
  if (text === null) return null
  try {
    const head = JSON.parse(text) as Head
    if (head?.version === 1) return checkHead(head)
  } catch (error) {
    throw new HeadraceError('corrupt', `${path} is damaged: ${(error as Error).message}`, error)
  }
  throw new HeadraceError('corrupt', `${path} is of another version than 1; use the Headrace that wrote it`)
}

/** Throws unless the feed's id is its hash and the rest is of its types: the steps themselves prove the rest. */
function checkHead(head: Head): Head {
  const { feed, shards, steps, digest, ended, leftover, ...identity } = head
  if (feedId(identity) !== feed) throw new TypeError("the feed's id is not the hash of what it says")
  const isCounted = Number.isSafeInteger(steps) && steps >= 0
  if (!isCounted || [shards, digest].some(text => typeof text !== 'string') || typeof ended !== 'boolean')
    throw new TypeError('it does not say how far the feed is published')
  if (leftover === null || typeof leftover !== 'object') throw new TypeError('it does not say what no step holds')
  return head
}

/** Publishes a head. The steps and blocks that it counts must last already. */
export async function writeHead(dir: string, head: Head, onEffect?: OnEffect): Promise<void> {
  await writeJson(join(dir, 'head.json'), head, onEffect)
}
