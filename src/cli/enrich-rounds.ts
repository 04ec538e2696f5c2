import { join } from 'node:path'
import { makeFolder, writeDurably } from '../disk/durable-file.ts'
import { lockDirectory } from '../disk/lock.ts'
import { bindingOf } from '../record/binding.ts'
import type { RunReader } from '../record/run-reader.ts'
import { writeSeed } from '../text/likeness/seed-file.ts'
import { encodeModel } from '../text/linear/model-file.ts'
import type { FittedRound } from '../value/fit-round.ts'
import { readRounds } from '../value/rounds-file.ts'
import { type RoundsOrder, type RoundsPorts, runRounds } from '../value/run-rounds.ts'
import { checkStored, type RunText } from '../value/run-texts.ts'
import type { DecidedSlots } from '../value/stored-columns.ts'
import type { Command, ParsedArgs, Terminal } from './command.ts'
import { openNamedRun } from './find-run.ts'
import { groupText, hostOf, readGroupedTexts } from './grouped-texts.ts'
import { Unread } from './input-text.ts'
import { findSome, noteRun } from './read-run-rows.ts'
import { checkInput } from './read-texts.ts'
import { openRoundsJudge, type RoundsJudge } from './rounds-judge.ts'
import { type RoundsAsked, readAsked, roundsOptions } from './rounds-options.ts'
import { countPositives, describeEnd, describeRounds } from './rounds-tables.ts'
import { showParts } from './show-progress.ts'
import { formatPlural } from './table.ts'
import { pageWidth } from './wrap.ts'

export const enrichRoundsCommand: Command = {
  name: 'enrich rounds',
  usage: 'RUN',
  summary: 'Finds more of a kind in all that a run has stored, round by round, as long as what it finds is pure.',
  details:
    'Each round fits a seed and a classifier on what there is, scores all stored rows by both, dropped ones too, and takes the best that are not in yet. A sample of them is judged: by a person, who fills in a file and runs the same command again, or by a language model (--rubric). Where it is pure enough they are added; where not, the loop ends. Killed, the same command goes on. docs/enrich.md says more.',
  options: roundsOptions,
  run: runEnrichRounds,
}

/** `label` of some rows is to be filled in by a person. */
const waitingStatus = 4

async function runEnrichRounds(args: ParsedArgs, terminal: Terminal): Promise<number | undefined> {
  const [name] = args.positionals
  const asked = readAsked(args)
  for (const input of [asked.positive, asked.background]) await checkInput(input, asked.fields)
  const judge = await openRoundsJudge(asked.folder, args)
  await using run = await openNamedRun(asked.fields.dir, name)
  const fate = run.run.storedText === 'kept' ? 'kept' : 'any'
  checkStored(run, fate)
  const found = await findSome(run)
  await makeFolder(asked.folder)
  await using _ = await lockDirectory(asked.folder)
  const begun = (await readRounds(asked.folder))?.order.decided as DecidedSlots | undefined
  const decided = begun ?? found
  const unread = new Unread()
  const isJson = args.flag('json')
  let [round, doing] = [1, 'fitting']
  const progress = showParts(
    () => [{ rank: 0, text: `round ${round}: ${doing}` }],
    isJson ? terminal.err : terminal.out,
    terminal.err,
  )
  const ports = {
    ...portsOf(asked, judge, unread),
    tell: (now: number, what: string) => {
      round = now
      doing = what
    },
  }
  const order = { ...asked, fate, decided } as const
  const outcome = await runRounds(run, asked.folder, order, identityOf(run, order, asked, judge), ports).finally(() =>
    progress.stop(),
  )
  noteRun(run, decided, { heldOut: 0 }, unread)
  if (fate === 'kept')
    unread.note(`${run.dir} stores the texts of what it keeps alone: what it dropped was not looked at`)
  print(terminal, isJson, { asked, run, outcome, judge, unread })
  return outcome.waiting ? waitingStatus : undefined
}

function identityOf(run: RunReader, order: RoundsOrder, asked: RoundsAsked, { identity }: RoundsJudge) {
  const { positive, background, fields } = asked
  const { name, epochs, add, perHost, perSource, sample, purityMin, leave, decided } = order
  const { text, url, source } = fields
  return {
    run: bindingOf(run.run) ?? run.dir,
    decided,
    positive,
    background,
    fields: { text, url, source },
    name,
    epochs,
    add,
    'per-host': perHost,
    'per-source': perSource,
    sample,
    'purity-min': purityMin,
    leave,
    judge: identity,
  }
}

function portsOf(
  { folder, positive, background, fields, name }: RoundsAsked,
  judge: RoundsJudge,
  unread: Unread,
): Omit<RoundsPorts, 'tell'> {
  const sourceOf = (text: RunText) => groupText(asInput(text), fields, 0)
  // What can't be read is the same in each round, and counted once.
  let isFirst = true
  const read = (input: readonly string[]) => readGroupedTexts(input, fields, isFirst ? unread : new Unread())
  return {
    given: () => read(positive),
    background: () => read(background),
    originOf: text => ({ host: hostOf(text.url), source: sourceOf(text).source }),
    groupOf: sourceOf,
    writeModels: async fitted => {
      isFirst = false
      await writeModels(folder, name, fitted)
    },
    judge: (round, sample) => judge.judge(round, sample),
  }
}

const asInput = ({ bytes, url, file, field, slot, row, id }: RunText) => {
  return { bytes, url, file, field, place: { slot, row, id } }
}

async function writeModels(folder: string, name: string, { seed, learned }: FittedRound): Promise<void> {
  const { head, weights } = learned
  const report = {
    heads: [{ head: head.name, kind: head.kind, learned: learned.learned }],
    forced: 'nothing was held out, so it is neither measured nor calibrated: what it found was judged (rounds.json)',
  }
  await writeDurably(join(folder, `${name}.seed.json`), [Buffer.from(writeSeed(seed))])
  await writeDurably(join(folder, `${name}.linear`), encodeModel({ model: { heads: [head], weights }, report }))
}

interface Printed {
  readonly asked: RoundsAsked
  readonly run: RunReader
  readonly outcome: Awaited<ReturnType<typeof runRounds>>
  readonly judge: RoundsJudge
  readonly unread: Unread
}

function print(terminal: Terminal, isJson: boolean, { asked, run, outcome, judge, unread }: Printed): void {
  const { folder, name, purityMin } = asked
  const { record, waiting } = outcome
  const [seed, classifier] = [join(folder, `${name}.seed.json`), join(folder, `${name}.linear`)]
  if (isJson) {
    const { rounds, end } = record
    const told = { unread: unread.count, notes: unread.notes }
    const open = waiting && { round: waiting.round, ...judge.waiting }
    terminal.out.write(`${JSON.stringify({ folder, seed, classifier, rounds, end, waiting: open, ...told })}\n`)
    return
  }
  const table = describeRounds(record)
  const rest = waiting
    ? `${formatPlural(judge.waiting!.missing, 'row')} of round ${waiting.round} wait for a label: put yes or no into 'label' of each line of
${judge.waiting!.file}
and run the same command again\n`
    : `${describeEnd(record, purityMin, pageWidth(terminal))}wrote ${seed} and ${classifier}, fitted on ${formatPlural(countPositives(record.rounds), 'text')}
recall with one: headrace enrich ${run.dir} --seed ${seed} --top 1% --pipeline FILE --out NAME, or with --classifier ${classifier}\n`
  terminal.out.write(`${table}${table === '' ? '' : '\n'}${unread.describe()}${rest}`)
}
