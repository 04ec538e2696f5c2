import { readControls } from '../../src/feed/files/control-file.ts'
import { readFeed } from '../../src/feed/read.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { verifyRun } from '../../src/verify/verify.ts'
import type { Desk } from './desk.ts'
import { SimulationFailure } from './machine.ts'
import { readActualFeed } from './oracle-actual.ts'
import { compareFeeds } from './oracle-compare.ts'
import type { ExpectedFeed } from './oracle-steps.ts'
import { samplesOf, type Training } from './trainer.ts'
import { runFolder } from './world.ts'

/** Holds a feed that was changed against the oracle. Throws a SimulationFailure. */
export async function checkFeed(desk: Desk, dir: string, expected: ExpectedFeed): Promise<void> {
  const actual = await desk.observe(() => readActualFeed(dir))
  const differences = compareFeeds(expected, actual)
  if (differences.length) throw new SimulationFailure('changed feed', differences.slice(0, 3).join('\n'))
  const controls = await desk.observe(() => readControls(dir))
  // One that stands behind steps which are passed over, and of which there are too few, is in force nowhere yet.
  const recorded = controls.flatMap(({ promote }) => promote?.rows ?? []).slice(0, expected.promotions.length)
  const [counted, wanted] = [recorded, expected.promotions].map(rows =>
    JSON.stringify(
      rows.map(({ covered, swapped, leftOut, backfilled, fed }) => [covered, swapped, leftOut, backfilled, fed]),
    ),
  )
  if (counted !== wanted)
    throw new SimulationFailure(
      'promotion',
      `documents that are covered, swapped, left out, backfilled and fed are ${wanted}, and control.json says ${counted}`,
    )
  checkOnce(expected)
}

/** No token of a document is in two places of an epoch. */
function checkOnce({ steps }: ExpectedFeed): void {
  const seen = new Set<string>()
  for (const [step, { samples }] of steps.entries())
    for (const { epoch, pieces } of samples)
      for (const { document, start } of pieces) {
        const key = `${epoch} ${document.slot} ${document.row} ${start}`
        if (seen.has(key))
          throw new SimulationFailure(
            'twice',
            `step ${step} feeds slot ${document.slot} row ${document.row} a second time`,
          )
        seen.add(key)
      }
}

/** A trainer that read while the feed was changed was given what one gets that reads it now. */
export async function checkTrained(desk: Desk, { feed, steps }: Training, from: number): Promise<void> {
  const read = await desk.observe(async () => {
    const found: string[] = []
    for await (const batch of readFeed(feed, { from })) found.push(samplesOf(batch).join())
    return found
  })
  for (const [i, samples] of read.entries())
    if (steps.get(from + i)?.join() !== samples)
      throw new SimulationFailure(
        'trainer',
        `a trainer was given other samples of step ${from + i} of ${feed} than it has`,
      )
  if (steps.size !== read.length)
    throw new SimulationFailure('trainer', `a trainer was given ${steps.size} of ${read.length} steps of ${feed}`)
}

/** All files of a folder. */
export function snapshotOf({ world: { disk } }: Desk, folder: string): Map<string, Buffer> {
  return new Map(disk.walk(folder).map(name => [name, disk.find(name)!.content]))
}

/** What a feed was, it is, whatever parted from it. */
export function checkSame(before: ReadonlyMap<string, Buffer>, now: ReadonlyMap<string, Buffer>): void {
  for (const name of new Set([...before.keys(), ...now.keys()]))
    if (!before.get(name)?.equals(now.get(name) ?? Buffer.of(0)))
      throw new SimulationFailure('parent', `${name} was changed by a fork`)
}

/** `headrace verify` finds nothing wrong with the run and its feeds. */
export async function checkSound(desk: Desk): Promise<void> {
  const { checks } = await desk.observe(async () => {
    await using run = await RunReader.open(runFolder)
    return verifyRun(run, { steps: 4 })
  })
  // The tables of a run that is over are a cache, which a power failure may still tear.
  const lasting = checks.filter(({ name }) => name !== 'state')
  const problems = lasting.flatMap(({ name, problems }) =>
    problems.map(problem => `${name}: ${JSON.stringify(problem)}`),
  )
  if (problems.length) throw new SimulationFailure('verify', problems.slice(0, 3).join('\n'))
}
