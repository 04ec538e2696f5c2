import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { HeadraceError } from '../errors.ts'
import { type LogPlace, openLogAt } from '../log/place.ts'
import { fingerprint } from '../pipeline/fingerprint.ts'
import type { Source } from '../sources/source.ts'
import { firstSlot, positionsAt, SlotReader } from './slot-reader.ts'
import { topicSource } from './topic-source.ts'

/** What is read of a run's `run.json`. */
interface RunOf extends LogPlace {
  readonly pipeline?: unknown
  readonly partitions?: number
  readonly spread?: boolean
  readonly segments?: readonly unknown[]
}

/**
 * A topic of another run as a source: its kept documents, or `annotate.scored` for all that it measured.
 *
 *     pipeline('second').from(topic('.headrace/web'))
 *
 * `dir` is the run's folder, wherever its log is; the default topic is `decide.kept`. With `follow` it waits for what that run commits
 * later. It begins with the first slot that the run has not trimmed; what is trimmed before it is read is an error ('trimmed').
 */
export function topic(dir: string, name = 'decide.kept', options: { readonly follow?: boolean } = {}): Source {
  const path = join(dir, 'run.json')
  let run: RunOf
  try {
    run = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new HeadraceError('not-found', `topic('${dir}'): there is no run there (${path} can't be read)`, error)
  }
  if (name !== 'decide.kept' && name !== 'annotate.scored')
    throw new HeadraceError(
      'bad-pipeline',
      `topic('${dir}', '${name}'): documents are in decide.kept and annotate.scored alone`,
    )
  const { partitions = 1, spread = false, log: address = null, logConfig = null } = run
  // What a run is for good: an upgrade adds a segment.
  const stamp = fingerprint({ pipeline: run.pipeline, first: run.segments?.[0] })
  const open = async (slot: number, signal: AbortSignal) => {
    const log = await openLogAt(dir, { log: address, logConfig }, { spread: spread ? ['annotate'] : [] })
    const close = () => log[Symbol.asyncDispose]()
    const openReader = async () => {
      const from = slot > 0 ? slot : await firstSlot(log, name, partitions)
      return new SlotReader(log, name, await positionsAt(log, name, partitions, from), signal)
    }
    const reader = await openReader().catch(error => close().then(() => Promise.reject(error)))
    return { next: () => reader.next(), [Symbol.asyncDispose]: () => reader.close().then(close) }
  }
  return topicSource(open, { name: `${dir}#${name}`, topic: name, stamp, ...options })
}
