import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { randomFrom } from '../random.ts'
import { makeText } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { runMain } from './terminal.ts'

/** A document of the runs that tests read texts of. Every fourth is of mathematics, every tenth has a copy, and some are too long. */
export interface Stored {
  readonly id: string
  readonly text: string
  readonly isMath: boolean
  /** Dropped by a rule; copies are dropped as copies. */
  readonly isLong: boolean
}

export interface StoredRuns {
  readonly dir: string
  readonly runs: string
  readonly documents: readonly Stored[]
}

const math = 'theorem proof lemma integral equation algebra group field ring kernel'.split(' ')
const home = 'garden kitchen recipe flower dinner bread sofa table lamp window'.split(' ')

/**
 * Runs of the names `all`, `kept` and `none`, which say what texts they store, over the same documents. `hosts`: sites of each kind. Of mathematics
 * half are in the domain `math`, the others, as everything else, in `web`.
 */
export async function makeStoredRuns(name: string, { count = 960, hosts = 8 } = {}): Promise<StoredRuns> {
  const dir = makeFolder(name)
  const [runs, input] = [join(dir, 'runs'), join(dir, 'in.jsonl')]
  const random = randomFrom(31)
  const documents: Stored[] = []
  const lines = Array.from({ length: count }, (_, i) => {
    const isMath = i % 4 === 0
    const isLong = i % 9 === 5
    const words = isMath ? math : home
    const sentence = () => `${words[Math.floor(random() * words.length)]} ${makeText(random, 1)}`
    const text = Array.from({ length: isLong ? 40 : 8 }, sentence).join(' ')
    const url = `https://${isMath ? 'm' : 'h'}${Math.floor(i / 8) % hosts}.org/${i}`
    documents.push({ id: `d${i}`, text, isMath, isLong })
    const row = {
      id: `d${i}`,
      domain: i % 8 === 0 ? 'math' : 'web',
      url,
      text,
      topic: isMath ? 'maths' : 'home',
      grade: isMath ? 4 + (i % 3) : i % 3,
    }
    const copy = i % 10 === 7 ? `${JSON.stringify({ ...row, id: `copy${i}` })}\n` : ''
    return `${JSON.stringify(row)}\n${copy}`
  })
  writeFileSync(input, lines.join(''))
  for (const store of ['all', 'kept', 'none']) {
    const recipe = join(dir, `${store}.ts`)
    writeFileSync(
      recipe,
      `import * as h from 'headrace'
export default h.pipeline('stored').from(h.jsonl(${JSON.stringify(input)}, { domain: 'domain' })).annotate(h.language(), h.gopherQuality(), h.signature())
  .decide(h.rules({ gopherWords: { above: 400 } }), h.exactDuplicates())${store === 'none' ? ".tokenize('gpt2')" : ''}.store({ text: '${store}' })\n`,
    )
    const { status, err } = await runMain(['run', recipe, '--dir', runs, '--run', store, '--workers', '1'])
    assert.equal(status, 0, err)
  }
  return { dir, runs, documents }
}
