import assert from 'node:assert/strict'
import { join } from 'node:path'
import { readHead } from '../../src/feed/files/head.ts'
import type { FeedOptions } from '../../src/feed/options.ts'
import type { Duplicates } from '../../src/feed/plan/join.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { readCopies } from '../../src/unite/copies.ts'
import { mapDomain } from '../../src/unite/source.ts'
import { readUnion } from '../../src/unite/union.ts'
import { joinRun, planUnion, unite } from '../../src/unite/unite.ts'
import { Check } from '../../src/verify/check.ts'
import { findHead, verifyFeed } from '../../src/verify/feed.ts'
import type { Manifest } from '../../src/verify/shards.ts'
import { snapshot } from '../feed/corpus.ts'
import { checkTrimmed } from '../feed/trimmed.ts'
import { type Doc, domains } from '../promote/made-runs.ts'
import { checkFed, readSamples, readSteps } from '../promote/oracle.ts'
import { Random } from '../random.ts'
import { makeFolder } from '../temporary.ts'
import { makeUnitedRun, type UnitedRun } from './made.ts'
import { expectUnion } from './oracle.ts'

/** One case: runs, those of them that are there from the beginning, and those that join at a step. */
export interface Case {
  readonly seed: number
  readonly random: Random
  readonly home: string
  readonly runs: readonly UnitedRun[]
  readonly maps: readonly Readonly<Record<string, string>>[]
  /** How many are there from the beginning. */
  readonly first: number
  readonly duplicates: Duplicates
  readonly options: FeedOptions
}

export async function drawCase(seed: number): Promise<Case> {
  const random = new Random(seed)
  const folder = makeFolder('unite')
  const runs: UnitedRun[] = []
  const count = random.between(2, 4)
  for (let number = 0; number < count; number++) {
    const slots = random.between(3, 12)
    const rules = { threshold: random.unit() * 0.4, clusterWidth: random.pick([0, 1, 1]) }
    const reached = random.chance(0.2) ? random.between(Math.ceil(slots / 2), slots) : undefined
    const shardTokens = random.pick([30, 60, 90])
    const run = await makeUnitedRun(folder, number, { random, slots, rules }, { slots: reached, shardTokens })
    if (run.manifest.length > 0) runs.push(run)
  }
  const maps = runs.map(({ manifest }) => {
    const known = new Set(manifest.map(({ domain }) => domain))
    const chosen = domains.filter(domain => known.has(domain) && random.chance(0.3))
    return Object.fromEntries(chosen.map(domain => [domain, random.pick(['web', 'mapped', 'constructor'])]))
  })
  const first = random.between(1, 2)
  return {
    seed,
    random,
    home: join(folder, 'home'),
    runs,
    maps,
    first,
    duplicates: random.chance(0.2) ? 'keep' : 'drop',
    options: drawOptions(random, namesOf(runs.slice(0, first), maps)),
  }
}

/** The domains that runs are fed in. */
function namesOf(runs: readonly UnitedRun[], maps: Case['maps']): string[] {
  return [...new Set(runs.flatMap(({ manifest }, i) => manifest.map(({ domain }) => mapDomain(maps[i], domain))))]
}

function drawOptions(random: Random, names: readonly string[]): FeedOptions {
  const weights = names.map(name => [name, random.between(1, 4)] as const)
  return {
    length: 16,
    batch: random.pick([1, 2, 3]),
    mixture: random.chance(0.3) ? Object.fromEntries(weights) : null,
    packing: random.pick(['concatenate', 'best-fit'] as const),
    dry: random.pick(['renormalise', 'repeat'] as const),
    repeatMax: 2,
    seed: random.between(0, 9),
    blockTokens: random.pick([60, 200, 100_000]),
  }
}

class Kill extends Error {}

/** Does the work again and again, killed before an effect that is drawn, until it is done. */
async function withKills<T>(random: Random, work: (onEffect: () => void) => Promise<T>): Promise<T> {
  for (;;) {
    const fatal = random.chance(0.6) ? random.between(0, 40) : Number.POSITIVE_INFINITY
    let effects = 0
    try {
      return await work(() => {
        if (effects++ === fatal) throw new Kill()
      })
    } catch (error) {
      if (!(error instanceof Kill)) throw error
    }
  }
}

/** Who makes the feed. */
export type Make = (one: Case, home: string, isKilled: boolean) => Promise<readonly string[][]>

/** The code that makes it: a test plants a mistake there. */
export interface Modules {
  readonly unite: typeof unite
  readonly joinRun: typeof joinRun
  readonly planUnion: typeof planUnion
}

/** Makes the feed of a case by this code. Returns the lines of the ledger as they were before each join. */
export const makeUnionBy =
  (modules: Modules): Make =>
  async ({ runs, maps, first, random, duplicates, options }, home, isKilled) => {
    const wishes = runs.map(({ dir }, i) => ({ dir, map: maps[i] }))
    const openRun = (dir: string) => RunReader.open(dir)
    const draws = isKilled ? random : null
    const attempt = <T>(work: (onEffect: () => void) => Promise<T>) => (draws ? withKills(draws, work) : work(() => {}))
    const order = { runs: wishes.slice(0, first), duplicates, feed: options, name: 'made' }
    let stepsMax = first < runs.length ? 3 : undefined
    await attempt(onEffect => modules.unite(home, order, { openRun, stepsMax, onEffect }))
    const before: string[][] = []
    for (const [i, wish] of wishes.slice(first).entries()) {
      before.push(readSteps(join(home, 'feed')).lines)
      stepsMax = first + i + 1 < runs.length ? before.at(-1)!.length + 2 : undefined
      await attempt(onEffect =>
        modules.joinRun(home, wish, before.at(-1)!.length, { openRun, stepsMax, onEffect }),
      ).catch(error => {
        // A run may have nothing that is not there.
        if (!/nothing would join it/.test(error.message)) throw error
      })
    }
    await attempt(onEffect => modules.planUnion(home, { onEffect }))
    return before
  }

export const makeUnion = makeUnionBy({ unite, joinRun, planUnion })

/** Checks all that a feed of several runs promises on a case. Returns figures that say whether there was something to do. */
export async function checkCase(one: Case, make: Make = makeUnion) {
  const { home, runs, maps, duplicates } = one
  if (runs.length === 0) return { steps: 0, leftOut: 0, joins: 0 }
  const before = await make(one, home, true)
  const feed = join(home, 'feed')
  const { lines } = readSteps(feed)
  for (const earlier of before) assert.deepEqual(lines.slice(0, earlier.length), earlier, 'steps before a run joined')
  const sealed = runs.map(run => new Set([...run.shards.values()].flat()))
  const { fed, leftOut } = expectUnion(runs, sealed, duplicates === 'keep' ? [] : ['exact', 'near'])
  const samples = await readSamples(feed)
  checkFed(feed, samples, new Set(fed.keys()))
  const domainOf = new Map<number, string>()
  for (const [doc, run] of fed) for (const token of doc.tokens) domainOf.set(token, mapDomain(maps[run], doc.domain))
  for (const { domain, tokens } of samples)
    for (const token of tokens) assert.equal(domain, domainOf.get(token), `the domain of token ${token}`)
  const copies = await copiesOf(one)
  // A run of which all is there already does not join.
  const joined = new Set((await readUnion(home))!.runs.map(({ run }) => join(home, run)))
  const told = leftOut.filter(({ run }) => joined.has(runs[run].dir))
  const expected = told.map(({ run, doc, of, reason }) => [run, doc.address, of.run, of.doc.address, reason])
  assert.deepEqual(copies, expected, 'what is left out, and what it repeats')
  await checkAgain(one, before.length)
  await checkPlan(home)
  const { steps } = (await readHead(join(home, 'feed')))!
  await checkTrimmed(join(home, 'feed'), [], one.random.between(0, steps), () => checkPlan(home))
  return { steps: lines.length, leftOut: leftOut.length, joins: before.length }
}

async function copiesOf({ home, runs }: Case): Promise<unknown[]> {
  const union = (await readUnion(home))!
  const addresses = runs.map(run => new Map(run.docs.map((doc: Doc) => [`${doc.slot} ${doc.row}`, doc.address])))
  const numbers = new Map(runs.map(({ dir }, i) => [dir, i]))
  const numberOf = (run: number) => numbers.get(join(home, union.runs[run].run))!
  const found: unknown[] = []
  for (const { copies } of union.runs)
    if (copies !== null)
      for await (const { run, slot, row, id, of, reason } of readCopies(union.dir, copies)) {
        const [mine, others] = [numberOf(run), numberOf(of.run)]
        assert.equal(id, String(addresses[mine].get(`${slot} ${row}`)))
        found.push([mine, Number(id), others, addresses[others].get(`${of.slot} ${of.row}`), reason])
      }
  return found
}

/** The same feed without kills has the same bytes; once it is there, nothing more is written. */
async function checkAgain(one: Case, joins: number): Promise<void> {
  const { home } = one
  const twin = `${home}-twin`
  await makeUnion(one, twin, false)
  const [mine, other] = await Promise.all([home, twin].map(dir => snapshot(join(dir, 'feed'))))
  assert.deepEqual(
    Object.keys(mine).filter(name => !(name in other)),
    [],
  )
  for (const [name, bytes] of Object.entries(other)) assert.ok(mine[name] === bytes, `${name} is another after kills`)
  const effects: string[] = []
  await planUnion(home, { onEffect: effect => effects.push(effect) })
  assert.deepEqual(effects, [], `planned again after ${joins} joins`)
}

/** Planned again from the record alone, as verifying does, every step and block is what it is. */
async function checkPlan(home: string): Promise<void> {
  const note = { ended: true, fed: null }
  const manifest = { entries: [], isWhole: true, note } as unknown as Manifest
  const checks = { blocks: new Check('b', ''), ledger: new Check('l', ''), plan: new Check('p', '') }
  assert.ok(await readHead(join(home, 'feed')))
  await verifyFeed(home, (await findHead(home))!, { ...manifest, damaged: new Set() }, checks, () => [])
  assert.deepEqual(
    Object.values(checks).flatMap(({ problems }) => problems),
    [],
  )
}
