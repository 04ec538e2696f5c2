import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { type Batch, fixed, numbers, stringAt, utf8 } from '../../../src/batch/batch.ts'
import { RunReader } from '../../../src/record/run-reader.ts'
import { serveVectors } from '../../annotate/embedding/server.ts'
import { say, serveJudge } from '../../annotate/judge/server.ts'
import { broker, newRun, testOnBroker } from '../../log/kafka/broker.ts'
import { randomFrom } from '../../random.ts'
import { makeFolder } from '../../temporary.ts'
import { makeText, runHeadrace, smallSlots } from '../fixture.ts'

// Columns that servers of models are asked for. These answer otherwise each time, so an answer that stays is one that was read back: in lives of
// a run and of its replays, wherever the log is.
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32))
const documents = 100
/** Of a run, that are killed; a replay has one. */
const lives = 2

/** Servers, and pipelines that ask them: with another threshold above 0, and another annotator. */
async function serve() {
  const random = randomFrom(seed)
  let onAsked = () => {}
  const judge = await serveJudge((response, asked, count) => {
    onAsked()
    say(`{"score":${Math.floor(random() * 101)}}`)(response, asked, count)
  })
  const vectors = await serveVectors((response, { texts }) => {
    onAsked()
    const data = texts.map((_, index) => ({ index, embedding: Array.from({ length: 4 }, () => random() + 0.01) }))
    response.end(JSON.stringify({ data }))
  })
  const dir = makeFolder('asked')
  writeFileSync(join(dir, 'edu.md'), '# edu\nJudge.\n## score: 0 to 100\nHow good.\n')
  const text = randomFrom(seed)
  const lines = Array.from({ length: documents }, (_, i) => ({ id: `d${i}`, text: `${i} ${makeText(text, 40)}` }))
  writeFileSync(join(dir, 'in.jsonl'), lines.map(line => `${JSON.stringify(line)}\n`).join(''))
  return {
    dir,
    judge,
    vectors,
    /** Is called at each request, before its answer. */
    listen: (listener: () => void) => {
      onAsked = listener
    },
    recipe: (below: number) => writeRecipe(dir, below, judge.url.origin, vectors.url.origin),
    async [Symbol.asyncDispose]() {
      await Promise.all([judge[Symbol.asyncDispose](), vectors[Symbol.asyncDispose]()])
    },
  }
}

function writeRecipe(dir: string, below: number, judge: string, vectors: string): string {
  const file = join(dir, `below-${below}.ts`)
  const path = (name: string) => JSON.stringify(join(dir, name))
  writeFileSync(
    file,
    `import * as h from 'headrace'
export default h.pipeline('asked')
  .from(h.jsonl(${path('in.jsonl')}))
  .annotate(
    h.judge({ rubric: ${path('edu.md')}, model: 'm', store: ${path('judged')}, endpoint: '${judge}' }),
    h.embedding({ name: 'own', model: 'm', dimensions: 4, endpoint: '${vectors}', batchTexts: 4 }),
    h.signature(),${below > 0 ? '\n    h.gopherQuality(),' : ''}
  )
  .decide(h.rules({ 'judge:edu:score': { below: ${below} } }), h.exactDuplicates())
  .tokenize('gpt2')
  .feed({ length: 128, batch: 2 })\n`,
  )
  return file
}

/** What the servers have said of the documents of decided slots, by id. */
async function readAnswers(dir: string): Promise<Map<string, string>> {
  await using run = await RunReader.open(dir)
  const answers = new Map<string, string>()
  for await (const { scored } of run.slots())
    for (let row = 0; row < scored.rows; row++) answers.set(stringAt(utf8(scored, 'id'), row), answerAt(scored, row))
  return answers
}

function answerAt(scored: Batch, row: number): string {
  const { bytes, width } = fixed(scored, 'embedding:own')
  const missing = ['judge:edu:unanswered', 'embedding:own:missing'].map(name => stringAt(utf8(scored, name), row))
  assert.deepEqual(missing, ['', ''])
  const vector = Buffer.from(bytes.subarray(row * width, (row + 1) * width)).toString('hex')
  return `${numbers(scored, 'judge:edu:score')[row]} ${vector}`
}

const begin = () => {
  const dir = makeFolder('run')
  const name = newRun()
  return { dir: join(dir, name), args: ['--dir', dir, '--run', name, '--workers', '1', '--json'] }
}
const command = async (args: readonly string[]) => {
  const { status, err } = await runHeadrace(args, undefined, smallSlots)
  assert.equal(status, 0, err)
}

/** Lives of a run that are killed at some request, and one that is not: what is decided is not asked for again. */
async function runKilled(servers: Awaited<ReturnType<typeof serve>>, dir: string, args: readonly string[]) {
  const { judge, vectors } = servers
  const random = randomFrom(seed + 1)
  const idOf = (text: string) => `d${text.slice(0, text.indexOf(' '))}`
  let stored = new Map<string, string>()
  for (let isOver = false, life = 0; !isOver; life++) {
    const [judged, embedded] = [judge.asked.length, vectors.asked.length]
    const most = life === 0 ? 85 : 25
    let left = life < lives ? most - Math.floor(random() * 20) : Number.POSITIVE_INFINITY
    const { status, signal, err } = await runHeadrace(
      args,
      child => servers.listen(() => --left === 0 && child.kill('SIGKILL')),
      smallSlots,
    )
    isOver = signal === null
    assert.equal(isOver, life === lives, err)
    if (isOver) assert.equal(status, 0, err)
    const again = [
      ...judge.asked.slice(judged).map(({ text }) => text),
      ...vectors.asked.slice(embedded).flatMap(({ texts }) => texts),
    ].filter(text => stored.has(idOf(text)))
    assert.deepEqual(again, [], `life ${life} asked again for what was decided`)
    // Spread, deciding may be so far behind that nothing is to be seen of the lives.
    const isSeen = stored.size > 0 || args.includes('--spread')
    if (isOver) assert.ok(isSeen, 'nothing was decided before the last kill')
    const now = await readAnswers(dir)
    for (const [id, answer] of stored) assert.equal(now.get(id), answer, `life ${life} changed the answer on ${id}`)
    stored = now
  }
  assert.equal(stored.size, documents)
  // Who was killed has asked for no more than was under way: a judge's answers are stored at once, vectors with their slots.
  assert.ok(judge.asked.length <= documents + lives * 8, `${judge.asked.length} questions`)
}

const logs: Readonly<Record<string, readonly string[]>> = {
  'in its folder': [],
  'on Kafka, in 3 partitions': ['--log', `kafka://${broker}`, '--partitions', '3'],
  'on Kafka, spread': ['--log', `kafka://${broker}`, '--partitions', '3', '--spread'],
}

for (const [where, options] of Object.entries(logs))
  (options.length === 0 ? test : testOnBroker)(
    `with its log ${where}, a run that is killed and its replays ask for nothing that is stored (seed ${seed})`,
    async t => {
      t.diagnostic(`SEED=${seed}`)
      await using servers = await serve()
      const { judge, vectors } = servers
      const run = begin()
      await runKilled(servers, run.dir, ['run', servers.recipe(0), ...run.args, ...options])
      const [judged, embedded] = [judge.asked.length, vectors.asked.length]
      const answers = await readAnswers(run.dir)
      const { dir, args } = begin()
      const replay = ['replay', run.dir, servers.recipe(50), ...args, ...options.slice(0, 2)]
      await runHeadrace(replay, child => setTimeout(() => child.kill('SIGKILL'), 900), smallSlots)
      await command(replay)
      assert.deepEqual(await readAnswers(dir), answers)
      assert.deepEqual([judge.asked.length, vectors.asked.length], [judged, embedded])
      for (const own of [run.dir, dir]) await command(['verify', '--dir', join(own, '..'), '--run', basename(own)])
    },
  )
