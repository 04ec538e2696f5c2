import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { HeadraceError } from '../errors.ts'
import {
  checkOption,
  flag,
  kind,
  type OptionsOf,
  oneOf,
  optional,
  orNull,
  type ResolvedOf,
  resolveOptions,
  whole,
} from '../options.ts'
import { openShard } from '../shards/shard.ts'
import { FeedFiles, type ListedPieces, shardAt } from './files/feed-files.ts'
import { type Head, HeadFollower, rootOf, sharedSteps } from './files/head.ts'
import { LedgerReader } from './files/ledger.ts'
import { blockOf, type Step } from './files/steps.ts'
import { roomOf } from './options.ts'

/** Where a trainer stands: `step` batches were handed to it, and `digest` is that of the last one (of none: the feed's id). */
export interface FeedState {
  readonly feed: string
  readonly step: number
  readonly digest: string
}

/**
 * One rank's part of a step: `samples` rows of `length` tokens, row after row in each array. Both may change from a step to the next, by
 * control entries.
 *
 * `targets` are shifted already: `targets[i]` is the token that follows `inputIds[i]` in the same piece of a document; at a piece's end
 * and in padding it is -100. In a feed with `cutTargets: 'next'` a piece whose document goes on in another one ends with that token.
 * A loss takes them as they are; what shifts its `labels` by itself must not get them. `positionIds` count from 0 in each piece, and in padding.
 *
 * `cuSeqlensPadded` are the bounds of spans over the flattened rows, from 0 to samples * length: of each piece, with the padding that aligns
 * the next one, and of what else of a row is padding. `cuSeqlens` sums the tokens of spans without that padding: the same numbers, unless the feed has
 * an `align`. (These are `cu_seqlens_q_padded` and `cu_seqlens_q` of Transformer Engine and Megatron.) `documents` has the document's id for each span, '' for
 * padding; `domains` has each row's domain. `targetsInStep` counts the targets of all ranks in this step: what a sum of losses is divided
 * by, so that ranks with more padding than others count for what they are. Of a document that was taken down all targets are -100 from the recorded step on, and where
 * that says so its tokens are those of padding.
 */
export interface FeedBatch {
  readonly step: number
  readonly digest: string
  readonly samples: number
  readonly length: number
  readonly inputIds: Int32Array
  readonly targets: Int32Array
  readonly positionIds: Int32Array
  readonly cuSeqlens: Int32Array
  readonly cuSeqlensPadded: Int32Array
  readonly documents: readonly string[]
  readonly domains: readonly string[]
  readonly targetsInStep: number
  /** Where it was asked for. */
  readonly spans?: BatchSpans
}

/** Of each span of a batch: the slot and row of its document, 0 and 0 for padding, and a kind of `spanKinds`. */
export interface BatchSpans {
  readonly slots: Uint32Array
  readonly rows: Uint32Array
  readonly kinds: Uint8Array
}

/** Whether something is learned from a span: not from padding, nor from a document that was taken down, whose tokens may be blank, too. */
export const spanKinds = { learned: 0, padding: 1, masked: 2, blank: 3 } as const
/** The same of a piece, by what is masked of it. */
export const kindOfMasked = { nothing: spanKinds.learned, targets: spanKinds.masked, all: spanKinds.blank } as const

const { accepts: isStep } = whole()
const isState = (value: Partial<FeedState> | null) =>
  isStep(value?.step) && typeof value.feed === 'string' && typeof value.digest === 'string'
const isPlace = (value: unknown) => isStep(value) || isState(value as FeedState | null)
/** What a reader says that has read nothing is no position, and no reader may begin at the first step because of it. */
const place = kind<number | FeedState>('the number of a step, or what state() gave', isPlace, value =>
  value === null || value === undefined
    ? 'no position was saved: leave it out to begin with the first step, or give 0'
    : null,
)
const abortSignal = kind<AbortSignal>('an AbortSignal', value => value instanceof AbortSignal)

export const readFeedOptions = {
  rank: optional("this reader's number, from 0", whole(), 0),
  world: optional('readers that share each step; it must divide the batch', whole(1), 1),
  from: optional('the first step to read, or a state to go on from', place, 0),
  follow: optional('waits for further steps until the feed ends; else it ends after what is published', flag, false),
  pollMs: optional('how often a follower looks, in milliseconds', whole(0, 2 ** 31 - 1), 500),
  timeoutMs: optional(
    'how long a follower waits for a step, in milliseconds; null for ever',
    orNull(whole(1)),
    600_000,
  ),
  verify: optional(
    "what is checked of content: each piece's tokens and each block that is opened; also each shard's SHA-256; or nothing but sizes and counts",
    oneOf(['pieces', 'files', 'off']),
    'pieces',
  ),
  spans: optional("gives each span's slot and row in the log, and whether it is padding or masked", flag, false),
  filesMax: optional('files open at once; each holds a descriptor and 4 bytes a document', whole(1), 512),
  signal: optional('ends the reading when it aborts', abortSignal),
}
export interface ReadOptions extends OptionsOf<typeof readFeedOptions> {}

/** Target of a token that has no next token in its piece. */
export const noTarget = -100

/**
 * Reads a published feed, whole or one rank's part of it: sample k of a step belongs to rank k mod world, so that any world size reads
 * the same samples. Ends after the last published step, or when the feed does.
 */
export function readFeed(dir: string, options: ReadOptions = {}): FeedReader {
  const resolved = resolveOptions('readFeed()', readFeedOptions, options)
  // Left out is the first step. Undefined is a checkpoint that does not have it.
  if ('from' in options) checkOption('readFeed()', readFeedOptions, 'from', options.from)
  const { rank, world } = resolved
  const given = `rank ${rank} of world ${world}`
  if (rank >= world) throw new HeadraceError('bad-option', `readFeed() has ${given}: ranks count from 0 to world - 1`)
  return new FeedReader(dir, resolved)
}

export class FeedReader implements AsyncIterable<FeedBatch> {
  readonly #dir: string
  readonly #options: ResolvedOf<typeof readFeedOptions>
  #handed: FeedState | null

  constructor(dir: string, options: ResolvedOf<typeof readFeedOptions>) {
    this.#dir = dir
    this.#options = options
    this.#handed = typeof options.from === 'number' ? null : options.from
  }

  /**
   * Where to go on: counts the batches that were handed out. Until reading has begun it is the state that the reader was given; null where
   * it was given none, as that is known from the feed alone. Null is no position: `from` refuses it.
   */
  state(): FeedState | null {
    return this.#handed
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<FeedBatch> {
    const { rank, world, filesMax, verify, from, spans } = this.#options
    const heads = new HeadFollower(this.#dir, this.#options)
    let head = await heads.first()
    if (!head) return
    const ledger = new LedgerReader(this.#dir, head)
    const start = await startingState(head, ledger, this.#handed ?? from)
    this.#handed = start
    let { step, digest } = start
    using files = new FeedFiles(this.#dir, head.shards, filesMax)
    const checked = new Set<string>()
    for (;;) {
      if (step >= head.steps) {
        head = await heads.next(head)
        if (!head) return
        ledger.advance(head)
        continue
      }
      const found = await ledger.open(step, digest)
      checkWorld(found, world)
      const samples = samplesOf(found, files, { rank, world, verify })
      if (verify === 'files') await checkHashes(join(this.#dir, head.shards), samples, checked)
      // After the head: what is recorded for a step is recorded before the step is counted.
      await files.masks.refresh()
      if (head.version > 1) files.masks.check(found.control)
      const batch = readSamples(found, samples, files, { head, verify, spans })
      step++
      digest = found.digest
      this.#handed = { feed: head.feed, step, digest }
      yield batch
    }
  }
}

function checkWorld({ step, samples }: Step, world: number): void {
  if (samples % world === 0) return
  const divisors = Array.from({ length: samples }, (_, i) => i + 1).filter(n => samples % n === 0)
  throw new HeadraceError(
    'bad-option',
    `step ${step} has ${samples} samples, which ${world} ranks can't share; use one of ${divisors.join(', ')}`,
  )
}

/** The state to begin with, checked against the feed: another feed's or another history's is refused. */
async function startingState(head: Head, ledger: LedgerReader, from: number | FeedState): Promise<FeedState> {
  const step = typeof from === 'number' ? from : from.step
  if (step > head.steps)
    throw new HeadraceError('not-found', `step ${step} is after the ${head.steps} steps that the feed has`)
  const digest = step === 0 ? rootOf(head) : (await ledger.open(step - 1)).digest
  if (typeof from !== 'number') checkShared(head, from)
  if (typeof from !== 'number' && from.digest !== digest)
    throw new HeadraceError(
      'bad-option',
      `the state is of another history: step ${step - 1} had digest ${from.digest} and has ${digest} here`,
    )
  return { feed: head.feed, step, digest }
}

/** A fork has the steps before it in common with the feed that it parted from: a state of that one is its own until there. */
function checkShared(head: Head, { feed, step }: FeedState): void {
  const shared = sharedSteps(head, feed)
  if (step <= shared) return
  const parted = shared < 0 ? '' : `, which has only the first ${shared} steps of that in common`
  throw new HeadraceError('bad-option', `the state is of feed ${feed}, and this is feed ${head.feed}${parted}`)
}

/** What of the options says how a step is read. */
type Reading = Pick<ResolvedOf<typeof readFeedOptions>, 'rank' | 'world' | 'verify' | 'spans'>

/** A rank's samples of one range: which rows of the list are its own. */
interface Part extends ListedPieces {
  readonly rows: readonly number[]
}

/** The targets of all ranks: a piece has one less than tokens, or as many where one is known behind it, and none once its document was taken down. */
function countTargets(step: number, parts: readonly Part[], files: FeedFiles): number {
  let count = 0
  for (const part of parts)
    for (let piece = 0; piece < part.list.length.length; piece++)
      if (files.judge(part, piece, step) === 'nothing')
        count += part.list.length[piece] - (nextOf(part, piece) === noTarget ? 1 : 0)
  return count
}

/** Target of a piece's last token. */
function nextOf({ list: { bound } }: ListedPieces, piece: number): number {
  const next = bound?.next?.[piece] ?? -1
  return next < 0 ? noTarget : next
}

function samplesOf(step: Step, files: FeedFiles, { rank, world, verify }: Omit<Reading, 'spans'>): Part[] {
  const parts: Part[] = []
  let k = 0
  for (const domain of Object.keys(step.domains).sort())
    for (const [i, range] of step.domains[domain].entries()) {
      const { from, to } = range
      const rows: number[] = []
      for (let sample = from; sample < to; sample++) if (k++ % world === rank) rows.push(sample - from)
      const sha256 = verify === 'off' ? null : (step.blocks?.[domain][i] ?? null)
      const file = files.block(blockOf(domain, range), sha256)
      parts.push({ domain, list: file.read(from, to), shards: file.identity.shards, rows })
    }
  return parts
}

type SampleReading = Pick<Reading, 'verify' | 'spans'> & { readonly head: Head }

function readSamples(step: Step, parts: readonly Part[], files: FeedFiles, reading: SampleReading): FeedBatch {
  const { head, verify, spans } = reading
  const { endOfText, align = 1 } = head
  const length = step.length ?? head.length
  const samples = parts.reduce((sum, part) => sum + part.rows.length, 0)
  const [inputIds, targets, positionIds] = [0, 1, 2].map(() => new Int32Array(samples * length))
  const [bounds, real] = [[0], [0]]
  const documents: string[] = []
  const domains: string[] = []
  const places: [slot: number, row: number, kind: number][] = []
  const endSpan = (from: number, to: number, tokens: number, document: string) => {
    for (let i = from; i < to; i++) positionIds[i] = i - from
    bounds.push(to)
    real.push(real[real.length - 1] + tokens)
    documents.push(document)
  }
  const pad = (from: number, to: number) => {
    inputIds.fill(endOfText ?? 0, from, to)
    targets.fill(noTarget, from, to)
  }
  let at = 0
  for (const part of parts) {
    const { domain, list, rows } = part
    for (const row of rows) {
      const end = at + length
      for (let piece = list.offsets[row]; piece < list.offsets[row + 1]; piece++) {
        const [start, tokens] = [list.start[piece], list.length[piece]]
        if (tokens < 1 || at + tokens > end)
          throw new HeadraceError('corrupt', `step ${step.step} has a sample over ${length} tokens`)
        const ids = inputIds.subarray(at, at + tokens)
        files.readPiece(part, piece, ids, verify !== 'off')
        const masked = files.judge(part, piece, step.step)
        if (masked === 'nothing') targets.set(ids.subarray(1), at)
        else targets.fill(noTarget, at, at + tokens)
        targets[at + tokens - 1] = masked === 'nothing' ? nextOf(part, piece) : noTarget
        if (masked === 'all') ids.fill(endOfText ?? 0)
        const next = at + roomOf(tokens, align)
        pad(at + tokens, next)
        endSpan(at, next, tokens, files.shardOf(part, piece).idAt(start))
        if (spans) places.push([...files.addressOf(part, piece), kindOfMasked[masked]])
        at = next
      }
      if (at < end) {
        pad(at, end)
        endSpan(at, end, end - at, '')
        if (spans) places.push([0, 0, spanKinds.padding])
      }
      at = end
      domains.push(domain)
    }
  }
  return {
    step: step.step,
    digest: step.digest,
    samples,
    length,
    inputIds,
    targets,
    positionIds,
    cuSeqlens: Int32Array.from(real),
    cuSeqlensPadded: Int32Array.from(bounds),
    documents,
    domains,
    targetsInStep: countTargets(step.step, parts, files),
    ...(spans && { spans: spansOf(places) }),
  }
}

function spansOf(places: readonly (readonly number[])[]): BatchSpans {
  return {
    slots: Uint32Array.from(places, ([slot]) => slot),
    rows: Uint32Array.from(places, ([, row]) => row),
    kinds: Uint8Array.from(places, ([, , kind]) => kind),
  }
}

async function checkHashes(dir: string, parts: readonly Part[], checked: Set<string>): Promise<void> {
  for (const { list, shards, domain, rows } of parts)
    for (const index of rows.length > 0 ? new Set(list.shard) : []) {
      const shard = shardAt(shards, index, domain)
      const path = join(dir, shard.path)
      if (checked.has(path)) continue
      // Opened first, as that says what is missing or another file.
      openShard(path, shard).close()
      const hash = createHash('sha256')
      for await (const bytes of createReadStream(path)) hash.update(bytes)
      if (hash.digest('hex') !== shard.sha256)
        throw new HeadraceError('corrupt', `shard ${path} has other bytes than its SHA-256 ${shard.sha256} says`)
      checked.add(path)
    }
}
