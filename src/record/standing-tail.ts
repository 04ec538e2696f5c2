import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isMissing } from '../disk/files.ts'
import { codeOf, HeadraceError, wrapDiskError } from '../errors.ts'
import { JournalTail } from '../log/journal/journal-tail.ts'
import type { Position } from '../log/log.ts'
import { topics } from './layout.ts'
import { NoteFold } from './long-notes.ts'
import type { RunReader } from './run-reader.ts'
import { readStanding, type Standing, standingAt } from './standing.ts'

type Committed = Pick<Position, 'slot' | 'note'>

/** Says, as often as it is asked, where a run that goes on stands. It reads positions and notes alone, and what came since it was asked last. */
export interface StandingTail {
  /** Throws 'corrupt' where the log or a note is damaged. */
  look(): Promise<Standing>
}

/** Follows a run from outside its process. */
export function followStanding(run: RunReader): StandingTail {
  return run.run.log === null ? new JournalStanding(run) : { look: () => readMoving(run) }
}

/** Brokers say what is committed now; what a position's note needs may be trimmed between the two, and is there again with the next one. */
async function readMoving({ log, run }: RunReader): Promise<Standing> {
  try {
    return await readStanding(log, run)
  } catch (error) {
    if (!['trimmed', 'corrupt'].includes(codeOf(error))) throw error
    return readStanding(log, run)
  }
}

class JournalStanding implements StandingTail {
  readonly #annotate: StageTail
  readonly #decide: StageTail
  readonly #shard: StageTail | null

  constructor({ dir, run }: RunReader) {
    this.#annotate = new StageTail(join(dir, 'log', 'annotate'), null)
    this.#decide = new StageTail(join(dir, 'log', 'decide'), 'decide')
    this.#shard = run.tokenizer === null ? null : new StageTail(join(dir, 'log', 'shard'), 'shard')
  }

  async look(): Promise<Standing> {
    // The last stage first: so none seems to be before the one that it follows.
    const shard = (await this.#shard?.look()) ?? { slot: 0, note: '' }
    const decide = await this.#decide.look()
    const annotate = await this.#annotate.look()
    return standingAt(annotate, annotate.slot, decide, shard)
  }
}

/** A run that starts again and again is waited for so often, a moment each. */
const triesMax = 20
const retryMs = 20

const noteTopics = { decide: topics.decideNotes, shard: topics.shardNotes } as const

/** The committed position of one stage with its whole note. */
class StageTail {
  readonly #dir: string
  readonly #noted: 'decide' | 'shard' | null
  #tail: JournalTail | null = null
  #fold: NoteFold | null = null

  constructor(dir: string, noted: 'decide' | 'shard' | null) {
    this.#dir = dir
    this.#noted = noted
  }

  async look(): Promise<Committed> {
    let files = 1
    for (let tries = 0; tries < triesMax; tries++) {
      try {
        if (!this.#tail && !(await this.#open(files))) return { slot: 0, note: '' }
        if (await this.#tail!.look(entry => this.#fold?.add(entry))) {
          const { slot, note } = this.#tail!.position
          const whole = this.#fold ? this.#fold.whole(note) : note
          if (whole !== null) return { slot, note: whole }
          if (this.#tail!.isWhole) throw this.#missing(slot)
          // What the note needs was written to a file before: so much is read once.
          files *= 2
          tries = 0
        }
      } catch (error) {
        if (!isMissing(error)) throw wrapDiskError(error, `reading ${this.#dir}`)
        await sleep(retryMs)
      }
      this.#tail = null
    }
    throw new HeadraceError('locked', `${this.#dir} is begun again and again: look once more`)
  }

  async #open(files: number): Promise<boolean> {
    const topic = this.#noted && noteTopics[this.#noted]
    this.#fold = this.#noted && new NoteFold(this.#noted)
    this.#tail = await JournalTail.open(this.#dir, topic, files)
    return this.#tail !== null
  }

  #missing(slot: number): HeadraceError {
    const what = `${this.#dir} does not hold all that was noted up to slot ${slot}`
    return new HeadraceError('corrupt', `${what}: restore the log from a copy, or replay its input as another run`)
  }
}
