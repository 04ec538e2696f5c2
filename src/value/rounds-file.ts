import { join } from 'node:path'
import { writeDurably } from '../disk/durable-file.ts'
import { readText } from '../disk/files.ts'
import {
  type Fields,
  isCount,
  isFields,
  isListOf,
  isObjectOf,
  isOneOf,
  isOptional,
  isText,
  type Shape,
} from '../disk/json-file.ts'
import { HeadraceError } from '../errors.ts'
import { sealJson } from '../sealed-json.ts'
import { openSealed } from '../text/sealed-file.ts'

/** A row that a round has chosen. */
export interface AddedRow {
  readonly slot: number
  readonly row: number
  readonly id: string
  /** Hashes of its text, and of its host and source, null without one. */
  readonly text: number
  readonly host: number | null
  readonly source: number | null
  /** The mean of the two ranks among all rows, from 0 to 1. */
  readonly rank: number
}

/** What a round has found, before anybody looked at it: `round-N.json`. */
export interface RoundChoice {
  readonly round: number
  /** Digest of the texts that the loop was begun with. */
  readonly inputs: string
  readonly positives: number
  /** Background texts that were there as negatives, and how many of them were learned from. */
  readonly background: number
  readonly learnedBackground: number
  /** Rows of the run that were scored, those without a word, and those that are held out. */
  readonly rows: number
  readonly empty: number
  readonly heldOut: number
  /** The best first. */
  readonly chosen: readonly AddedRow[]
  /** Which of them are looked at, by their places in `chosen`. */
  readonly sample: readonly number[]
  /** Names of the background texts that are no negatives in the next round. */
  readonly left: readonly number[]
}

/** What became of a round: an entry of `rounds.json`. */
export interface RoundFigures {
  readonly round: number
  readonly positives: number
  readonly background: number
  readonly learnedBackground: number
  readonly rows: number
  readonly chosen: number
  /** Hosts and sources of the chosen, and how many are of the largest source. */
  readonly hosts: number
  readonly sources: number
  readonly largestSource: number
  readonly lowestRank: number
  readonly right: number
  readonly judged: number
  /** Of the sample, those of whom the judge said nothing: they count as wrong. */
  readonly unanswered: number
  readonly purity: number
  readonly purityLow: number
  readonly isAdded: boolean
}

/** Why a loop has ended. */
export type RoundsEnd = 'impure' | 'rounds-max' | 'nothing-left'

export interface RoundsRecord {
  /** What decides which rows are chosen and how they are judged. */
  readonly order: Fields
  readonly rounds: readonly RoundFigures[]
  readonly end: RoundsEnd | null
}

const formats = { rounds: 'headrace-rounds/1', round: 'headrace-round/1' }
const isNumber: Shape = value => Number.isFinite(value)
const isName: Shape = value => value === null || isNumber(value)
const isAdded = isObjectOf({
  slot: isCount,
  row: isCount,
  id: isText,
  text: isNumber,
  host: isName,
  source: isName,
  rank: isNumber,
})
const isChoice = isObjectOf({
  round: isCount,
  inputs: isText,
  positives: isCount,
  background: isCount,
  learnedBackground: isCount,
  rows: isCount,
  empty: isCount,
  heldOut: isCount,
  chosen: isListOf(isAdded),
  sample: isListOf(isCount),
  left: isListOf(isNumber),
})
const isFigures: Shape = value =>
  isFields(value) &&
  typeof value.isAdded === 'boolean' &&
  Object.values(value).every(one => one === value.isAdded || isNumber(one))
const isRecord = isObjectOf({
  order: isFields,
  rounds: isListOf(isFigures),
  end: isOneOf(null, 'impure', 'rounds-max', 'nothing-left'),
  sha256: isOptional(isText),
})

const pathOf = (folder: string) => join(folder, 'rounds.json')
const choicePath = (folder: string, round: number) => join(folder, `round-${round}.json`)

export function readRounds(folder: string): Promise<RoundsRecord | null> {
  return readSealed<RoundsRecord>(pathOf(folder), formats.rounds, isRecord)
}

export function writeRounds(folder: string, record: RoundsRecord): Promise<unknown> {
  return writeSealed(pathOf(folder), { format: formats.rounds, ...record })
}

/** What a round has chosen, or null where it has not yet. */
export function readChoice(folder: string, round: number): Promise<RoundChoice | null> {
  return readSealed<RoundChoice>(choicePath(folder, round), formats.round, isChoice)
}

export function writeChoice(folder: string, choice: RoundChoice): Promise<unknown> {
  return writeSealed(choicePath(folder, choice.round), { format: formats.round, ...choice })
}

async function readSealed<T>(path: string, format: string, shape: Shape): Promise<T | null> {
  const text = await readText(path)
  if (text === null) return null
  const advice = 'restore it from a copy, or begin again in another folder'
  const content = openSealed(text, { file: path, format, other: 'no record of rounds', advice, again: advice })
  if (shape(content)) return content as T
  throw new HeadraceError('corrupt', `${path} does not hold what a record of rounds has; ${advice}`)
}

const writeSealed = (path: string, content: object) => writeDurably(path, [Buffer.from(sealJson(content))])
