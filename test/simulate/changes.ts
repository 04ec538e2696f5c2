import type { Random } from '../random.ts'
import { drawFeed, type PipelineEdits, type PipelineShape } from './pipelines.ts'

/** What somebody may change of a pipeline whose run is over: what becomes of its shape, or null where there is nothing to change. */
type Change = (shape: PipelineShape, random: Random) => PipelineShape | null

const edit =
  (draw: (random: Random) => PipelineEdits): Change =>
  (shape, random) => ({ ...shape, edits: { ...shape.edits, ...draw(random) } })
const letters = (below: number, above?: number) => ({ letters: { below, ...(above !== undefined && { above }) } })
/** Changes that leave every measurement as it is: no record is read again for them. */
const afterMeasuring: Readonly<Record<string, Change>> = {
  'a looser threshold': edit(random => ({ rules: letters(random.between(5, 39)) })),
  'a tighter threshold': edit(random => ({ rules: letters(random.between(41, 150)) })),
  'a rule added': edit(random => ({ rules: letters(40, random.between(100, 400)) })),
  'a rule taken out': edit(() => ({ rules: { letters: false } })),
  'a rule of another measure': edit(() => ({ rules: { language: { oneOf: ['ru'], reason: 'not-russian' } } })),
  "a decider's similarity": edit(random => ({ similarity: random.pick([0.3, 0.5, 0.9]) })),
  "a decider's share": edit(random => ({ holdoutRate: random.pick([0.02, 0.5]) })),
  'a decider taken out': shape => (shape.deciders.length ? { ...shape, deciders: shape.deciders.slice(1) } : null),
  'a decider added': shape =>
    shape.deciders.includes('exact') ? null : { ...shape, deciders: ['exact', ...shape.deciders] },
  'the tokenizer': edit(() => ({ tokenizer: 'cl100k_base' })),
  'the mixture': (shape, random) => {
    const { feed } = shape
    // A feed goes on with another run only where its samples and steps are as large.
    return feed && { ...shape, feed: { ...drawFeed(random), length: feed.length, batch: feed.batch } }
  },
  'the feed': (shape, random) => shape.feed && { ...shape, feed: drawFeed(random) },
}

const whileMeasuring: Readonly<Record<string, Change>> = {
  'a measure added early': edit(() => ({ counts: 'early' })),
  'a measure added late': edit(() => ({ counts: 'late' })),
  "a measure's option": edit(() => ({ spaces: false })),
  'texts edited first': edit(() => ({ appends: true })),
  'texts edited last': edit(() => ({ shouts: true })),
  'texts normal or not': shape => ({ ...shape, isNormalized: !shape.isNormalized }),
  'a gate set': shape => (shape.hasGate ? null : { ...shape, hasGate: true }),
  'how documents are made': edit(() => ({ domainDefault: 'code' })),
}

/** Of a pipeline with a gate. */
const ofGates: Readonly<Record<string, Change>> = {
  'a gate taken out': shape => ({ ...shape, hasGate: false }),
  'a gate moved': edit(() => ({ isGateLast: true })),
  'a gate loosened': edit(random => {
    // The deciders look at every rule once more.
    const rules = letters(random.between(1, 15))
    return { gate: rules, rules }
  }),
  'a gate without a rule': edit(() => ({ gate: { language: false }, rules: { language: false } })),
  'a gate tightened': edit(random => ({ gate: letters(random.between(60, 150)) })),
}

export interface ChangedPipeline {
  /** In words. */
  readonly changes: readonly string[]
  readonly shape: PipelineShape
  /** Whether records may have to be read again. */
  readonly isMeasuredAnew: boolean
}

/** A pipeline with up to three changes. */
export function drawChanges(random: Random, shape: PipelineShape): ChangedPipeline {
  const changes: string[] = []
  let changed = shape
  for (let wanted = Math.round(random.spread(0.6, 3)); wanted > 0; wanted--) {
    const others = random.chance(0.5) ? afterMeasuring : whileMeasuring
    const table = changed.hasGate && random.chance(0.4) ? ofGates : others
    const name = random.pick(Object.keys(table))
    const next = table[name](changed, random)
    if (!next || changes.includes(name)) continue
    changes.push(name)
    changed = next
  }
  return { changes, shape: changed, isMeasuredAnew: changes.some(name => !(name in afterMeasuring)) }
}
