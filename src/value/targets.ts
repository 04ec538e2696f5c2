import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'
import {
  checkObject,
  kind,
  listOf,
  name,
  number,
  type OptionsOf,
  optional,
  recordOf,
  refuseName,
  required,
  resolveOptions,
  share,
  show,
} from '../options.ts'

/** What a document must have in a column: one of some names, or a number from one on and below another. */
export type Condition = { readonly oneOf: ReadonlySet<string> } | { readonly from: number; readonly below: number }

/** Documents of which so many tokens are wanted. */
export interface Target {
  readonly name: string
  /** By column; all must be met, and none is met by every document. */
  readonly where: ReadonlyMap<string, Condition>
  /** Tokens, of all that are trained on. */
  readonly wanted: number
}

export interface Targets {
  readonly targets: readonly Target[]
  /** Tokens that are wanted of all targets together. */
  readonly tokens: number
  /** How often a document may be fed. */
  readonly repeatMax: number
}

const bounds = ['from', 'below'] as const
const range = kind<Readonly<Partial<Record<(typeof bounds)[number], number>>>>(
  'an object with from, below or both, which are numbers',
  value => {
    const entries = isObject(value) ? Object.entries(value) : []
    return (
      entries.length > 0 && entries.every(([bound, at]) => bounds.some(one => one === bound) && Number.isFinite(at))
    )
  },
)
const names = listOf(name, 1)
const condition = kind<readonly string[] | { readonly from?: number; readonly below?: number }>(
  'a list of names, or { "from": number, "below": number } with one of both or both',
  value => names.accepts(value) || range.accepts(value),
)
const above0 = kind<number>('a number above 0', value => typeof value === 'number' && value > 0 && value < 1e18)
const targetTable = {
  name: required('what it is called', name),
  where: required('conditions by column; all must be met', recordOf(condition)),
  tokens: optional('tokens that are wanted', above0),
  share: optional('share of all tokens that is wanted', share),
}
/**
 * Four passes over data are worth nearly as much as new data, and more are worth less and less (Muennighoff et al. 2023, arXiv 2305.16264).
 */
const repeatMaxDefault = 4
const fileTable = {
  tokens: optional('tokens that are trained on, with shares', above0),
  repeatMax: optional('how often a document may be fed', number(1, 1000), repeatMaxDefault),
  targets: required('what is wanted', listOf(kind<object>('an object', isObject), 1)),
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Reads a file of targets. Throws `bad-option` for what it does not know, and for targets that contradict each other. */
export function parseTargets(text: string, file: string): Targets {
  const given = resolveOptions(file, fileTable, parseJson(text, file))
  if (given.targets.length > limits.targetsMax)
    throw new HeadraceError(
      'limit',
      `${file} has ${given.targets.length} targets, and ${limits.targetsMax} are the most`,
    )
  const read = given.targets.map((target, i) => readTarget(`${file}: target ${i + 1}`, target))
  const twice = read.find(({ name }, i) => read.findIndex(other => other.name === name) < i)
  if (twice) throw refuse(`${file} has two targets named '${twice.name}': give each its own name`)
  const wanted = wantedOf(file, read, given.tokens)
  const targets = read.map(({ name, where }, i) => ({ name, where: conditionsOf(where), wanted: wanted[i] }))
  return { targets, tokens: wanted.reduce((sum, tokens) => sum + tokens, 0), repeatMax: given.repeatMax }
}

function parseJson(text: string, file: string): OptionsOf<typeof fileTable> {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new HeadraceError('bad-option', `${file} is no JSON: ${(error as Error).message}`, error)
  }
}

type ReadTarget = ReturnType<typeof readTarget>
function readTarget(who: string, given: object) {
  checkObject(who, given)
  return resolveOptions(who, targetTable, given as OptionsOf<typeof targetTable>)
}

/** All targets say tokens, or all say shares of the tokens of the file. */
function wantedOf(file: string, targets: readonly ReadTarget[], all: number | undefined): number[] {
  const both = targets.find(({ tokens, share }) => (tokens === undefined) === (share === undefined))
  if (both) throw refuse(`${file}: target '${both.name}' takes tokens or a share, one of both`)
  const isShared = targets[0].share !== undefined
  const other = targets.find(({ share }) => (share !== undefined) !== isShared)
  if (other)
    throw refuse(
      `${file}: target '${other.name}' has ${isShared ? 'tokens' : 'a share'}, and '${targets[0].name}' has not: give all of them one of both`,
    )
  if (!isShared && all !== undefined)
    throw refuse(`${file} has 'tokens' ${show(all)}, and each target has its own: leave one of both out`)
  if (!isShared) return targets.map(({ tokens }) => tokens!)
  if (all === undefined) throw refuse(`${file} has shares and no 'tokens': say how many tokens are trained on`)
  const sum = targets.reduce((total, { share }) => total + share!, 0)
  // Shares as people write them: three of 0.333 are meant to be all.
  if (Math.abs(sum - 1) > 0.002)
    throw refuse(
      `${file}: the shares come to ${+sum.toPrecision(6)}, not 1; a last target with "where": {} takes all that is left`,
    )
  return targets.map(({ share }) => (share! / sum) * all)
}

function conditionsOf(where: ReadTarget['where']): ReadonlyMap<string, Condition> {
  const read = ([column, given]: [string, ReadTarget['where'][string]]): [string, Condition] => {
    if (Array.isArray(given)) return [column, { oneOf: new Set(given as readonly string[]) }]
    const { from = Number.NEGATIVE_INFINITY, below = Number.POSITIVE_INFINITY } = given as {
      from?: number
      below?: number
    }
    return [column, { from, below }]
  }
  return new Map(Object.entries(where).map(read))
}

function refuse(what: string): HeadraceError {
  return new HeadraceError('bad-option', what)
}

/** What to do where a run lacks a column that a target asks for. */
export function refuseColumn({ name }: Target, column: string, dir: string, known: readonly string[]): HeadraceError {
  const advice =
    "add the annotator that writes it to the pipeline; 'headrace replay RUN PIPELINE' then measures it over the same documents, and nothing else again"
  const found = refuseName(`target '${name}' asks for a column that ${dir} has not:`, column, known)
  return new HeadraceError('bad-option', `${found}. ${adviceOn(column)}${advice}`)
}

/** Where the columns come from that are fitted before. */
function adviceOn(column: string): string {
  if (column.startsWith('class:'))
    return "classifier() writes it, by a model of 'headrace classifier fit' (of names: --labels and --kind class): "
  if (column.startsWith('seed:')) return "seedSimilarity() writes it, by a seed of 'headrace seed fit': "
  if (column.startsWith('lm:')) return "languageModel() writes it, by a model of 'headrace lm fit': "
  if (column.endsWith('Rank')) return "rank() writes it, by a table of 'headrace calibrate': "
  return ''
}
