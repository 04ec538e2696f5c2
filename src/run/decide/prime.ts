import type { Decider } from '../../decide/decider.ts'
import type { State } from '../../decide/state.ts'
import { DecidedReader } from '../../record/decided-reader.ts'
import { decodeKept } from '../../record/kept.ts'
import { decodeScored } from '../../record/scored.ts'
import type { Priming } from '../context.ts'
import { keepAgain } from './decide-slot.ts'

/** Enters what other runs keep into tables that are empty. They hold no slot of their own run then: an unfinished priming is begun anew. */
export async function primeTables(deciders: readonly Decider[], state: State, priming: Priming): Promise<void> {
  const entering = { deciders: deciders.filter(decider => priming.isEntered(decider)) }
  for (const { dir, log, run } of priming.runs) {
    await using reader = await DecidedReader.open({ dir, log, shape: run }, 0, AbortSignal.abort())
    for (let next = await reader.next(); next?.scored && next.slot < priming.to; next = await reader.next()) {
      const { slot, scored, kept: entry } = next
      const kept = decodeKept(entry.value)
      if (kept.rows === 0) continue
      keepAgain(entering, decodeScored(scored.value), kept, slot, state)
      // A seal has a bound of bytes.
      await state.seal(0)
    }
  }
}
