import { join } from 'node:path'
import { listNames } from '../disk/files.ts'
import { isCount, isListOf, isObjectOf, isOneOf, isOptional, isText, readJson, type Shape } from '../disk/json-file.ts'
import type { Head } from '../feed/files/head.ts'

/** Below a feed's folder. */
export const rowsFolder = 'rows'

/** How spans lie in the rows. 2 where the feed has one of these: who knows of version 1 alone would lay them out end to end. */
interface RowForm extends Pick<Head, 'align' | 'cutTargets'> {
  readonly version: 1 | 2
}

export function formOf({ align, cutTargets }: Pick<Head, 'align' | 'cutTargets'>): RowForm {
  if (!align && !cutTargets) return { version: 1 }
  return { version: 2, ...(align && { align }), ...(cutTargets && { cutTargets }) }
}

/**
 * What `rows/<first step>.json` says of some steps of one batch size and length, which are in the two files that it names. `ids` has int32
 * [steps, batch, length], the tokens as a trainer is given them; row r of a step is its sample `order[r]`. `spans` has for each step what
 * else a batch has (`step-spans.ts`), up to byte `spansEnds[i]`. Lists have a value a step: the step's digest, the SHA-256 of its bytes in
 * `ids`, how many targets it has, and `seals`, which binds what `spans` says to all of these and to the feed.
 */
export interface RowFile extends RowForm {
  readonly feed: string
  /** The first step. */
  readonly first: number
  readonly steps: number
  readonly batch: number
  readonly length: number
  readonly endOfText: number | null
  readonly ids: string
  readonly spans: string
  readonly order: readonly number[]
  readonly domains: readonly string[]
  /** Take-downs of the feed that its tokens and targets are masked by: all that there were when the file was begun, or looked at again. */
  readonly takeDowns: number
  readonly digests: readonly string[]
  readonly sha256: readonly string[]
  readonly targets: readonly number[]
  readonly spansEnds: readonly number[]
  readonly seals: readonly string[]
}

const isHash: Shape = value => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
const isName =
  (suffix: string): Shape =>
  value =>
    typeof value === 'string' && new RegExp(`^\\d{8,16}(?:\\.\\d{1,9})?\\.${suffix}$`).test(value)
const isEndOfText: Shape = value => value === null || isCount(value)

const isRowFile = isObjectOf({
  version: isOneOf(1, 2),
  align: isOptional(isCount),
  cutTargets: isOptional(isOneOf('next')),
  feed: isText,
  first: isCount,
  steps: isCount,
  batch: isCount,
  length: isCount,
  endOfText: isEndOfText,
  ids: isName('i32'),
  spans: isName('spans'),
  order: isListOf(isCount),
  domains: isListOf(isText),
  takeDowns: isCount,
  digests: isListOf(isHash),
  sha256: isListOf(isHash),
  targets: isListOf(isCount),
  spansEnds: isListOf(isCount),
  seals: isListOf(isHash),
})

/** Reads one, or null where there is none. Throws `corrupt`. */
export async function readRowFile(dir: string, name: string): Promise<RowFile | null> {
  const path = join(dir, name)
  const file = await readJson<RowFile>(path, isRowFile, 'describes no rows: remove it, and materialise again')
  const lists = file && [file.digests, file.sha256, file.targets, file.spansEnds, file.seals]
  if (file === null || lists?.every(list => list.length === file.steps)) return file
  return readJson<RowFile>(path, () => false, 'has more or fewer values than steps: remove it, and materialise again')
}

/** The names of the descriptions in a folder of rows, in the order of their steps. */
export async function listRowFiles(dir: string): Promise<string[]> {
  const names = (await listNames(dir)).filter(name => /^\d{8,16}\.json$/.test(name))
  return names.sort((a, b) => firstOf(a) - firstOf(b))
}

/** The first step of a description, by its name. */
export const firstOf = (name: string): number => Number.parseInt(name, 10)

export const descriptionName = (first: number): string => `${String(first).padStart(8, '0')}.json`

/** Files of the same steps that are made again have another number: who reads the ones before goes on reading them. */
export function dataName(first: number, edition: number, suffix: 'i32' | 'spans'): string {
  return `${String(first).padStart(8, '0')}${edition > 0 ? `.${edition}` : ''}.${suffix}`
}

/** The number of the edition that a name of data has. */
export const editionOf = (ids: string): number => Number(/\.(\d+)\.i32$/.exec(ids)?.[1] ?? 0)

/** The steps of a file that begins with a step: up to the next multiple of so many. */
export const gridEnd = (step: number, fileSteps: number): number => (Math.floor(step / fileSteps) + 1) * fileSteps
