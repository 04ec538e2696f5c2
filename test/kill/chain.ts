import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from '../temporary.ts'
import { formatKill, type Kill, type Life, live, removeDir, runName, type Subject, verify } from './life.ts'
import { comparePublished, compareWhole, type Difference, type Output, readOutput } from './output.ts'
import { readRecords } from './records.ts'

/** What an undisturbed run came to. */
export interface Reference {
  readonly output: Output
  /** What its log says of each slot. */
  readonly records: Output
  /** The line of `--json`, without its times. */
  readonly figures: string
  /** Passings of each point. */
  readonly passings: Readonly<Record<string, number>>
  readonly seconds: number
}

/** What came of one kill. */
export interface Outcome {
  readonly kill: Kill
  /** False when the run ended before it came to the point. */
  readonly isKilled: boolean
  readonly differingBytes: number
  readonly isVerified: boolean
  /** What was wrong, or null. */
  readonly failure: string | null
}

export interface Chain {
  readonly outcomes: readonly Outcome[]
  /** Starts after a kill. */
  readonly restarts: number
  /** What was wrong after a kill or at the end, or null. The folder is kept then. */
  readonly failure: string | null
  readonly dir: string
}

/** Runs once without a kill. Throws when that fails, or when a record has no fate or two. */
export async function runUndisturbed(subject: Subject, workers: number): Promise<Reference> {
  const dir = makeFolder('kill-undisturbed')
  const report = join(dir, 'passings.json')
  const life = await live(subject, dir, { workers, kill: null, report })
  const wrong = life.status === 0 ? judgeFates(life.out) : describeEnd(life)
  if (wrong) throw new Error(`the undisturbed run: ${wrong}`)
  const passings = JSON.parse(await readFile(report, 'utf8')) as Record<string, number>
  const output = await readOutput(join(dir, runName))
  const records = await readRecords(join(dir, runName))
  await removeDir(dir)
  return { output, records, figures: figuresOf(life.out), passings, seconds: life.seconds }
}

/** What lives of a replay are held against: bytes of a run of its pipeline over the input, and passings of a replay without a kill. */
export async function runBeside(subject: Subject, workers: number): Promise<Reference> {
  const { output, records } = await runUndisturbed({ ...subject, base: undefined }, workers)
  return { ...(await runUndisturbed(subject, workers)), output, records }
}

/**
 * One run that is killed again and again until it ends. `next` gives the next kill, or null to let it go to its end. After each kill
 * what others can see is compared with the undisturbed run's, and at the end all of it.
 */
export async function runChain(
  subject: Subject,
  reference: Reference,
  options: {
    workers: number
    verifies: boolean
    next: (kills: readonly Outcome[]) => Kill | null
    onOutcome?: (outcome: Outcome) => void
  },
): Promise<Chain> {
  const { workers, next, onOutcome = () => {} } = options
  const dir = makeFolder('kill')
  const outcomes: Outcome[] = []
  for (let restarts = 0; ; restarts++) {
    const kill = next(outcomes)
    const life = await live(subject, dir, { workers, kill })
    const isKilled = life.signal === 'SIGKILL' && !life.isHung
    const outcome =
      isKilled && kill
        ? await judgeKill(subject, reference, dir, kill, options.verifies)
        : await judgeEnd(reference, dir, kill, life)
    if (kill) {
      outcomes.push(outcome)
      onOutcome(outcome)
    }
    const { failure } = outcome
    if (isKilled && !failure) continue
    if (!failure) await removeDir(dir)
    return { outcomes, restarts, failure, dir }
  }
}

async function judgeKill(
  subject: Subject,
  { output }: Reference,
  dir: string,
  kill: Kill,
  verifies: boolean,
): Promise<Outcome> {
  const difference = comparePublished(output, await readOutput(join(dir, runName)))
  // Before its run file there is no run to verify.
  const verified = verifies && existsSync(join(dir, runName, 'run.json')) ? await verify(subject, dir) : null
  const isVerified = verified === null || verified.status === 0
  const failure = describeDifference(difference) ?? (isVerified ? null : `headrace verify: ${describeEnd(verified)}`)
  return { kill, isKilled: true, differingBytes: difference.bytes, isVerified, failure }
}

async function judgeEnd(reference: Reference, dir: string, kill: Kill | null, life: Life): Promise<Outcome> {
  const outcome = { kill: kill ?? { point: '', nth: 0 }, isKilled: false, isVerified: true, differingBytes: 0 }
  if (life.status !== 0) return { ...outcome, failure: describeEnd(life) }
  const difference = await compareEnd(reference, join(dir, runName))
  const figures = figuresOf(life.out)
  const changed = figures === reference.figures ? null : `figures ${figures}, undisturbed ${reference.figures}`
  const failure = describeDifference(difference) ?? judgeFates(life.out) ?? changed
  return { ...outcome, differingBytes: difference.bytes, failure }
}

/** Compares what the run that was killed came to, of files and in its log. */
async function compareEnd({ output, records }: Reference, runDir: string): Promise<Difference> {
  const published = compareWhole(output, await readOutput(runDir))
  const recorded = compareWhole(records, await readRecords(runDir))
  return { bytes: published.bytes + recorded.bytes, files: [...published.files, ...recorded.files] }
}

function describeDifference({ bytes, files }: Difference): string | null {
  return bytes === 0 ? null : `${bytes} bytes differ, in ${files.slice(0, 5).join(', ')}`
}

function describeEnd({ status, signal, err, out, isHung }: Life): string {
  // Of a page of figures, what is wrong stands behind the first table.
  const found = out.slice(out.indexOf('\n\n') + 1).trim()
  return isHung ? 'it hung and was ended' : `status ${status ?? signal}: ${err.trim()} ${found.slice(0, 600)}`
}

/** Every record of the input has one fate. */
function judgeFates(out: string): string | null {
  const { documents, kept, dropped, dead } = JSON.parse(out)
  const droppedAll = Object.values(dropped as Record<string, number>).reduce((a, b) => a + b, 0)
  return documents === kept + droppedAll + dead
    ? null
    : `${documents} records came in: ${kept} kept, ${droppedAll} dropped, ${dead} dead`
}

function figuresOf(out: string): string {
  const { seconds: _, cpuSeconds: __, ...figures } = JSON.parse(out)
  return JSON.stringify(figures)
}

export function describeChain({ outcomes }: Chain): string {
  return outcomes.map(({ kill }) => formatKill(kill)).join(',')
}
