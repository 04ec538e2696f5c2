import { addressOf } from '../decide/decider.ts'
import type { Member } from '../record/copies.ts'
import type { RunReader } from '../record/run-reader.ts'
import { type FedSample, findFedSamples, type Spans } from './fed-samples.ts'
import { findPlaces, findSpans } from './places.ts'

/** How much of a feed holds some documents. */
export interface Seen {
  readonly samples: number
  readonly steps: number
  readonly tokens: number
}

/** Where members of a run's clusters lie in the shards of a feed of it. */
export async function findMembers(run: RunReader, feed: string, members: readonly Member[]): Promise<Spans> {
  // Dropped ones too: another run, with which the feed goes on, may have kept another one of the cluster.
  const all = members.map(({ slot, row }) => addressOf(slot, row))
  return findSpans(await findPlaces(run, feed, all))
}

/** What steps of a feed hold of documents: before a step, and from there on as far as they are published. */
export async function findSeen(feed: string, spans: Spans, step: number): Promise<{ before: Seen; after: Seen }> {
  const parts = await findFedSamples(feed, spans)
  const fed = parts.filter(part => part.step !== null)
  return {
    before: sumUp(fed.filter(part => part.step!.step < step)),
    after: sumUp(fed.filter(part => part.step!.step >= step)),
  }
}

/** A sample with tokens of several of the documents counts once. */
function sumUp(parts: readonly FedSample[]): Seen {
  const samples = new Set(
    parts.map(({ domain, number, epoch, cut = 0, sample }) => `${epoch} ${number} ${cut} ${sample} ${domain}`),
  )
  const steps = new Set(parts.map(part => part.step!.step))
  return {
    samples: samples.size,
    steps: steps.size,
    tokens: parts.reduce((sum, { tokens }) => sum + tokens, 0),
  }
}
