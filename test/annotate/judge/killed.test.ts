import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { AnswerStore } from '../../../src/annotate/judge/answer-store.ts'
import { QuestionWriter } from '../../../src/annotate/judge/question.ts'
import { randomFrom } from '../../random.ts'
import { makeFolder } from '../../temporary.ts'
import { refuse } from '../model-server/server.ts'
import { type Orders, terms } from './ask-texts.ts'
import { say, serveJudge } from './server.ts'

const script = join(import.meta.dirname, 'ask-texts.ts')
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32))
const [lives, count] = [20, 60]

/** One life of a process that judges, until `isOver` is told; the texts that it has said to have answers on. */
async function live(orders: Orders, killed: Promise<void>): Promise<string[]> {
  const child = spawn(process.execPath, [script, JSON.stringify(orders)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', chunk => (said += chunk))
  void killed.then(() => child.kill('SIGKILL'))
  await once(child, 'close')
  return said.split('\n').slice(0, -1)
}

test(`killed ${lives} times, a judge asks for nothing that is stored, loses nothing it used, and keeps its budget (seed ${seed})`, async t => {
  t.diagnostic(`SEED=${seed}`)
  const random = randomFrom(seed)
  const dir = makeFolder('killed')
  const writer = new QuestionWriter(terms)
  const keyOf = (text: string) => writer.write(text).key
  let requests = 0
  // Where the next kill is to fall: at this many requests, before or behind the answer.
  let [killAt, isBefore] = [0, false]
  let kill = () => {}
  await using server = await serveJudge((response, asked) => {
    requests++
    const isHit = requests === killAt
    if (isHit && isBefore) kill()
    // One in eight fails, so that there are second requests, too.
    if (random() < 0.125) refuse(503)(response, asked, 1)
    else say('{"score":3}')(response, asked, 1)
    if (isHit && !isBefore) response.once('close', kill)
    if (isHit && !isBefore) response.once('finish', () => setImmediate(kill))
  })
  const budget = 100
  const used = new Set<string>()
  for (let i = 0; i <= lives; i++) {
    const before = await AnswerStore.open(dir, terms)
    const { promise: killed, resolve } = Promise.withResolvers<void>()
    kill = resolve
    isBefore = random() < 0.5
    // Of the last life nobody is killed.
    killAt = i === lives ? 0 : requests + 1 + Math.floor(random() * 6)
    const first = server.asked.length
    const said = await live({ dir, url: server.url.href, requests: budget, count }, killed)
    for (const { text } of server.asked.slice(first))
      assert.equal(before.find(keyOf(text)), undefined, `life ${i} asked for '${text}' again`)
    for (const text of said) used.add(text)
    const after = await AnswerStore.open(dir, terms)
    for (const text of used) assert.deepEqual(after.find(keyOf(text)), [3], `life ${i} lost '${text}'`)
    assert.ok(after.spent.requests <= budget, `life ${i}: ${after.spent.requests} requests`)
    assert.ok(requests <= after.spent.requests, `life ${i}: ${requests} sent, ${after.spent.requests} put down`)
  }
  assert.ok(requests > lives && requests <= budget, `${requests}`)
})
