import { canonicalJson } from '../canonical-json.ts'
import { addressOf, rowOf, slotOf } from '../decide/decider.ts'
import type { Fields } from '../disk/json-file.ts'
import { HeadraceError } from '../errors.ts'
import type { RunReader } from '../record/run-reader.ts'
import { hashUnit } from '../text/hash.ts'
import { type Choice, type ChosenBefore, type ChosenRow, chooseBest, countName } from './choose-best.ts'
import {
  type FittedRound,
  findBestBackground,
  fitRound,
  RoundScorer,
  type RoundText,
  type RoundTexts,
} from './fit-round.ts'
import { LowestKeys } from './lowest-keys.ts'
import { estimatePurity } from './purity.ts'
import {
  type AddedRow,
  type RoundChoice,
  type RoundFigures,
  type RoundsRecord,
  readChoice,
  readRounds,
  writeChoice,
  writeRounds,
} from './rounds-file.ts'
import type { RowsWanted } from './rows-wanted.ts'
import { type RunText, readRunTexts } from './run-texts.ts'
import { type Origin, scoreHistory } from './score-history.ts'
import type { DecidedSlots } from './stored-columns.ts'

/** What a loop is to do. All but `roundsMax` and `purityMin` decide what a round chooses. */
export interface RoundsOrder extends Choice {
  /** Of the seed and the classifier's head. */
  readonly name: string
  readonly epochs: number
  /** Of the chosen rows, how many are looked at. */
  readonly sample: number
  /** A round less pure than this is not added, and ends the loop. */
  readonly purityMin: number
  readonly roundsMax: number
  /** The share of the background, the best-scoring, that is no negative in the next round. */
  readonly leave: number
  /** Which rows are scored: a run that stores the texts of kept documents has no others. */
  readonly fate: RowsWanted['fate']
  readonly decided: DecidedSlots
}

/** A row of a round's sample with its text. */
export type SampleRow = AddedRow & Pick<RunText, 'url' | 'domain' | 'isKept' | 'bytes'>

/** What a loop needs of whoever runs it. */
export interface RoundsPorts extends Pick<RoundTexts, 'given' | 'background'> {
  originOf(text: RunText): Origin
  groupOf(text: RunText): RoundText
  /** Puts the models of a round in place, which are fitted on what was added so far. */
  writeModels(fitted: FittedRound): Promise<void>
  /** By the row's place: whether it is what is sought, null where the judge says nothing; null where a person has still to say it. */
  judge(round: number, sample: readonly SampleRow[]): Promise<readonly (boolean | null)[] | null>
  /** What is being done, for people. */
  tell(round: number, doing: 'fitting' | 'scoring' | 'judging'): void
}

/** How far a loop came: `waiting` rows of the next round's sample have no label yet. */
export interface RoundsOutcome {
  readonly record: RoundsRecord
  readonly waiting: { readonly round: number; readonly rows: number } | null
}

/**
 * Adds to positives what a run has stored and two models fitted on them score best, round by round, as long as a sample of what is to be added is pure.
 * What is done stands in `folder`, so that the same call goes on after a kill, and comes to the same bytes. `identity` is kept with it: a
 * call with another one is refused.
 */
export async function runRounds(
  run: RunReader,
  folder: string,
  order: RoundsOrder,
  identity: Fields,
  ports: RoundsPorts,
): Promise<RoundsOutcome> {
  let record = await openRecord(folder, order, identity)
  while (record.end === null) {
    const round = record.rounds.length + 1
    const choice = (await readChoice(folder, round)) ?? (await chooseRound(run, folder, order, record, ports))
    if (choice === null) record = { ...record, end: 'rounds-max' }
    else if (choice.chosen.length === 0) record = { ...record, end: 'nothing-left' }
    else {
      ports.tell(round, 'judging')
      const sample = await readSample(run, order, choice)
      const judged = await ports.judge(round, sample)
      if (judged === null) return { record, waiting: { round, rows: sample.length } }
      const figures = figuresOf(choice, judged, order.purityMin)
      record = { ...record, rounds: [...record.rounds, figures], end: figures.isAdded ? null : 'impure' }
    }
    await writeRounds(folder, record)
  }
  return { record, waiting: null }
}

async function openRecord(folder: string, { roundsMax }: RoundsOrder, identity: Fields): Promise<RoundsRecord> {
  const known = await readRounds(folder)
  if (!known) {
    const record = { order: identity, rounds: [], end: null }
    await writeRounds(folder, record)
    return record
  }
  const changed = Object.keys({ ...known.order, ...identity }).filter(
    name => canonicalJson(known.order[name] ?? null) !== canonicalJson(identity[name] ?? null),
  )
  if (changed.length > 0)
    throw new HeadraceError(
      'bad-option',
      `${folder} was begun with another ${changed.join(', ')}: give the same, or another folder by --out`,
    )
  const { order, rounds, end } = known
  const goesOn = end === 'rounds-max' && rounds.length < roundsMax
  return { order, rounds, end: goesOn ? null : end }
}

/** Fits the models on what was added so far, and chooses the next rows; null where there are to be no more rounds. */
async function chooseRound(
  run: RunReader,
  folder: string,
  order: RoundsOrder,
  { rounds }: RoundsRecord,
  ports: RoundsPorts,
): Promise<RoundChoice | null> {
  const round = rounds.length + 1
  const choices = await readChoices(folder, rounds.length)
  const added = choices.flatMap(({ chosen }) => chosen)
  const texts = { given: ports.given, background: ports.background, added: () => readAdded(run, order, added, ports) }
  ports.tell(round, 'fitting')
  const fitted = await fitRound(order.name, order.epochs, texts, new Set(choices.at(-1)?.left))
  if (choices.length > 0 && choices[0].inputs !== fitted.inputs)
    throw new HeadraceError(
      'source-changed',
      `the texts of --positive or --background are not those that ${folder} was begun with: restore them, or begin again in another folder`,
    )
  await ports.writeModels(fitted)
  if (round > order.roundsMax) return null
  ports.tell(round, 'scoring')
  const choice = await choose(run, order, { fitted, added, round }, ports)
  await writeChoice(folder, choice)
  return choice
}

async function readChoices(folder: string, count: number): Promise<RoundChoice[]> {
  const choices: RoundChoice[] = []
  for (let round = 1; round <= count; round++) {
    const choice = await readChoice(folder, round)
    if (!choice)
      throw new HeadraceError(
        'corrupt',
        `${folder} has no round-${round}.json, which rounds.json speaks of: restore it`,
      )
    choices.push(choice)
  }
  return choices
}

interface Choosing {
  readonly fitted: FittedRound
  readonly added: readonly AddedRow[]
  readonly round: number
}

async function choose(
  run: RunReader,
  order: RoundsOrder,
  { fitted, added, round }: Choosing,
  ports: RoundsPorts,
): Promise<RoundChoice> {
  const scorer = new RoundScorer(fitted)
  const left = await findBestBackground(ports.background(), scorer, fitted.texts, order.leave)
  const history = await scoreHistory(run, order, scorer, ports.originOf)
  await using rows = history.rows
  const chosen = await nameRows(run, order, await chooseBest(rows, order, beforeOf(fitted.texts, added)))
  return {
    round,
    inputs: fitted.inputs,
    positives: fitted.texts.size,
    background: fitted.background,
    learnedBackground: fitted.learned.learned.negatives,
    rows: rows.count,
    empty: history.empty,
    heldOut: history.heldOut,
    chosen,
    sample: drawSample(chosen, order.sample, round),
    left,
  }
}

function beforeOf(texts: ReadonlySet<number>, added: readonly AddedRow[]): ChosenBefore {
  const [hosts, sources] = [new Map<number, number>(), new Map<number, number>()]
  for (const { host, source } of added) {
    countName(hosts, host ?? Number.NaN)
    countName(sources, source ?? Number.NaN)
  }
  return { texts, addresses: new Set(added.map(({ slot, row }) => addressOf(slot, row))), hosts, sources }
}

/** The chosen rows with their ids, which are read of the run. */
async function nameRows(run: RunReader, order: RoundsOrder, chosen: readonly ChosenRow[]): Promise<AddedRow[]> {
  const ids = new Map<number, string>()
  for await (const { slot, row, id } of readAt(
    run,
    order,
    chosen.map(({ address }) => address),
  ))
    ids.set(addressOf(slot, row), id)
  const named = (hash: number) => (Number.isNaN(hash) ? null : hash)
  return chosen.map(({ address, text, host, source, rank }) => ({
    slot: slotOf(address),
    row: rowOf(address),
    id: ids.get(address)!,
    text,
    host: named(host),
    source: named(source),
    rank,
  }))
}

/** Places of the rows that are looked at: drawn by their texts' hashes, another way each round. */
function drawSample(chosen: readonly AddedRow[], count: number, round: number): number[] {
  const drawn = new LowestKeys<number>(count)
  for (const [place, { text }] of chosen.entries()) drawn.add(hashUnit(round, String(text)), () => place)
  return [...drawn.items()].sort((a, b) => a - b)
}

/** The rows of a run at addresses, in their order, whatever became of them. */
function readAt(run: RunReader, { fate, decided }: RoundsOrder, addresses: readonly number[]): AsyncGenerator<RunText> {
  const wanted = new Set(addresses)
  const isChosen = ({ slot, row }: { slot: number; row: number }) => wanted.has(addressOf(slot, row))
  return readRunTexts(run, { fate, where: new Map() }, decided, { isChosen })
}

async function* readAdded(
  run: RunReader,
  order: RoundsOrder,
  added: readonly AddedRow[],
  { groupOf }: RoundsPorts,
): AsyncGenerator<RoundText> {
  if (added.length === 0) return
  for await (const text of readAt(
    run,
    order,
    added.map(({ slot, row }) => addressOf(slot, row)),
  ))
    yield groupOf(text)
}

async function readSample(run: RunReader, order: RoundsOrder, { chosen, sample }: RoundChoice): Promise<SampleRow[]> {
  const wanted = new Map(sample.map(place => [addressOf(chosen[place].slot, chosen[place].row), chosen[place]]))
  const rows: SampleRow[] = []
  // The slot's memory goes with it.
  for await (const { slot, row, url, domain, isKept, bytes } of readAt(run, order, [...wanted.keys()]))
    rows.push({ ...wanted.get(addressOf(slot, row))!, url, domain, isKept, bytes: bytes.slice() })
  if (rows.length === sample.length) return rows
  throw new HeadraceError(
    'corrupt',
    `${run.dir} has ${rows.length} of ${sample.length} rows that a round has chosen: it is not the run that it was`,
  )
}

function figuresOf(choice: RoundChoice, judged: readonly (boolean | null)[], purityMin: number): RoundFigures {
  const { round, positives, background, learnedBackground, rows, chosen } = choice
  const [hosts, sources] = [new Map<number, number>(), new Map<number, number>()]
  for (const { host, source } of chosen) {
    countName(hosts, host ?? Number.NaN)
    countName(sources, source ?? Number.NaN)
  }
  const purity = estimatePurity(judged.filter(is => is === true).length, judged.length)
  return {
    round,
    positives,
    background,
    learnedBackground,
    rows,
    chosen: chosen.length,
    hosts: hosts.size,
    sources: sources.size,
    largestSource: [...sources.values()].reduce((most, count) => Math.max(most, count), 0),
    lowestRank: chosen[chosen.length - 1].rank,
    ...purity,
    unanswered: judged.filter(is => is === null).length,
    isAdded: purity.purity >= purityMin,
  }
}
