import { isMissing } from '../disk/files.ts'
import { HeadraceError } from '../errors.ts'

/** Where something stands: `file` is relative to the run's folder or `topic/partition`, `place` is `byte N`, `line N`, `offset N` or empty. */
export interface Where {
  readonly file: string
  readonly place: string
}

export const fileAt = (file: string): Where => ({ file, place: '' })
export const byteAt = (file: string, byte: number): Where => ({ file, place: `byte ${byte}` })

/** What does not hold, where, and what to do. */
export interface Problem extends Where {
  readonly what: string
  readonly advice: string
}

/** Problems and notes of one check that are kept and shown; beyond them they are counted. */
const shownMax = 20

/** One row of a verification. `problems` holds the first of `failures`; a note says what a stop or a crash may leave. */
export class Check {
  readonly name: string
  readonly unit: string
  counted = 0
  failures = 0
  readonly problems: Problem[] = []
  readonly notes: string[] = []

  constructor(name: string, unit: string) {
    this.name = name
    this.unit = unit
  }

  fail({ file, place }: Where, what: string, advice: string): void {
    if (this.failures++ < shownMax) this.problems.push({ file, place, what, advice })
  }

  note(text: string): void {
    if (this.notes.length < shownMax) this.notes.push(text)
  }

  /** Does `work`; damage that it meets is a failure of this check there, and gives null. What the disk refuses is thrown. */
  async attempt<T>(where: Where, advice: string, work: () => T | Promise<T>): Promise<T | null> {
    try {
      return await work()
    } catch (error) {
      if (!isDamage(error)) throw error
      this.fail(where, (error as Error).message, advice)
      return null
    }
  }
}

/** Whether an error comes from bytes that are not what they should be, and not from the disk or from this program's state. */
function isDamage(error: unknown): boolean {
  if (error instanceof HeadraceError) return error.code !== 'disk'
  return error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError || isMissing(error)
}

export const advices = {
  restore: 'restore the file from a copy, or run the pipeline again with another --run',
  remake:
    'restore it from a copy; or move the folder away and run the pipeline again with another --run, which gives the same bytes',
  replay:
    'run the pipeline again with another --run, which gives the same bytes, and find out who writes to its topics',
  state: 'delete its folder, and the next start rebuilds it from the log',
  stray: 'delete it, if nothing of yours put it there',
  report: 'this is a bug or a file that was edited: keep the run and report it',
} as const

/** What to do about a damaged file of a feed. */
export const feedAdvice =
  'restore it from a copy; or move the folder feed away and give the same run command (for a fork, its own folder and the same fork command): it publishes the same steps again'
