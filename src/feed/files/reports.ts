import { join } from 'node:path'
import { listNames, readText, sizeOf } from '../../disk/files.ts'
import { isCount, isFields, isText, type Shape } from '../../disk/json-file.ts'
import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'

/** The sum of losses of a domain's targets; null where some loss was no number. */
export interface DomainLoss {
  readonly sum: number | null
  readonly targets: number
}

/** A step that has changed a trainer's model. `losses` are of all its ranks; null where it did not say them. */
export interface ConsumedStep {
  readonly step: number
  readonly digest: string
  /** ISO 8601, by the trainer's clock. */
  readonly at: string
  readonly losses: ReadonlyMap<string, DomainLoss> | null
}

/** A checkpoint: the model after the steps before `step`. `oldest` is the step of the oldest one that the trainer keeps. */
export interface Checkpoint {
  readonly step: number
  readonly digest: string
  readonly oldest: number
  readonly at: string
}

/** What a trainer has reported. */
export interface TrainerReports {
  readonly trainer: string
  /** The feed that it read; null where no file says it. */
  readonly feed: string | null
  /** The last steps that count, the newest first. */
  readonly consumed: readonly ConsumedStep[]
  readonly checkpoint: Checkpoint | null
  /** Lines that are no report: of a file that a killed trainer left in the middle of one, or of a damaged one. */
  readonly damagedLines: number
}

/** The form of `Reports` in `python/headrace/reports.py`, which writes them: a first line that says whose they are, and a line a report. */
const form = 1

const fileName = /^\d{8}\.jsonl$/
const trainerName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
/** The folder in which each trainer of a feed has one. */
export const trainersOf = (dir: string): string => join(dir, 'trainers')

/** The files of a trainer's reports, the oldest first. */
export async function listReportFiles(dir: string, trainer: string): Promise<string[]> {
  return (await listNames(join(trainersOf(dir), trainer))).filter(name => fileName.test(name)).sort()
}

/** Names of the trainers that report to a feed, in their order. Throws `limit` where they are too many. */
export async function listTrainers(dir: string): Promise<string[]> {
  const names = (await listNames(trainersOf(dir))).filter(name => trainerName.test(name)).sort()
  if (names.length <= limits.trainersMax) return names
  throw new HeadraceError(
    'limit',
    `${trainersOf(dir)} has the reports of ${names.length} trainers, over ${limits.trainersMax}: a trainer keeps its name when it is started again; remove the folders of old ones`,
  )
}

/**
 * Reads what a trainer has reported of its last steps, `stepsMax` at most. A report of a step takes back those of that step and of later ones
 * before it: the trainer went back to a checkpoint. So, from the newest line to older ones, a step counts that is below all seen so far.
 */
export async function readReports(dir: string, trainer: string, stepsMax: number): Promise<TrainerReports> {
  const folder = join(trainersOf(dir), trainer)
  const files = await listReportFiles(dir, trainer)
  const consumed: ConsumedStep[] = []
  let [checkpoint, feed, damagedLines]: [Checkpoint | null, string | null, number] = [null, null, 0]
  let lowest = Number.POSITIVE_INFINITY
  for (const name of files.reverse()) {
    const lines = await readLines(join(folder, name))
    for (const line of lines.slice(1).reverse()) {
      const report = parseReport(line)
      if (report === null) damagedLines++
      else if ('checkpoint' in report) checkpoint ??= report.checkpoint
      else if (report.step < lowest && consumed.length < stepsMax) {
        consumed.push(report)
        lowest = report.step
      }
    }
    const own = lines.length > 0 ? parseFirst(lines[0], trainer) : null
    if (lines.length > 0 && own === null) damagedLines++
    feed ??= own
    if (consumed.length >= stepsMax && checkpoint) break
  }
  return { trainer, feed, consumed, checkpoint, damagedLines }
}

/** The lines of a file. What stands behind the last line's end is of a line that was not written whole. */
async function readLines(path: string): Promise<string[]> {
  const bytes = await sizeOf(path)
  if (bytes !== null && bytes > limits.reportFileBytesMax)
    throw new HeadraceError(
      'limit',
      `${path} has ${bytes} bytes, and reports have ${limits.reportFileBytesMax} at most`,
    )
  const lines = ((await readText(path)) ?? '').split('\n')
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines
}

const isDigest: Shape = value => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)

/** The feed that a file's first line names, or null where it is none of this trainer. */
export function parseFirst(line: string, trainer: string): string | null {
  const first = parse(line)
  return first && first.form === form && first.trainer === trainer && isDigest(first.feed) ? String(first.feed) : null
}

/** A line behind the first, or null where it is no report. */
export function parseReport(line: string): ConsumedStep | { readonly checkpoint: Checkpoint } | null {
  const { step, checkpoint, oldest, digest, at, losses } = parse(line) ?? {}
  if (!isDigest(digest) || !isText(at)) return null
  const said = { digest: String(digest), at: String(at) }
  if (isCount(checkpoint))
    return isCount(oldest) && Number(oldest) <= Number(checkpoint)
      ? { checkpoint: { step: Number(checkpoint), oldest: Number(oldest), ...said } }
      : null
  if (!isCount(step)) return null
  const known = losses === undefined ? null : parseLosses(losses)
  return known === undefined ? null : { step: Number(step), ...said, losses: known }
}

/** Losses by domain; undefined for what is none. */
function parseLosses(losses: unknown): ReadonlyMap<string, DomainLoss> | undefined {
  if (!isFields(losses)) return undefined
  const parsed = new Map<string, DomainLoss>()
  for (const [domain, loss] of Object.entries(losses)) {
    if (!Array.isArray(loss) || loss.length !== 2 || !isCount(loss[1])) return undefined
    if (loss[0] !== null && typeof loss[0] !== 'number') return undefined
    parsed.set(domain, { sum: loss[0], targets: loss[1] })
  }
  return parsed
}

function parse(line: string) {
  try {
    const value: unknown = JSON.parse(line)
    return isFields(value) ? value : null
  } catch {
    return null
  }
}
