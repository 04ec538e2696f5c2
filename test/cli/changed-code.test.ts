import assert from 'node:assert/strict'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fitSeed } from '../../src/text/likeness/seed.ts'
import { writeSeed } from '../../src/text/likeness/seed-file.ts'
import { writeCorpus } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { parseLines, runMain } from './terminal.ts'

// What a pipeline is made of is edited between the first thread's load and a worker's: by the pipeline itself, once the first has all of it.

const { dir: corpus } = await writeCorpus({ seed: 18, files: 1, documentsPerFile: 20 })
const bytes = (texts: readonly string[]) => texts.map(text => Buffer.from(text))
const seedOf = async (word: string) => {
  const texts = [`${word} of a seed `, 'text at large '].map(text => text.repeat(50))
  return writeSeed(await fitSeed(bytes([texts[0]]), bytes([texts[1]]), { name: 'best' }))
}

/** The files of a pipeline, with `EDIT` where the edit stands. */
const files = {
  'pipeline.ts': `import * as h from 'headrace'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import { own } from './own.ts'
import list from './list.json' with { type: 'json' }
import old from './old.cjs'
const at = (name: string) => new URL(name, import.meta.url)
const wordsMin = Number(readFileSync(at('bound.txt'), 'utf8'))
const built = h.pipeline('test')
  .from(h.jsonl(${JSON.stringify(join(corpus, '*.jsonl'))}))
  .annotate(h.gopherQuality({ wordsMin }), h.seedSimilarity({ seed: at('seed.json').pathname }), own(list, old))
  .decide(h.rules())
if (isMainThread) { EDIT }
export default built
`,
  'own.ts': `import { writeFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import { deep } from './deep.ts'
export const own = (list: string[], old: string) => ({
  name: 'own', version: 1, exact: true, options: {}, reads: ['text'], resources: [], rules: [],
  writes: [{ name: 'own', kind: 'f64' }],
  annotate: ({ rows }: { rows: number }) => {
    WORK
    return { own: { kind: 'f64', values: new Float64Array(rows).fill(deep + list.length + old.length) } }
  },
})
`,
  'deep.ts': 'export const deep = 1\n',
  'list.json': '["a"]',
  'old.cjs': "module.exports = require('./older.cjs')\n",
  'older.cjs': "module.exports = 'old'\n",
  'bound.txt': '20',
  'seed.json': await seedOf('marble'),
}

async function write({ edit = '', work = '' }: { edit?: string; work?: string }): Promise<string> {
  const dir = makeFolder('changed-code')
  await mkdir(dir, { recursive: true })
  for (const [name, text] of Object.entries(files))
    await writeFile(
      join(dir, name),
      text.replace('EDIT', () => edit).replace('WORK', () => work),
    )
  return dir
}

const run = (dir: string) => runMain(['run', join(dir, 'pipeline.ts'), '--dir', dir, '--workers', '1', '--json'])
const append = (name: string, text: string) => `appendFileSync(at('${name}'), ${JSON.stringify(text)})`
const rewrite = (name: string, text: string) => `writeFileSync(at('${name}'), ${JSON.stringify(text)})`

const edited: Record<string, [edit: string, said: RegExp]> = {
  'a seed': [
    rewrite('seed.json', await seedOf('granite')),
    /'seed:best' has SHA-256 [0-9a-f]{64}, and the run was begun with/,
  ],
  'a file that an option is read from': [
    rewrite('bound.txt', '30'),
    /the pipeline's fingerprint is .*, and the run's is/,
  ],
  'the pipeline itself': [append('pipeline.ts', '// later\n'), /pipeline\.ts was edited while the run was at work/],
  'a module that it imports': [append('own.ts', '// later\n'), /own\.ts was edited while the run was at work/],
  'a module that this one imports': [rewrite('deep.ts', 'export const deep = 2\n'), /deep\.ts was edited/],
  'a module that is half written': [rewrite('deep.ts', 'export const de'), /deep\.ts was edited/],
  'data that is imported': [rewrite('list.json', '["a", "b"]'), /list\.json was edited/],
  'a CommonJS module': [append('old.cjs', '// later\n'), /old\.cjs was edited/],
  'a module that this one requires': [rewrite('older.cjs', "module.exports = 'newer'\n"), /older\.cjs was edited/],
}
for (const [what, [edit, said]] of Object.entries(edited))
  test(`${what}, edited before a worker loads it, stops the run`, async () => {
    const dir = await write({ edit })
    const { status, err } = await run(dir)
    assert.equal(status, 65, err)
    assert.match(err, said)
    const found = await runMain(['report', '--dir', dir, '--json'])
    assert.equal(JSON.parse(found.out).documents, 0, 'nothing was decided')
  })

test('nothing edited: the run ends', async () => {
  const { status, out, err } = await run(await write({}))
  assert.equal(status, 0, err)
  assert.equal(parseLines(out)[0].documents, 20)
})

test('a worker that replaces one that died does not go on with what was edited since', async () => {
  const work = `if (!isMainThread) { writeFileSync(new URL('deep.ts', import.meta.url), 'export const deep = 2'); process.exit(3) }`
  const dir = await write({ work })
  const { status, err } = await run(dir)
  assert.equal(status, 65, err)
  assert.match(err, /deep\.ts was edited while the run was at work/)
  await rm(dir, { recursive: true, force: true })
})
