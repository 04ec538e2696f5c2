import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { writeCorpus, writePipeline } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { runMain } from './terminal.ts'

// A run's folder may be someone else's. What reads it loads no code that it names.

const home = makeFolder('reading')
const runs = join(home, 'runs')
const mark = join(home, 'code-ran')
const code = `import { writeFileSync } from 'node:fs'\nwriteFileSync(${JSON.stringify(mark)}, '')\n`
let pipeline = ''
let id = ''

before(async () => {
  const corpus = await writeCorpus({ seed: 77, files: 1, documentsPerFile: 30 })
  pipeline = await writePipeline(
    corpus.dir,
    glob => `h.pipeline('test').from(h.jsonl(${glob}))
  .annotate(h.normalize(), h.gopherQuality({ wordsMin: 400 }), h.gate(), h.signature())
  .decide(h.rules(), h.exactDuplicates()).tokenize('gpt2').feed({ length: 64, batch: 2 })`,
  )
  const { status, err } = await runMain(['run', pipeline, '--dir', runs, '--workers', '1'])
  assert.equal(status, 0, err)
  const { out } = await runMain(['fates', '--dir', runs])
  id = JSON.parse(out.split('\n').find(line => line.includes('too-few-words'))!).id
})

/** A copy of the run that names another module. */
async function naming(module: string): Promise<string> {
  const dir = makeFolder('named')
  await cp(runs, dir, { recursive: true })
  const path = join(dir, 'test', 'run.json')
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), module }))
  return dir
}

const commands = () => [
  ['report'],
  ['look'],
  ['trace', id],
  ['fates'],
  ['feed'],
  ['doctor'],
  ['verify', '--steps', '1'],
  ['release', '--who', 'w', '--why', 'y'],
  ['decisions', 'gopherQuality'],
  ['what-if', 'test'],
]

test('no command that reads a run loads the file that run.json names', async () => {
  const file = join(home, 'module.ts')
  await writeFile(file, code)
  const dir = await naming(pathToFileURL(file).href)
  for (const [name, ...args] of commands()) {
    const { status, err } = await runMain([name, ...args, '--dir', dir])
    assert.equal(existsSync(mark), false, `${name} ran it`)
    assert.equal(status, { decisions: 64, release: 66 }[name] ?? 0, `${name}: ${err}`)
  }
})

for (const [scheme, url] of [
  ['data', `data:text/javascript,${encodeURIComponent(code)}`],
  ['http', 'http://127.0.0.1:9/pipeline.js'],
  ['node', 'node:fs'],
])
  test(`a run.json that names a ${scheme}: URL is refused by all`, async () => {
    const dir = await naming(url)
    for (const [name, ...args] of [...commands(), ['run', pipeline], ['redrive', pipeline]]) {
      const { status, err } = await runMain([name, ...args, '--dir', dir])
      assert.deepEqual([status, /run\.json/.test(err)], [65, true], `${name}: ${err}`)
      assert.equal(existsSync(mark), false, `${name} ran it`)
    }
  })

test('what was recorded is what look and trace say of a reason, where the pipeline is long gone', async () => {
  const dir = await naming('file:///nowhere/pipeline.ts')
  assert.match((await runMain(['look', '--dir', dir])).out, /too-few-words \(gopherWords < \d+\): \d+ records?/)
  const { out } = await runMain(['trace', id, '--dir', dir])
  assert.match(out, /dropped: too-few-words, measured \d+ \(gopherWords < 400\)/)
  // Behind the gate nothing was measured, and it is not shown as if.
  assert.doesNotMatch(out, /signature/)
})

test('decisions takes the pipeline from the command line, and says so', async () => {
  const { err } = await runMain(['decisions', 'gopherQuality', '--dir', runs])
  assert.match(err, /no code is loaded because a run names it: add the pipeline's file/)
  const { status, out } = await runMain(['decisions', 'gopherQuality', pipeline, '--dir', runs])
  assert.equal(status, 0)
  assert.equal(out.trim().split('\n').length, 30)
})

test('the code does run where it is named on the command line, so that a look for its mark means something', async () => {
  const file = join(home, 'module.ts')
  await writeFile(file, code)
  await runMain(['doctor', file, '--dir', runs])
  assert.equal(existsSync(mark), true)
})
