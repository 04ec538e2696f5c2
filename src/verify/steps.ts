import { join } from 'node:path'
import { tokenize } from '../annotate/tokenize.ts'
import { type Batch, list, numbers, utf8 } from '../batch/batch.ts'
import { takeRows } from '../batch/rows.ts'
import { BlockFile } from '../feed/files/block-file.ts'
import { blockOf, type Step } from '../feed/files/steps.ts'
import { type FeedBatch, noTarget, readFeed } from '../feed/read.ts'
import type { RunReader } from '../record/run-reader.ts'
import { openShard } from '../shards/shard.ts'
import type { EncodingName } from '../text/tokens/bpe.ts'
import type { Check } from './check.ts'
import type { FoundMasks } from './take-downs.ts'

const advice = 'see the rows above for the file that is damaged; if they all hold, keep the run and report it'

/** Documents of a step whose text is tokenized once more. Each costs reading its slot. */
const documentsPerStep = 4

/** Steps to look at closely, of those from `first` on: the first, the last, and others evenly between. */
export function chooseSteps(steps: number, stepsMax: number, first = 0): number[] {
  const last = steps - 1
  const count = Math.min(steps - first, stepsMax)
  const at = (i: number) => (count === 1 ? last : first + Math.round((i * (last - first)) / (count - 1)))
  return [...new Set(Array.from({ length: count }, (_, i) => at(i)))]
}

/** Where a feed lies, and what of it lies outside: the runs that its documents are of, and what was taken down. */
export interface StepPlace {
  /** The folder of its run, or the home of a feed of several. */
  readonly home: string
  readonly tokenizer: unknown
  /** The run that a shard is of, by its path from the shards folder; null where it is gone. */
  readonly findOwner: (path: string) => RunReader | null
  readonly masks: FoundMasks
}

/**
 * Reads steps as trainers do: the ranks of a larger world must get the samples that one reader gets, and their tokens must be those of
 * the kept texts, tokenized once more.
 */
export async function verifySteps(
  place: StepPlace,
  folder: string,
  steps: readonly Step[],
  check: Check,
): Promise<void> {
  const dir = join(place.home, folder)
  const tokenizer = openTokenizer(place.tokenizer)
  if (!tokenizer) check.note('texts were not tokenized again: the tokenizer is not one of ours')
  for (const step of steps) {
    const where = { file: folder, place: `step ${step.step}` }
    check.counted++
    await check.attempt(where, advice, async () => {
      const whole = await readStep(dir, step.step, 0, 1)
      const problems = [...judgeStep(step, whole), ...(await judgeRanks(dir, whole))]
      if (tokenizer) problems.push(...(await judgeTexts({ place, dir, step, batch: whole, tokenizer })))
      for (const what of problems) check.fail(where, what, advice)
    })
  }
}

async function readStep(dir: string, from: number, rank: number, world: number): Promise<FeedBatch> {
  for await (const batch of readFeed(dir, { from, rank, world })) return batch
  throw new RangeError(`rank ${rank} of ${world} gets no step ${from}`)
}

function judgeStep(step: Step, batch: FeedBatch): string[] {
  const { samples, digest, documents, cuSeqlens, targetsInStep } = batch
  let tokens = 0
  for (const [i, document] of documents.entries()) if (document !== '') tokens += cuSeqlens[i + 1] - cuSeqlens[i]
  const problems: string[] = []
  if (digest !== step.digest) problems.push(`a reader gets digest ${digest}, and the ledger has ${step.digest}`)
  if (samples !== step.samples) problems.push(`a reader gets ${samples} samples of ${step.samples}`)
  // A document may have an empty id, and then its tokens can't be told from padding by it.
  if (tokens > step.tokens || (tokens < step.tokens && !documents.includes('')))
    problems.push(`a reader gets ${tokens} tokens of ${step.tokens}`)
  const targets = batch.targets.reduce((count, target) => count + (target === noTarget ? 0 : 1), 0)
  if (targets !== targetsInStep) problems.push(`a reader is told of ${targetsInStep} targets and gets ${targets}`)
  return problems
}

/** Whether the ranks of the smallest larger world together get what one reader gets. */
async function judgeRanks(dir: string, whole: FeedBatch): Promise<string[]> {
  let world = 2
  while (world < whole.samples && whole.samples % world !== 0) world++
  if (whole.samples < 2) return []
  const { length } = whole
  for (let rank = 0; rank < world; rank++) {
    const part = await readStep(dir, whole.step, rank, world)
    if (part.targetsInStep !== whole.targetsInStep)
      return [
        `rank ${rank} of ${world} is told of ${part.targetsInStep} targets, and one reader of ${whole.targetsInStep}`,
      ]
    for (let i = 0; i < part.samples; i++)
      for (const name of ['inputIds', 'targets', 'positionIds'] as const) {
        const [mine, all] = [part[name], whole[name]]
        const at = (i * world + rank) * length
        for (let t = 0; t < length; t++)
          if (mine[i * length + t] !== all[at + t])
            return [`rank ${rank} of ${world} gets other ${name} in sample ${i * world + rank} than one reader`]
      }
  }
  return []
}

type Tokenizer = (text: Batch) => Promise<Int32Array>

function openTokenizer(options: unknown): Tokenizer | null {
  const { encoding, endOfText = true } = (options ?? {}) as { encoding?: EncodingName; endOfText?: boolean }
  if (!encoding || !['o200k_base', 'cl100k_base', 'r50k_base', 'gpt2'].includes(encoding)) return null
  const annotator = tokenize(encoding, { endOfText })
  return async batch => {
    const { tokens } = await annotator.annotate(batch)
    return list({ rows: batch.rows, columns: { tokens } }, 'tokens').values
  }
}

/** Where the first piece of a sample lies: in which shard, from which of its tokens on, and where in the batch. */
interface Piece {
  readonly path: string
  readonly slotOffset: number
  /** The token behind it in its document, where the block says one. */
  readonly next: number | null
  readonly start: number
  readonly length: number
  readonly at: number
}

interface Read {
  readonly place: StepPlace
  readonly dir: string
  readonly step: Step
  readonly batch: FeedBatch
  readonly tokenizer: Tokenizer
}

async function judgeTexts({ place, dir, step, batch, tokenizer }: Read): Promise<string[]> {
  const problems: string[] = []
  for (const { path, slotOffset, start, length, at, next } of choosePieces(dir, step, batch.length)) {
    const owner = place.findOwner(path)
    if (!owner) continue
    const { slot, row, from } = findDocument(join(place.home, 'shards', path), start)
    if (slot < owner.first) continue
    const text = await readKept(owner, slot, row)
    const where = `slot ${slot}, row ${row}`
    if (!text) {
      problems.push(`the log has not kept ${where}, of which shard ${path} has tokens`)
      continue
    }
    const fed = batch.inputIds.subarray(at, at + length)
    const masked = place.masks.at(slotOffset + slot, row, step.step)
    const all = text.columns.text && masked !== 'all' ? await tokenizer(text) : null
    const tokens = all?.subarray(from, from + length) ?? fed
    const last = next ?? noTarget
    if (tokens.length !== length || tokens.some((token, i) => token !== fed[i]))
      problems.push(`it feeds other tokens of ${where} (shard ${path}) than its text gives`)
    if (all && next !== null && next !== (all[from + length] ?? noTarget))
      problems.push(`it feeds another token behind a piece of ${where} (shard ${path}) than its text gives`)
    const targets = batch.targets.subarray(at, at + length)
    const isTold = targets.every((target, i) => target === (masked ? noTarget : i === length - 1 ? last : fed[i + 1]))
    if (!isTold) problems.push(`${where} is ${masked ? '' : 'not '}taken down, and its targets say otherwise`)
  }
  return problems
}

/** The first pieces of some samples: of one in each range, beginning with another range in each step. */
function choosePieces(dir: string, step: Step, length: number): Piece[] {
  const pieces: Piece[] = []
  let sample = 0
  for (const domain of Object.keys(step.domains).sort())
    for (const range of step.domains[domain]) {
      const { from, to } = range
      using file = new BlockFile(dir, blockOf(domain, range))
      const samples = file.read(from, from + 1)
      const { path, slotOffset = 0 } = file.identity.shards[samples.shard[0]]
      const next = samples.bound?.next ? (samples.bound.next[0] < 0 ? noTarget : samples.bound.next[0]) : null
      pieces.push({ path, slotOffset, start: samples.start[0], length: samples.length[0], at: sample * length, next })
      sample += to - from
    }
  const first = step.step % pieces.length
  return [...pieces.slice(first), ...pieces.slice(0, first)].slice(0, documentsPerStep)
}

/** The document that holds a shard's token, and which of its own tokens that is. */
function findDocument(path: string, token: number): { slot: number; row: number; from: number } {
  using shard = openShard(path)
  const lengths = shard.lengths()
  let [index, start] = [0, 0]
  while (start + lengths[index] <= token) start += lengths[index++]
  let before = 0
  for (const batch of shard.batches(['slot', 'row'])) {
    if (index < before + batch.rows) {
      const [slot, row] = ['slot', 'row'].map(name => numbers(batch, name)[index - before])
      return { slot, row, from: token - start }
    }
    before += batch.rows
  }
  throw new RangeError(`${path} has no row ${index}`)
}

async function readKept(run: RunReader, slot: number, row: number): Promise<Batch | null> {
  const batch = await run.kept(slot)
  if (!batch) return null
  const index = numbers(batch, 'row').indexOf(row)
  // A run may not store its texts.
  const columns = batch.columns.text ? { text: utf8(batch, 'text') } : {}
  return index < 0 ? null : takeRows({ rows: batch.rows, columns }, [index])
}
