import { Random } from '../random.ts'
import { type Afterwards, drawAfterwards } from './afterwards.ts'
import { type CorpusFile, drawCorpus, lengthen, shorten } from './corpus.ts'
import { addStrange } from './corpus-strange.ts'
import { drawPipeline, type PipelineShape } from './pipelines.ts'
import type { Limits } from './small-limits.ts'

/** What is run and under which limits, drawn from a seed. */
export interface Case {
  readonly seed: number
  readonly files: readonly CorpusFile[]
  readonly pipeline: PipelineShape
  readonly limits: Required<
    Pick<Limits, 'lanes' | 'slotBytes' | 'documentBytesMax' | 'shardTokensMax' | 'shardSlotsMax'>
  > &
    Limits
  readonly workers: number
  /** Waits for further files, until all are there; then it is run to its end as a finite source. */
  readonly follow: boolean
  /** Whether files come while it runs, so that slots are what the run made of them. */
  readonly isGrowing: boolean
  readonly hasPoison: boolean
  /** Whether the files that are there from the start were written long before, so that their times tell that nobody wrote to them since. */
  readonly isSettled: boolean
  /** Whether the file system takes two names for one that differ in case alone. */
  readonly foldsCase: boolean
  /** What is done with the run once it is over, or null. */
  readonly afterwards: Afterwards | null
}

/** The case of a seed; with its first `lines` lines alone where a number is given. */
export function drawCase(seed: number, lines = Number.POSITIVE_INFINITY): Case {
  const random = new Random(seed)
  const workers = random.between(1, 3)
  const limits = drawLimits(random.fork('limits'), workers)
  const drawn = drawPipeline(random.fork('pipeline'))
  const follow = random.chance(0.2)
  const hasPoison = random.chance(0.15)
  const isGrowing = follow || random.chance(0.1)
  const shape = {
    documents: Math.round(random.spread(10, 120)),
    files: random.between(1, 7),
    isGrowing,
    poison: hasPoison ? 0.04 : 0,
  }
  const plain = drawCorpus(random.fork('corpus'), shape, limits.documentBytesMax)
  const input = drawInput(random.fork('input'))
  const strange = addStrange(random.fork('strange'), plain, input)
  const named = input.isNested ? strange.map(nest) : strange
  // A line that is too long is read slot by slot.
  const isLong = input.isLong && limits.slotBytes > 2000
  const files = isLong ? [lengthen(named[0]), ...named.slice(1)] : named
  const pattern = input.isNested ? '/sim/in/*/*.jsonl' : '/sim/in/*.jsonl'
  const pipeline = { ...drawn, pattern }
  const afterwards = drawAfterwards(random.fork('afterwards'), pipeline)
  // Of a run that does not store its texts there is no replay.
  const isStored = afterwards !== null || !pipeline.hasGate
  const storedText = isStored ? 'all' : random.fork('texts').pick(['kept', 'none'] as const)
  return {
    seed,
    workers,
    follow,
    isGrowing,
    hasPoison,
    isSettled: input.isSettled,
    foldsCase: input.foldsCase,
    limits: { ...limits, ...drawNameLimits(random.fork('names'), input.hasDomains) },
    files: shorten(files, lines),
    pipeline: { ...pipeline, storedText },
    afterwards,
  }
}

/** How the files lie. */
const drawInput = (random: Random) => ({
  isSettled: random.chance(0.7),
  isNested: random.chance(0.3),
  isLong: random.chance(0.1),
  hasDomains: random.chance(0.25),
  hasMeetings: random.chance(0.1),
  foldsCase: random.chance(0.4),
})

/** How many names are kept apart, which are those that ship where documents have none that is strange. */
function drawNameLimits(random: Random, isStrange: boolean): Required<NameLimits> {
  const isFew = isStrange && random.chance(0.6)
  const isFewFed = isStrange && random.chance(0.6)
  return {
    // There are two languages.
    domainsMax: isFew ? random.between(3, 9) : 4096,
    fedDomainsMax: isFewFed ? random.between(1, 6) : 1024,
    nameLengthMax: isFew && random.chance(0.4) ? 250 : 512,
  }
}

type NameLimits = Pick<Limits, 'domainsMax' | 'fedDomainsMax' | 'nameLengthMax'>

/** In a folder of those whose names begin with the same letter. */
function nest(file: CorpusFile): CorpusFile {
  const name = file.name.slice(file.name.lastIndexOf('/') + 1)
  return { ...file, name: `/sim/in/${name[0]}/${name}` }
}

function drawLimits(random: Random, workers: number): Case['limits'] {
  const slotsInFlightPerWorker = random.between(1, 3)
  const drawn = {
    slotBytes: Math.round(random.spread(700, 8000)),
    documentBytesMax: Math.round(random.spread(2000, 6000)),
    lanes: random.between(1, 4),
    slotsInFlightPerWorker,
    // More than the slots in flight, as it is with the limits that ship.
    stageLeadSlotsMax: workers * slotsInFlightPerWorker + random.between(1, 12),
    segmentBytesMax: Math.round(random.spread(2000, 40_000)),
    commitBytesMax: Math.round(random.spread(8000, 60_000)),
    shardTokensMax: Math.round(random.spread(100, 4000)),
    shardSlotsMax: random.between(2, 12),
    recordBatchBytesMax: Math.round(random.spread(500, 20_000)),
    ledgerSegmentSteps: random.between(2, 9),
    slotSecondsMax: 2,
    rowSecondsMax: 1,
    // Below what any note has, between, or above: positions with long notes, short ones, and both in one run.
    noteLengthMax: Math.round(random.spread(100, 5000)),
  }
  // Snapshots within a segment, too.
  return { ...drawn, snapshotSteps: Math.ceil(drawn.ledgerSegmentSteps / 2) }
}
