import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BlockFile } from '../../src/feed/files/block-file.ts'
import { ledgerPath } from '../../src/feed/files/ledger.ts'
import type { Step } from '../../src/feed/files/steps.ts'
import { StepOpener } from '../../src/feed/plan/step-lines.ts'
import { readFeed } from '../../src/feed/read.ts'
import { type Doc, type MadeRun, padding } from './made-runs.ts'

// What a promotion must feed, by sets of documents and without the code under test; and what a feed has fed, read as trainers read it.

export interface Expected {
  readonly covered: ReadonlySet<Doc>
  readonly swapped: ReadonlySet<Doc>
  readonly leftOut: ReadonlySet<Doc>
  readonly backfilled: ReadonlySet<Doc>
  readonly fed: ReadonlySet<Doc>
}

export function expectPromotion(
  covered: ReadonlyMap<Doc, string>,
  known: readonly MadeRun[],
  next: MadeRun,
  backfill: readonly string[],
): Expected {
  const copies = new Set(
    known.flatMap(run => run.copies.filter(([, original]) => covered.has(original)).map(([doc]) => doc)),
  )
  const repeats = new Set(
    next.copies.filter(([doc]) => covered.has(doc) || copies.has(doc)).map(([, original]) => original),
  )
  const lastOf = (domain: string) =>
    Math.max(-1, ...[...covered].filter(([, fedIn]) => fedIn === domain).map(([doc]) => doc.address))
  const lasts = new Map(next.kept.map(({ domain }) => [domain, lastOf(domain)]))
  const fateOf = (doc: Doc): keyof Expected => {
    if (covered.has(doc)) return 'covered'
    if (copies.has(doc) || repeats.has(doc)) return 'swapped'
    if (doc.address > lasts.get(doc.domain)!) return 'fed'
    return backfill.includes(doc.domain) ? 'backfilled' : 'leftOut'
  }
  const of = (fate: keyof Expected) => new Set(next.kept.filter(doc => fateOf(doc) === fate))
  const [swapped, leftOut, backfilled, fed] = (['swapped', 'leftOut', 'backfilled', 'fed'] as const).map(of)
  return { covered: new Set(covered.keys()), swapped, leftOut, backfilled, fed }
}

export function headOf(feed: string) {
  return JSON.parse(readFileSync(join(feed, 'head.json'), 'utf8'))
}

export function readSteps(feed: string): { lines: string[]; steps: Step[] } {
  const head = headOf(feed)
  const { steps, segmentSteps } = head
  const lines: string[] = []
  for (let step = 0; step < steps; step++)
    lines.push(readFileSync(join(feed, ledgerPath(step, segmentSteps)), 'utf8').split('\n')[step % segmentSteps])
  const opener = new StepOpener(head)
  return { lines, steps: lines.map((line, step) => opener.open(line, step, null)) }
}

/**
 * The documents of all blocks that steps have taken samples of, with the domain that they are fed in. `rowsOf`: what a shard has for a
 * domain. Each document has tokens, so that no block is without samples.
 */
export function coveredBy(feed: string, rowsOf: (path: string, domain: string) => readonly Doc[]): Map<Doc, string> {
  const covered = new Map<Doc, string>()
  for (const { domains } of readSteps(feed).steps)
    for (const [domain, ranges] of Object.entries(domains))
      for (const { block, epoch } of ranges) {
        using file = new BlockFile(feed, { domain, number: block, epoch })
        for (const { path } of file.identity.shards) for (const doc of rowsOf(path, domain)) covered.set(doc, domain)
      }
  return covered
}

export interface FedSample {
  readonly step: number
  readonly epoch: number
  readonly domain: string
  readonly tokens: readonly number[]
}

/** Every sample as a reader gets it, with the epoch that the ledger says. */
export async function readSamples(feed: string): Promise<FedSample[]> {
  const samples: FedSample[] = []
  const { steps } = readSteps(feed)
  for await (const { step, inputIds, length, domains } of readFeed(feed, { verify: 'files' })) {
    const ranges = Object.keys(steps[step].domains)
      .sort()
      .flatMap(name => steps[step].domains[name])
    const epochs = ranges.flatMap(({ epoch, from, to }) => Array.from({ length: to - from }, () => epoch))
    for (const [k, domain] of domains.entries()) {
      const tokens = [...inputIds.subarray(k * length, (k + 1) * length)].filter(token => token !== padding)
      samples.push({ step, epoch: epochs[k], domain, tokens })
    }
  }
  return samples
}

/** Throws unless no token is in two samples of an epoch, and what was fed and what is left over is just these documents. */
export function checkFed(feed: string, samples: readonly FedSample[], docs: ReadonlySet<Doc>): void {
  const seen = new Set<string>()
  const fed = new Set<number>()
  let tokens = 0
  for (const sample of samples)
    for (const token of sample.tokens) {
      const key = `${sample.epoch} ${token}`
      assert.ok(
        !seen.has(key),
        `token ${token} is fed twice in epoch ${sample.epoch}, the second time in step ${sample.step}`,
      )
      seen.add(key)
      fed.add(token)
      tokens++
    }
  const all = new Set([...docs].flatMap(doc => [...doc.tokens]))
  for (const token of fed) assert.ok(all.has(token), `token ${token} is of no document that is fed`)
  const { leftover, ended } = headOf(feed)
  assert.ok(ended)
  const left: number = Object.values<{ tokens: number }>(leftover).reduce((sum, one) => sum + one.tokens, 0)
  if (samples.every(({ epoch }) => epoch === 0)) assert.equal(tokens + left, all.size, 'tokens are lost')
}
