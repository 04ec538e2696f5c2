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
  let run: unknown
  try {
    run = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new HeadraceError('not-found', `topic('${dir}'): there is no run there (${path} can't be read)`, error)
  }
  const open = () => new JournalLog(join(dir, 'log'), { writable: false })
  return topicSource(open, { name: `${dir}#${name}`, topic: name, stamp: fingerprint(run), ...options })
}
