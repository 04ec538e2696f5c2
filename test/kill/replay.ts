import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeFolder } from '../temporary.ts'
import { live, makeSubject, runName, type Subject } from './life.ts'
import type { Orders } from './orders.ts'

/** What the replayed run's pipeline has, and the replay's instead: columns of its own beside those that are read back, and other fates. */
const changes: readonly (readonly [from: string, to: string])[] = [
  ['h.gopherQuality()', "h.gopherQuality({ stopWords: ['the', 'of', 'and', 'to', 'in'] })"],
  ['h.rules()', "h.rules({ gopherWords: { above: 600, reason: 'far-too-long' } })"],
]

/** Mistakes in how a replay goes on, which the harness must find. */
export const mutants: Readonly<Record<string, NonNullable<Orders['plant']>>> = {
  'slot-left-out': {
    module: 'run/replay/replay-stage.ts',
    from: 'const { slot, note } = await log.position(stage, 0)',
    to: 'const { slot: next, note } = await log.position(stage, 0); const slot = next + (next > 0 ? 1 : 0)',
  },
  'slot-before-read-again': {
    module: 'run/replay/replay-stage.ts',
    from: 'from: Math.max(slot, from), to, marksOnly',
    to: 'from: Math.max(slot - 1, from), to, marksOnly',
  },
}

/** Lives of `headrace replay`: the pipeline of `makeSubject` is run once, and a changed one replayed over that run. */
export async function makeReplay(options: Parameters<typeof makeSubject>[0]): Promise<Subject> {
  const subject = await makeSubject(options)
  const dir = makeFolder('kill-base')
  const { status, err } = await live(subject, dir, { workers: 2, kill: null })
  if (status !== 0) throw new Error(`the run to replay: status ${status}: ${err}`)
  let text = await readFile(subject.pipeline, 'utf8')
  for (const [from, to] of changes) {
    if (!text.includes(from)) throw new Error(`the pipeline has no '${from}' to change`)
    text = text.replace(from, to)
  }
  const pipeline = join(dirname(subject.pipeline), 'changed.ts')
  await writeFile(pipeline, text)
  return { ...subject, pipeline, base: join(dir, runName) }
}
