import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'
import {
  kind,
  listOf,
  name,
  number,
  type OptionsOf,
  oneOf,
  optional,
  orNull,
  type ResolvedOf,
  recordOf,
  refuseName,
  required,
  resolveOptions,
  share,
  show,
  whole,
} from '../options.ts'

/** A count that stands in 32 bits in the files of a feed. */
const count = whole(1, 2 ** 31 - 1)

/** Weight of each domain, in tokens. */
export type Mixture = Readonly<Record<string, number>>

const weights = recordOf(number(0))
const mixture = kind<Mixture>(
  'names of domains, each with a number from 0 on, one of them above 0',
  value => weights.accepts(value) && Object.values(value).some(weight => weight > 0),
  weights.hint,
)
const packing = oneOf(['concatenate', 'best-fit', 'best-fit-filled'])
const cutTargets = oneOf(['none', 'next'])
const dry = oneOf(['stop', 'renormalise', 'repeat', 'wait'])

/** What of the documents that steps before have given is drawn again. */
export interface Replay {
  /** Share of the tokens of each step, above 0 and below 1. */
  readonly share: number
  /** Domains that are drawn from, each by the tokens that it has given; null: all. */
  readonly from: readonly string[] | null
  /** How often a document is drawn again, at most. */
  readonly repeatsMax: number
}
/** The same as a pipeline gives it. */
export type ReplayOptions = Pick<Replay, 'share'> & {
  readonly from?: readonly string[] | null | undefined
  readonly repeatsMax?: number | undefined
}

/**
 * Four passes over data are worth nearly as much as new data, and more are worth less and less (Muennighoff et al. 2023, arXiv 2305.16264): a
 * document that was fed and drawn again three times has had four.
 */
export const repeatsMaxDefault = 3

const replayFields = {
  share: kind<number>('a number above 0 and below 1', value => typeof value === 'number' && value > 0 && value < 1),
  from: orNull(listOf(name, 1)),
  repeatsMax: count,
}
const hintReplay = (value: unknown): string | null => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const names = Object.keys(replayFields)
  const unknown = Object.keys(value).find(one => !names.includes(one))
  if (unknown !== undefined) return refuseName('it has no', unknown, names)
  const { share, from = null, repeatsMax = repeatsMaxDefault } = value as Partial<ReplayOptions>
  const given = Object.entries({ share, from, repeatsMax })
  const wrong = given.find(([one, of]) => !replayFields[one as keyof Replay].accepts(of))
  return wrong ? `'${wrong[0]}' is ${show(wrong[1])}: give ${replayFields[wrong[0] as keyof Replay].is}` : null
}
/** Also what a control entry may say. */
export const replay = kind<ReplayOptions>(
  'a share above 0 and below 1, as { share: 0.05, from: names of domains or null, repeatsMax: 3 }',
  value => typeof value === 'object' && value !== null && !Array.isArray(value) && hintReplay(value) === null,
  hintReplay,
)

/** With every default, and each domain once. */
export function resolveReplay({ share, from = null, repeatsMax = repeatsMaxDefault }: ReplayOptions): Replay {
  return { share, from: from && [...new Set(from)].sort(), repeatsMax }
}

/** What becomes of a feed when a domain of its mixture has no sample left and none will come. `wait` is what `stop` was called before. */
export type Dry = 'stop' | 'renormalise' | 'repeat' | 'wait'

/** What a feed gives to a trainer, fixed when it begins: in the order in which `head.json` has it. */
export const feedOptions = {
  length: required('tokens a sample', count),
  batch: required('samples a step, over all ranks', count),
  mixture: optional('weight of each domain, in tokens; null mixes them by what they have ready', orNull(mixture), null),
  packing: optional(
    'lays documents end to end, or cuts only those over a sample, or does that and fills gaps by pieces of them',
    packing,
    'concatenate',
  ),
  cutMax: optional(
    "share of the documents of a block which would fit a sample that may be cut to fill gaps, with `packing: 'best-fit-filled'`, once pieces of longer ones are used up; null: 0.005",
    orNull(share),
    null,
  ),
  align: optional(
    'begins each piece of a document at a multiple of so many tokens, with padding before it, as context parallelism needs it (2 * its ranks); it must divide length',
    whole(1, limits.alignMax),
    1,
  ),
  cutTargets: optional(
    "target of the last token of a piece whose document goes on in another one: none, or the next token, so that a row has length + 1 tokens, as Megatron's and datatrove's",
    cutTargets,
    'none',
  ),
  seed: optional('seed of all permutations', whole(Number.MIN_SAFE_INTEGER), 0),
  blockTokens: optional('tokens of a block, which is shuffled as one', count, limits.blockTokens),
  blockSlotsMax: optional('slots (of 512 KB of input) after which a block closes though it is small', count, 16_384),
  freshness: optional(
    'slots (of 512 KB of input) after which all that was kept so far is sealed and fed, so that a live feed begins soon; null: once shards and blocks are full',
    orNull(count),
    null,
  ),
  dry: optional(
    'when a domain has no sample left after the end: stop, go on without it, or feed it again; null: stop where a mixture is given',
    orNull(dry),
    null,
  ),
  replay: optional(
    'share of the tokens of each step that is drawn again from documents that steps before have given; null: none',
    orNull(replay),
    null,
  ),
  repeatMax: optional("passes over a domain at most, with `dry: 'repeat'`", count, 4),
}

/** What a pipeline says of its feed. */
export interface FeedOptions extends OptionsOf<typeof feedOptions> {}
type Resolved = ResolvedOf<typeof feedOptions>
/** What a feed says only where it is asked for, so that those which were begun before there was such an option are what they were. */
export interface LaterSettings {
  readonly cutMax?: number
  readonly align?: number
  readonly cutTargets?: 'next'
}
/** The same with every default. A feed that was begun before there was `freshness` does not say it. */
export interface FeedSettings
  extends Omit<Resolved, 'dry' | 'freshness' | 'replay' | keyof LaterSettings>,
    LaterSettings {
  readonly dry: Dry
  /** Absent where nothing is replayed. */
  readonly replay?: Replay
  readonly freshness?: number | null
}

const cutMaxDefault = 0.005

/** The options with their defaults. Throws `bad-option` for one that is not of its kind, and for those that do not go together. */
export function resolveFeedOptions(
  who: string,
  options: FeedOptions,
): Omit<Resolved, 'replay' | keyof LaterSettings> & LaterSettings & Pick<FeedSettings, 'replay'> {
  const { cutMax, align, cutTargets, replay, ...others } = resolveOptions(who, feedOptions, options)
  const isFilled = others.packing === 'best-fit-filled'
  if (cutMax !== null && !isFilled)
    throw new HeadraceError(
      'bad-option',
      `${who} has 'cutMax' ${cutMax} and 'packing' "${others.packing}", which cuts no document to fill gaps: leave it out, or give packing 'best-fit-filled'`,
    )
  checkAligned(who, others.length, align)
  if (replay) checkReplayed(who, others.dry, replay)
  return {
    ...others,
    ...(isFilled && { cutMax: cutMax ?? cutMaxDefault }),
    ...(align > 1 && { align }),
    ...(cutTargets === 'next' && { cutTargets }),
    ...(replay && { replay: resolveReplay(replay) }),
  }
}

/** Throws `bad-option` where passes over whole domains and replay would both number the passes over a block. */
export function checkReplayed(who: string, dry: Dry | null, replay: ReplayOptions): void {
  if (dry !== 'repeat') return
  throw new HeadraceError(
    'bad-option',
    `${who} has 'replay' ${JSON.stringify(replay)} and 'dry' "repeat", which both feed documents again: give one of them`,
  )
}

/** What a piece takes of its row. */
export const roomOf = (tokens: number, align: number) => Math.ceil(tokens / align) * align

/** Throws `bad-option` unless rows of this length take pieces that begin at multiples of `align`. */
export function checkAligned(who: string, length: number, align = 1): void {
  if (length % align === 0) return
  const nearest = Math.ceil(length / align) * align
  throw new HeadraceError(
    'bad-option',
    `${who} has 'length' ${length} and 'align' ${align}, which does not divide it: give a length of ${nearest}, or another align`,
  )
}

/** Whether a feed ends where its mixture can't be kept. */
export const stopsWhenDry = (dry: Dry): boolean => dry === 'stop' || dry === 'wait'
