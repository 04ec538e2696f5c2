import { HeadraceError } from '../../errors.ts'
import type { Log } from '../../log/log.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { isEnded } from '../../record/notes.ts'
import type { LateTexts } from '../replay/late-texts.ts'

/** A process that is to decide or shard in a replay. */
interface Taking {
  readonly plan: Plan
  readonly log: Log
  readonly late: LateTexts
  /** Told what may stop it later. */
  readonly note: ((text: string) => void) | undefined
}

const advice =
  'deciding and sharding read texts from it, so start this process where the input is, or with --stages load,annotate'

/**
 * Looks at the source before any work, where this process may have to read texts from it, as it may be on another machine than who loads.
 * Throws where it is not there as it was and some document will need it; where that depends on what is kept, that is told.
 */
export async function checkLateSource({ plan, log, late, note }: Taking): Promise<void> {
  const last = plan.tokenizer ? 'shard' : 'decide'
  if (isEnded([await log.position(last, 0)])) return
  try {
    await late.check()
  } catch (error) {
    if (!(error instanceof HeadraceError)) throw error
    if (late.isCertain) throw new HeadraceError(error.code, `${error.message}; ${advice}`, error)
    note?.(`the first document whose text is stored nowhere will stop this process: ${error.message}; ${advice}`)
  }
}
