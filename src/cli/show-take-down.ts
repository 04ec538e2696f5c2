import { readFatesAt } from '../inspect/members.ts'
import type { Seen } from '../inspect/seen.ts'
import type { Copies, Member } from '../record/copies.ts'
import type { LocatedFate } from '../record/fate.ts'
import type { RunReader } from '../record/run-reader.ts'
import { placeInRun } from '../unite/members.ts'
import type { Union } from '../unite/union.ts'
import type { Terminal } from './command.ts'
import { fateLine } from './fates.ts'
import { formatCount, formatPlural } from './table.ts'
import { cleanName, cleanPath, formatPairs, pageWidth } from './wrap.ts'
import { writeLines } from './write-lines.ts'

/** What a take-down comes to. */
export interface TakenDown {
  readonly names: readonly string[]
  readonly copies: Copies
  /** The first step that is masked. */
  readonly step: number
  /** Whether it was recorded now; null where it was only planned. */
  readonly isNew: boolean | null
  readonly blank: boolean
  readonly seen: { readonly before: Seen; readonly after: Seen }
}

/** Of a list, so many are shown to people. */
const shownMax = 20

/** How the documents of a take-down are told. `first`: the first slot that the run still has whole. */
export interface ShownMembers {
  readonly dir: string
  readonly first: number
  /** How a reader learns which steps hold them; empty where no command tells. */
  readonly advice: string
  /** Lines of JSON, one a document. */
  readonly linesOf: (members: readonly Member[]) => AsyncIterable<string>
  /** Lines for people. */
  readonly describe: (members: readonly Member[]) => AsyncIterable<string>
}

export async function showTakeDown(
  taken: TakenDown,
  { dir, first, advice, linesOf, describe }: ShownMembers,
  isJson: boolean,
  terminal: Terminal,
): Promise<void> {
  const { members } = taken.copies
  const summary = summarize(taken, first)
  if (isJson) {
    await writeLines(terminal, linesOf(members), line => line)
    terminal.out.write(`${JSON.stringify({ feed: dir, ...summary })}\n`)
    return
  }
  terminal.out.write(formatPairs(rowsOf(summary, taken, { dir, advice }), pageWidth(terminal), 0))
  let shown = 0
  for await (const line of describe(members.slice(0, shownMax))) terminal.out.write(`${shown++ ? '' : '\n'}  ${line}\n`)
  if (members.length > shownMax)
    terminal.out.write(`  ... ${formatCount(members.length - shownMax)} more: --json lists all\n`)
}

/** Documents of a run, with their fates in it. */
export function membersOfRun(run: RunReader): Pick<ShownMembers, 'advice' | 'linesOf' | 'describe'> {
  return {
    advice: ': headrace audit says which',
    linesOf: async function* (members) {
      for await (const fate of readFatesAt(run, members)) yield fateLine(fate)
    },
    describe: async function* (members) {
      for await (const fate of readFatesAt(run, members)) yield describe(fate)
    },
  }
}

/** Documents of a feed of several runs: `slot` is the run's, `feedSlot` the one that the feed counts. */
export function membersOfUnion(union: Union): Pick<ShownMembers, 'advice' | 'linesOf' | 'describe'> {
  const tell = (member: Member) => {
    const { run, slot, row } = placeInRun(union, member)
    return { run: union.runs[run].run, slot, row, feedSlot: member.slot, named: member.isNamed, fed: member.isKept }
  }
  return {
    advice: '',
    linesOf: async function* (members) {
      for (const member of members) yield JSON.stringify(tell(member))
    },
    describe: async function* (members) {
      for (const { run, slot, row, named, fed } of members.map(tell))
        yield `${cleanPath(run)}, slot ${slot}, row ${row}  ${named ? 'named' : 'a copy'}  ${fed ? 'fed, masked' : 'dropped or left out'}`
    },
  }
}

function summarize({ names, copies, step, isNew, blank, seen }: TakenDown, first: number) {
  const { members, counts, slots } = copies
  const kept = members.filter(({ isKept }) => isKept).length
  return {
    names: names.length,
    notFound: names.filter(name => !counts.has(name)),
    repeated: names.filter(name => (counts.get(name) ?? 0) > 1),
    documents: members.length,
    masked: kept,
    dropped: members.length - kept,
    step,
    blank,
    recorded: isNew,
    seenBefore: seen.before,
    maskedNow: seen.after,
    slots: [first, slots],
  }
}

function rowsOf(
  summary: ReturnType<typeof summarize>,
  { isNew, names }: TakenDown,
  { dir, advice }: Pick<ShownMembers, 'dir' | 'advice'>,
): [string, string][] {
  const { documents, masked, dropped, step, blank, notFound, repeated, seenBefore, maskedNow, slots } = summary
  const state =
    isNew === null ? 'planned, nothing is written' : isNew ? 'recorded' : 'in force already, nothing is written'
  const what = blank ? 'targets are -100 and tokens end-of-text' : 'targets are -100'
  const rows: [string, string][] = [
    ['take-down', state],
    ['feed', cleanPath(dir)],
    ['from', `step ${step} on: ${what}`],
    ['named', `${formatCount(names.length - notFound.length)} of ${formatPlural(names.length, 'name')} found`],
    [
      'documents',
      `${formatCount(documents)}: ${formatCount(masked)} kept, which are masked; ${formatCount(dropped)} dropped, which nobody was fed`,
    ],
    ['before', seenBefore.steps ? `${describeSeen(seenBefore)} have seen them${advice}` : 'no step has seen them'],
  ]
  if (maskedNow.steps) rows.push(['masked', `${describeSeen(maskedNow)} that are published`])
  if (repeated.length) rows.push(['repeated', `${list(repeated)}: every document of that name is taken`])
  if (notFound.length) rows.push(['not found', list(notFound)])
  if (slots[0] > 0)
    rows.push(['trimmed', `slots before ${slots[0]} are gone: of their documents those in shards were found, by id`])
  return rows
}

function describeSeen({ samples, steps, tokens }: Seen): string {
  return `${formatPlural(samples, 'sample')} of ${formatPlural(steps, 'step')} (${formatPlural(tokens, 'token')})`
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, shownMax).map(name => cleanName(name, nameColumnsMax))
  return `${shown.join(', ')}${names.length > shownMax ? ` and ${formatCount(names.length - shownMax)} more` : ''}`
}

const nameColumnsMax = 60

function describe({ id, file, line, fate, reason, duplicateOf }: LocatedFate): string {
  const name = cleanName(id, nameColumnsMax)
  const why = duplicateOf === null ? reason : `${reason} of ${cleanName(duplicateOf, nameColumnsMax)}`
  return `${name}  ${cleanName(`${file}:${line}`, 80)}  ${fate === 'kept' ? 'kept, masked' : `${fate}: ${why}`}`
}
