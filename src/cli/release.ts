import { HeadraceError } from '../errors.ts'
import { chooseFrom } from '../record/choices.ts'
import { describeTrip, findHold } from '../record/hold.ts'
import { listReleases, putRelease, type Release } from '../record/release.ts'
import type { RunReader } from '../record/run-reader.ts'
import type { Trip } from '../record/trip.ts'
import { type Command, type ParsedArgs, runOptions } from './command.ts'
import { openRun } from './find-run.ts'
import { formatPlural } from './table.ts'

/** Characters of a name and of a reason, as they stand in the log for ever. */
const whoMax = 100
const whyMax = 1000

export const releaseCommand: Command = {
  name: 'release',
  summary: 'Lets a run pass that a guard rail holds, and records who decided so and why.',
  details:
    'The release is for the groups that were outside their band at the held slot, until their window of slots ends. It takes effect when the run goes on, and stands in the log with that slot.',
  options: {
    ...runOptions,
    who: { value: 'NAME', help: 'who decides: a person that others can ask' },
    why: { value: 'TEXT', help: 'why the removals are right' },
  },
  run: async (args, terminal) => {
    const who = textOf(args, 'who', whoMax)
    const why = textOf(args, 'why', whyMax)
    await using run = await openRun(args)
    const held = await heldGroups(run)
    const groups = held.map(({ guard, group }) => ({ guard, group }))
    const release: Release = { kind: 'release', slot: held[0].slot, groups, who, why, at: new Date().toISOString() }
    await putRelease(run.dir, release)
    terminal.out.write(`slot ${release.slot} of ${run.dir} may pass, says ${who}:\n`)
    for (const trip of held) terminal.out.write(`  ${describeTrip(trip)}\n`)
    terminal.out.write('Now the same run command goes on.\n')
  },
}

/** What holds the run and is not released yet. */
async function heldGroups(run: RunReader): Promise<readonly Trip[]> {
  const { slot } = await run.log.position('decide', 0)
  const hold = await findHold(run.dir, slot)
  if (!hold) throw new HeadraceError('not-found', `nothing holds the run in ${run.dir}: there is nothing to release`)
  const releases = await listReleases(run.dir)
  const { held } = chooseFrom(releases, hold.trips)
  if (held.length > 0) return held
  const { who, at } = releases.at(-1)!
  throw new HeadraceError(
    'not-found',
    `slot ${slot} of ${run.dir} was released by ${who} at ${at}: run the same command again, it goes on`,
  )
}

function textOf(args: ParsedArgs, name: 'who' | 'why', charactersMax: number): string {
  const text = args.text(name)?.trim() ?? ''
  const refuse = (what: string) => new HeadraceError('bad-option', `${what}. See: headrace release --help`)
  if (text === '') throw refuse(`--${name} is missing: a release says who decided it and why`)
  if (text.length > charactersMax)
    throw refuse(`--${name} has ${formatPlural(text.length, 'character')}; ${charactersMax} at most`)
  if (/[\p{Cc}\u2028\u2029]/u.test(text)) throw refuse(`--${name} has more than one line, or a control character`)
  return text
}
