import { HeadraceError } from '../errors.ts'
import { readSplits } from '../record/splits.ts'
import type { Split } from '../sources/source.ts'
import { joinByLabel } from './pair-slots.ts'
import type { SlotRange } from './run-slots.ts'
import type { Side } from './side.ts'

/**
 * The slots that both runs have decided and keep. Refused ('bad-option') where one number can't mean the same records in both, as they
 * were cut otherwise; that each slot has the same records is seen when it is read.
 */
export async function findCommonSlots(a: Side, b: Side): Promise<SlotRange> {
  const differences = [...findOtherCuts(a, b), ...(await findOtherSplits(a, b))]
  if (differences.length > 0)
    throw new HeadraceError(
      'bad-option',
      `${a.name} and ${b.name} have other slots: ${differences.join('; ')}; ${joinByLabel}`,
    )
  const from = Math.max(a.run.first, b.run.first)
  const to = Math.min(a.decided, b.decided)
  if (to <= from && Math.max(a.decided, b.decided) > 0)
    throw new HeadraceError(
      'not-found',
      `no slot is decided and kept in both: ${describeSlots(a)}, ${describeSlots(b)}`,
    )
  return { from, to: Math.max(from, to) }
}

/** Which slots a run has, for people. */
export function describeSlots({ name, run, decided, decide }: Side): string {
  const slots = decided > run.first ? `slots ${run.first} to ${decided - 1}` : 'no slot'
  return `${name} has ${slots}${decide.ended ? '' : ' so far'}`
}

function findOtherCuts(a: Side, b: Side): string[] {
  const cuts = [
    ['lanes', a.run.run.lanes, b.run.run.lanes],
    ['bytes a slot', a.run.run.slotBytes, b.run.run.slotBytes],
  ] as const
  const found = cuts.filter(([, one, other]) => one !== other)
  const differences = found.map(([what, one, other]) => `${one} and ${other} ${what}`)
  const [short, long] = a.decided < b.decided ? [a, b] : [b, a]
  // Of the same files, a run that has ended has all slots.
  if (short.decide.ended && long.decided > short.decided)
    differences.push(`${short.name} ends after ${short.decided} slots and ${long.name} has ${long.decided}`)
  return differences
}

/** How many splits are named at most. */
const shownMax = 3

async function findOtherSplits(a: Side, b: Side): Promise<string[]> {
  const [left, right] = await Promise.all([a, b].map(({ run }) => readSplits(run.log, run.run)))
  const [stamps, others] = [stampOf(left), stampOf(right)]
  const changed = [...stamps].filter(([name, stamp]) => others.has(name) && others.get(name) !== stamp)
  const missing = (of: Map<string, string>, than: Map<string, string>) => [...of.keys()].filter(name => !than.has(name))
  // A run that goes on has not met all, and one that was trimmed has forgotten some.
  const isWhole = [a, b].every(side => side.decide.ended && side.run.first === 0)
  return [
    ...listNames(
      changed.map(([name]) => name),
      'changed between them',
    ),
    ...listNames(isWhole ? missing(stamps, others) : [], `in ${a.name} alone`),
    ...listNames(isWhole ? missing(others, stamps) : [], `in ${b.name} alone`),
  ]
}

function stampOf(splits: readonly Split[]): Map<string, string> {
  return new Map(splits.map(({ name, stamp }) => [name, stamp]))
}

function listNames(names: readonly string[], what: string): string[] {
  if (names.length === 0) return []
  const more = names.length > shownMax ? ` and ${names.length - shownMax} more` : ''
  return [`${names.slice(0, shownMax).join(', ')}${more} ${names.length === 1 ? 'is' : 'are'} ${what}`]
}
