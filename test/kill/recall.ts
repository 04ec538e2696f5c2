import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fitSeed } from '../../src/text/likeness/seed.ts'
import { writeSeed } from '../../src/text/likeness/seed-file.ts'
import { randomFrom } from '../random.ts'
import { makeText } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { live, makeSubject, runName, type Subject } from './life.ts'
import type { Orders } from './orders.ts'

/** Mistakes in a recall, which the harness must find. */
export const recallMutants: Readonly<Record<string, NonNullable<Orders['plant']>>> = {
  'tables-not-primed': {
    module: 'run/decide/decide-state.ts',
    from: 'await primeTables(plan.deciders, primed, priming)',
    to: '',
  },
  'already-kept-recalled': {
    module: 'recall/annotator.ts',
    from: 'stands(standings.kept, recallReasons.kept),',
    to: '',
  },
}

/** Lives of `headrace enrich`: the pipeline of `makeSubject` is run once with a rule that drops its longer documents, and these are recalled. */
export async function makeRecall(options: Parameters<typeof makeSubject>[0]): Promise<Subject> {
  const subject = await makeSubject(options)
  const text = await readFile(subject.pipeline, 'utf8')
  const rules = "h.rules({ gopherWords: { above: 450, reason: 'too-long' } })"
  if (!text.includes('h.rules()')) throw new Error("the pipeline has no 'h.rules()' to change")
  await writeFile(subject.pipeline, text.replace('h.rules()', rules))
  const dir = makeFolder('kill-base')
  const { status, err } = await live(subject, dir, { workers: 2, kill: null })
  if (status !== 0) throw new Error(`the run to recall from: status ${status}: ${err}`)
  const seed = join(dirname(subject.pipeline), 'seed.json')
  const random = randomFrom(options.seed)
  const texts = Array.from({ length: 8 }, () => Buffer.from(makeText(random, 20)))
  await writeFile(seed, writeSeed(await fitSeed(texts.slice(0, 4), texts.slice(4), { name: 'made' })))
  return { ...subject, base: join(dir, runName), recall: ['--seed', seed, '--min-score=-9', '--per-source', '40'] }
}
