// node deploy/sizing.ts        prints the table of README.md
//
// What a day of text needs, from what was measured on two cores of a shared virtual machine with at most 0.66 GB of text: every column
// is an extrapolation, and a reason to measure your own documents first.

/** Bytes are decimal: MB is 10^6. "Text" is the documents' text alone. */
export const measured = {
  /** The corpus of the figures below. */
  corpus: { textBytes: 0.66e9, documents: 141_121 },
  /** `pipelines/fineweb.ts`, JSON Lines to sealed shards: MB of text a second on one core, and peak memory of a worker thread. */
  chain: { mbPerSecond: 9.9, threadBytes: 264e6 },
  /** Tokenizing (o200k), MB/s a core, the slowest text. */
  tokens: { mbPerSecond: 25 },
  /** Memory of both tables of duplicates for a kept document; most of it is the near-duplicates'. */
  tables: { bytesPerKept: 485, documentsPerSecond: 240_000 },
  /**
   * 2 GB in entries of 512 KB, one partition, broker and client on one core: the client's own producer writes `plainMbPerSecond`, our
   * commits reach `commitShare` of that and more. CPU of our client, seconds a GB.
   */
  kafka: { plainMbPerSecond: 103, commitShare: 0.61, writeSecondsPerGb: 2.95, readSecondsPerGb: 1.32 },
  /** `pipelines/quickstart.ts` over the sample: bytes in each place, for its bytes of text. */
  sample: {
    textBytes: 8_808_968,
    inputBytes: 9_800_000,
    annotatedBytes: 10_989_680,
    decidedBytes: 6_366_544,
    shardBytes: 6_486_076,
    feedBytes: 185_878,
    tableFileBytes: 601_230,
    documents: 2668,
    kept: 1900,
  },
} as const

/** What is decided, not measured. */
export const assumed = {
  /** How busy cores and a commit's path may be: the rest is for peaks and for catching up after a stop. */
  share: 0.6,
  coresPerWorker: 4,
  copies: 3,
  /** So that partitions spread evenly over any number of workers, also over more than now: a run keeps its partitions. */
  partitionsPerWorker: 4,
  partitionsMin: 8,
  /** `limits.stateBytesMax`. */
  tableBytesMax: 8 * 1024 ** 3,
} as const

export interface Sizing {
  readonly textMbPerSecond: number
  readonly documentsPerSecond: number
  readonly workerCores: number
  readonly workers: number
  readonly workerBytes: number
  readonly orderedCores: number
  readonly brokerCores: number
  readonly runsBySpeed: number
  readonly partitionsPerRun: number
  readonly tableBytes: number
  readonly runsByTables: number
  readonly stateFileBytes: number
  readonly kafkaBytes: number
  readonly feedBytes: number
  readonly kafkaInMbPerSecond: number
  readonly kafkaOutMbPerSecond: number
}

const { sample, chain, tokens, tables, kafka, corpus } = measured
/** Bytes of each, for a byte of text. */
const input = sample.inputBytes / sample.textBytes
const annotated = sample.annotatedBytes / sample.textBytes
const decided = sample.decidedBytes / sample.textBytes
const fed = (sample.shardBytes + sample.feedBytes) / sample.textBytes
const kept = sample.kept / sample.documents
const documentBytes = corpus.textBytes / corpus.documents
/** Of text, on one core: measuring, and reading and writing what a worker does of each. */
const workerSecondsPerMb =
  1 / chain.mbPerSecond + (input * kafka.readSecondsPerGb + annotated * kafka.writeSecondsPerGb) / 1000
const orderedSecondsPerMb =
  kept / tokens.mbPerSecond +
  1e6 / documentBytes / tables.documentsPerSecond +
  ((input + decided) * kafka.writeSecondsPerGb + (annotated + decided) * kafka.readSecondsPerGb) / 1000

/** MB of text a second at which the one loader of a run commits all that it may. */
export const loaderMbPerSecond = (kafka.plainMbPerSecond * kafka.commitShare) / input
/** The same for the one decider. */
export const deciderMbPerSecond = Math.min(
  (kafka.plainMbPerSecond * kafka.commitShare) / decided,
  (tables.documentsPerSecond * documentBytes) / 1e6,
)
/** Bytes of text after which the tables of one run are full. */
export const textBytesPerTables = (assumed.tableBytesMax / tables.bytesPerKept / kept) * documentBytes

/** What so much text a day needs, in all runs together. */
export function sizeFor(textBytesPerDay: number): Sizing {
  const mb = textBytesPerDay / 86_400 / 1e6
  const workerCores = Math.ceil((mb * workerSecondsPerMb) / assumed.share)
  const workers = Math.ceil(workerCores / assumed.coresPerWorker)
  const runsBySpeed = Math.ceil(mb / assumed.share / Math.min(loaderMbPerSecond, deciderMbPerSecond))
  const documentsPerDay = textBytesPerDay / documentBytes
  const written = input + annotated + decided
  // What is decided is read twice, by the owner and by the standby; so is what is annotated.
  const read = input + 2 * annotated + 2 * decided
  return {
    textMbPerSecond: mb,
    documentsPerSecond: documentsPerDay / 86_400,
    workerCores,
    workers,
    workerBytes: 2 * workerCores * chain.threadBytes,
    orderedCores: Math.ceil((2 * mb * orderedSecondsPerMb) / assumed.share),
    brokerCores: Math.ceil((mb * (written * assumed.copies + read)) / kafka.plainMbPerSecond / assumed.share),
    runsBySpeed,
    partitionsPerRun:
      2 ** Math.ceil(Math.log2(Math.max(assumed.partitionsMin, (assumed.partitionsPerWorker * workers) / runsBySpeed))),
    tableBytes: documentsPerDay * kept * tables.bytesPerKept,
    runsByTables: Math.ceil(textBytesPerDay / textBytesPerTables),
    stateFileBytes: (documentsPerDay * kept * sample.tableFileBytes) / sample.kept,
    // What was loaded goes when it is annotated; the rest stays until the run's topics are deleted or trimmed.
    kafkaBytes: textBytesPerDay * (annotated + decided) * assumed.copies,
    feedBytes: textBytesPerDay * fed,
    kafkaInMbPerSecond: mb * written,
    kafkaOutMbPerSecond: mb * (read + written * (assumed.copies - 1)),
  }
}

const rows: readonly (readonly [string, (size: Sizing) => string, string])[] = [
  ['text', size => `${round(size.textMbPerSecond)} MB/s`, 'a day has 86,400 s'],
  [
    'documents',
    size => `${formatCount(size.documentsPerSecond)} /s`,
    `${formatCount(documentBytes)} bytes of text each, as in the corpus`,
  ],
  [
    'workers: cores',
    size => formatCount(size.workerCores),
    `${chain.mbPerSecond} MB/s a core, and the client's CPU for Kafka; busy at ${percent(assumed.share)}`,
  ],
  ['workers: processes', size => formatCount(size.workers), `${assumed.coresPerWorker} cores each`],
  [
    'workers: memory',
    size => bytes(size.workerBytes),
    `${chain.threadBytes / 1e6} MB a core at its peak, twice that for long documents`,
  ],
  [
    'ordered stages: cores',
    size => formatCount(size.orderedCores),
    `tokens of the ${percent(kept)} kept at ${tokens.mbPerSecond} MB/s, ${formatCount(tables.documentsPerSecond)} documents/s decided, Kafka's CPU; twice, for the standby`,
  ],
  [
    'brokers: cores',
    size => formatCount(size.brokerCores),
    `${kafka.plainMbPerSecond} MB/s a core in and out, ${assumed.copies} copies; busy at ${percent(assumed.share)}`,
  ],
  [
    'runs, by speed',
    size => formatCount(size.runsBySpeed),
    `one loader commits ${round(loaderMbPerSecond)} MB/s of text; busy at ${percent(assumed.share)}`,
  ],
  [
    'partitions a run',
    size => formatCount(size.partitionsPerRun),
    `${assumed.partitionsPerWorker} a worker, up to a power of two, at least ${assumed.partitionsMin}`,
  ],
  [
    'tables of duplicates: memory',
    size => bytes(size.tableBytes),
    `of a day's kept documents, ${tables.bytesPerKept} bytes each; the standby has the same`,
  ],
  [
    'runs, by their tables',
    size => formatCount(size.runsByTables),
    `8 GiB a run hold the kept of ${bytes(textBytesPerTables)} of text`,
  ],
  [
    'state on disk',
    size => bytes(size.stateFileBytes),
    `a day's; ${formatCount(sample.tableFileBytes / sample.kept)} bytes a kept document; again for the standby and the snapshot`,
  ],
  [
    'Kafka on disk',
    size => bytes(size.kafkaBytes),
    `a day's, uncompressed: ${round(annotated)} annotated, ${round(decided)} decided, for 1 of text; ${assumed.copies} copies`,
  ],
  ['shards and feed', size => bytes(size.feedBytes), `a day's: ${round(fed)} for 1 of text`],
  [
    'network into brokers',
    size => `${round(size.kafkaInMbPerSecond)} MB/s`,
    `what clients write: those, and ${round(input)} loaded`,
  ],
  [
    'network out of brokers',
    size => `${round(size.kafkaOutMbPerSecond)} MB/s`,
    'to workers, owner and standby, and the other copies',
  ],
]

/** The table, as Markdown. */
export function sizingTable(): string {
  const sizes = [1e12, 10e12, 100e12].map(sizeFor)
  const lines = rows.map(([name, show, how]) => `| ${[name, ...sizes.map(show), how].join(' | ')} |`)
  return [
    '| text a day | 1 TB | 10 TB | 100 TB | how |',
    '| ---------- | ---: | ----: | -----: | --- |',
    ...lines,
    '',
  ].join('\n')
}

function round(value: number): string {
  return formatCount(value, value < 10 ? 2 : value < 100 ? 1 : 0)
}

function formatCount(value: number, digits = 0): string {
  return value.toLocaleString('en', { maximumFractionDigits: digits })
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`
}

function bytes(count: number): string {
  const unit = count < 1e12 ? 'GB' : count < 1e15 ? 'TB' : 'PB'
  return `${round(count / { GB: 1e9, TB: 1e12, PB: 1e15 }[unit])} ${unit}`
}

if (import.meta.main) process.stdout.write(sizingTable())
