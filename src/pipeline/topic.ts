import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { HeadraceError } from '../errors.ts'
import { JournalLog } from '../log/journal.ts'
import type { Source } from '../sources/source.ts'
import { topicSource } from '../sources/topic.ts'
import { fingerprint } from './fingerprint.ts'

/**
 * A topic of another run as a source: its kept documents, or `annotate.scored` for all that it measured.
 *
 *     pipeline('second').from(topic('.headrace/web'))
 *
 * `dir` is the run's folder; the default topic is `decide.kept`. With `follow` it waits for what that run commits later.
 */
export function topic(dir: string, name = 'decide.kept', options: { readonly follow?: boolean } = {}): Source {
  const path = join(dir, 'run.json')
  let run: { log?: unknown; pipeline?: unknown; segments?: readonly unknown[] }
  try {
    run = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new HeadraceError('not-found', `topic('${dir}'): there is no run there (${path} can't be read)`, error)
  }
  if (run.log)
    throw new HeadraceError(
      'bad-pipeline',
      `topic('${dir}'): the log of that run is ${run.log}, and only one in the run's folder can be read`,
    )
  // What a run is for good: an upgrade adds a segment.
  const stamp = fingerprint({ pipeline: run.pipeline, first: run.segments?.[0] })
  const open = () => new JournalLog(join(dir, 'log'), { writable: false })
  return topicSource(open, { name: `${dir}#${name}`, topic: name, stamp, ...options })
}
