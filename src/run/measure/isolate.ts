import { stringAt, utf8 } from '../../batch/batch.ts'
import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import type { MeasuredSlot } from '../../record/slots.ts'
import type { Chunk } from '../../sources/source.ts'
import type { Alone, DecidedValues, Place, PoisonRow } from './jobs.ts'
import { joinEntries } from './tokens.ts'

/** A worker was lost with a job begun: it hung and was ended, or it died. */
export class WorkerLost extends Error {
  readonly reason: PoisonRow['reason']
  /** What it was at. */
  readonly place: Place

  constructor(reason: PoisonRow['reason'], detail: string, place: Place, cause?: unknown) {
    super(detail, { cause })
    this.reason = reason
    this.place = place
  }
}

export function isOutOfMemory(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY'
}

/**
 * Measures a slot that lost its worker once more, row by row, and finds the rows that hang or kill a worker: these are dead, and the
 * others are measured as if they had stood without them. `measure` asks a worker and throws a WorkerLost. A row that kills is asked
 * twice, the second time first of all, as what one row left behind may kill the worker while it is at a later one.
 */
export async function isolateRows(
  slot: number,
  chunks: readonly Chunk[],
  measure: (alone: Alone) => Promise<MeasuredSlot>,
): Promise<MeasuredSlot> {
  const poison: PoisonRow[] = []
  let suspect = -1
  for (let losses = 0; ; losses++) {
    try {
      return await measure({ poison, suspect })
    } catch (error) {
      if (!(error instanceof WorkerLost)) throw error
      const { place, reason, message: detail } = error
      if (place.phase !== 'measuring-row') throw blameSlot(slot, chunks, error)
      const row = place.at
      if (reason === 'crashed-worker' && row !== suspect) suspect = row
      else {
        poison.push({ row, reason, detail })
        suspect = -1
      }
      if (poison.length > limits.poisonRowsMax || losses > 2 * limits.poisonRowsMax) throw blameAnnotator(slot, error)
    }
  }
}

/** Tokenizes a slot that lost its worker once more, row by row, so that a second loss can name the document. */
export function tokenizeAgain<T>(slot: number, entries: DecidedValues, tokenize: () => Promise<T>): Promise<T> {
  return tokenize().catch(error => {
    if (!(error instanceof WorkerLost)) throw error
    const { phase, at } = error.place
    const id = phase === 'tokenizing-row' ? stringAt(utf8(joinEntries(slot, entries), 'id'), at) : null
    const what = id === null ? `slot ${slot}` : `document '${id}' (row ${at} of what slot ${slot} kept)`
    throw explainLoss(`tokenizing ${what}: ${error.message}`, 'drop the document, or mend the tokenizer', error)
  })
}

/** Packs the texts that a slot has kept once more, after it lost its worker: of what is needed for it memory alone can be scarce. */
export function keepAgain<T>(slot: number, keep: () => Promise<T>): Promise<T> {
  return keep().catch(error => {
    if (!(error instanceof WorkerLost)) throw error
    throw explainLoss(
      `packing the texts of slot ${slot}: ${error.message}`,
      'start it again with fewer --workers',
      error,
    )
  })
}

function blameSlot(slot: number, chunks: readonly Chunk[], error: WorkerLost): HeadraceError {
  const { phase, at } = error.place
  const chunk = chunks[at]
  if (phase !== 'parsing' || !chunk)
    return explainLoss(`${phase} slot ${slot}: ${error.message}`, 'see the pipeline', error)
  const what = `parsing ${chunk.split} from record ${chunk.line} on (slot ${slot}): ${error.message}`
  return explainLoss(what, 'leave the file out of the input, or mend the source', error)
}

function blameAnnotator(slot: number, error: WorkerLost): HeadraceError {
  const what = `more than ${limits.poisonRowsMax} rows of slot ${slot} hang or kill their worker, the last one: ${error.message}`
  return explainLoss(what, 'an annotator of the pipeline is at fault and not the rows: mend it', error)
}

/** Memory is what the user can mend without touching the pipeline. */
function explainLoss(what: string, advice: string, error: WorkerLost): HeadraceError {
  if (isOutOfMemory(error.cause)) return new HeadraceError('limit', `${what}; ${memoryAdvice}`, error)
  return new HeadraceError('bad-pipeline', `${what}; ${advice}`, error)
}

export const memoryAdvice =
  'run the same command again with fewer --workers, or with NODE_OPTIONS=--max-old-space-size=4096'
