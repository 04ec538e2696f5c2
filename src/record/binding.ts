import { hash } from 'node:crypto'
import { canonicalJson } from '../canonical-json.ts'
import { isFields } from '../disk/json-file.ts'
import type { HeadraceError } from '../errors.ts'
import { type Log, startPosition } from '../log/log.ts'
import { loaderOf, topics } from './layout.ts'
import { readLoadNote } from './notes.ts'
import { refuseAhead, refuseForeignLog, refuseLostTrim, refuseTrim } from './refusals.ts'
import type { RunFile } from './run-file.ts'
import { findOtherTime } from './sequel.ts'
import { annotatedSlot } from './slots.ts'
import { readTrimmed } from './trimmed.ts'

/**
 * What binds the parts of a run to each other, so that files of another run, or of another time of this one, are noticed: a digest of the
 * run's id and of what is fixed when it is created stands in every note of its stages, in the header of its tables and in `trimmed.json`.
 */

/** The digest, or null for a run of an older version, which has no id. */
export function bindingOf({ id, partitions, lanes, slotBytes, spread = false }: RunFile): string | null {
  if (id === undefined) return null
  return hash('sha256', canonicalJson({ id, partitions, lanes, slotBytes, spread })).slice(0, 32)
}

const bound = '{"run":'

/** A stage's note with the binding of its run; one that was read from its log has it. */
export function bindNote(note: string, binding: string | null): string {
  if (binding === null || note.startsWith(bound)) return note
  const rest = note === '' ? '}' : note.slice(1)
  return `${bound}${JSON.stringify(binding)}${rest === '}' ? '' : ','}${rest}`
}

/** The binding that a note has, or null. */
export function boundTo(note: string): string | null {
  try {
    const value: unknown = note === '' ? null : JSON.parse(note)
    return isFields(value) && typeof value.run === 'string' ? value.run : null
  } catch {
    // Whoever reads the note says that it is damaged.
    return null
  }
}

/** Why the log and `trimmed.json` are not of this run and of one time, or null. It looks at positions and at one slot. Throws what reading them meets. */
export async function findBreak(dir: string, run: RunFile, log: Log): Promise<HeadraceError | null> {
  const binding = bindingOf(run)
  // Of a run at work a stage is looked at before the one that it takes from. Who annotates a share of a spread run may not see its folder,
  // so that stage's notes alone are as they are.
  const shard = run.tokenizer === null ? startPosition(0) : await log.position('shard', 0)
  const decide = await log.position('decide', 0)
  const annotated = await annotatedSlot(log, run)
  const { stage: loader } = loaderOf(run)
  const load = await log.position(loader, 0)
  for (const [stage, { slot, note }] of [
    [loader, load] as const,
    ['decide', decide] as const,
    ['shard', shard] as const,
  ])
    if ((slot > 0 || note !== '') && boundTo(note) !== binding) return refuseForeignLog(dir, stage)
  const { slot: decided } = decide
  const lanes = readLoadNote(load).load?.lanes.length ?? run.lanes
  if (lanes !== run.lanes) return refuseForeignLog(dir, loader)
  if (decided > annotated) return refuseAhead(dir, ['decide', decided], ['annotate', annotated])
  if (shard.slot > decided) return refuseAhead(dir, ['shard', shard.slot], ['decide', decided])
  const first = await readTrimmed(dir, binding)
  if (first > decided) return refuseTrim(dir, first, decided)
  // Kafka may have trimmed by a rule of its own, which whoever reads those slots is told.
  const isCut = run.log === null && (await log.bounds(topics.scored, 0)).first > 0n
  return isCut && first === 0 ? refuseLostTrim(dir) : findOtherTime(dir, run, log, decided, first)
}
