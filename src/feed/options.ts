import { limits } from '../limits.ts'
import {
  kind,
  number,
  type OptionsOf,
  oneOf,
  optional,
  orNull,
  type ResolvedOf,
  recordOf,
  required,
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
const packing = oneOf(['concatenate', 'best-fit'])
const dry = oneOf(['wait', 'renormalise', 'repeat'])

/** What a feed gives to a trainer, fixed when it begins: in the order in which `head.json` has it. */
export const feedOptions = {
  length: required('tokens a sample', count),
  batch: required('samples a step, over all ranks', count),
  mixture: optional('weight of each domain, in tokens; null mixes them by what they have ready', orNull(mixture), null),
  packing: optional('lays documents end to end, or cuts only those over a sample', packing, 'concatenate'),
  seed: optional('seed of all permutations', whole(Number.MIN_SAFE_INTEGER), 0),
  blockTokens: optional('tokens of a block, which is shuffled as one', count, limits.blockTokens),
  blockSlotsMax: optional('slots (of 512 KB of input) after which a block closes though it is small', count, 16_384),
  dry: optional('when a domain has no sample left: stop, go on without it, or feed it again', dry, 'renormalise'),
  repeatMax: optional("passes over a domain at most, with `dry: 'repeat'`", count, 4),
}

/** What a pipeline says of its feed. */
export interface FeedOptions extends OptionsOf<typeof feedOptions> {}
/** The same with every default. */
export interface FeedSettings extends ResolvedOf<typeof feedOptions> {}
