import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type Asking, Judge } from '../../../src/annotate/judge/ask.ts'
import type { Terms } from '../../../src/annotate/judge/question.ts'
import { parseRubric } from '../../../src/annotate/judge/rubric.ts'
import { makeFolder } from '../../temporary.ts'
import { cutConnection, drip, half, inTurn, refuse, silent } from '../model-server/server.ts'
import { type Reply, say, serveJudge } from './server.ts'

const rubric = parseRubric('# edu\nJudge.\n## score: 0 to 5\nHow good.\n## kind: prose, code\nWhat it is.\n', 'edu.md')
const terms: Terms = { rubric, model: 'm', charactersMax: 100, answerTokensMax: 32 }
const asking = { concurrency: 4, triesMax: 3, invalidMax: 2, documentMs: 5000, pauseMs: 1 }
const unlimited = { requests: 1e9, tokens: 1e9 }
const good = '{"score":3,"kind":"prose"}'

const open = (
  dir: string,
  url: URL | null,
  others: Partial<Asking> = {},
  timeoutMs = 2000,
  key: string | null = null,
) => Judge.open(dir, terms, { ...asking, budget: unlimited, endpoint: url && { url, key, timeoutMs }, ...others })

const answered = { values: [3, 'prose'], unanswered: '', isCut: false }
const none = (unanswered: string) => ({ values: null, unanswered, isCut: false })

// Replies in turn -> what becomes of a text, and how often it is asked about.
const faults: [name: string, replies: Reply[], becomes: object, requests: number][] = [
  ['an answer', [say(good)], answered, 1],
  ['429, then an answer', [refuse(429, { 'retry-after': '0' }), say(good)], answered, 2],
  ['429 with a date that is over', [refuse(429, { 'retry-after': new Date(0).toUTCString() }), say(good)], answered, 2],
  [
    '429 that asks for longer than a document may take',
    [refuse(429, { 'retry-after': '60' })],
    none('failed:status-429'),
    1,
  ],
  ['500 and 503, then an answer', [refuse(500), refuse(503), say(good)], answered, 3],
  ["424, which is TEI's 500, then an answer", [refuse(424), say(good)], answered, 2],
  ['500 for ever', [refuse(500)], none('failed:status-500'), 3],
  ['half a body, then an answer', [half, say(good)], answered, 2],
  ['a whole body of half an object', [response => response.end('{"choices":[{"mes'), say(good)], answered, 2],
  ['no choices', [response => response.end('{"choices":[]}')], none('failed:no-choice'), 3],
  ['a body that is null', [response => response.end('null')], none('failed:no-choice'), 3],
  ['a body without end', [response => response.end(' '.repeat(1024 * 1024 + 1))], none('failed:body-too-long'), 3],
  ['a connection that is cut, then an answer', [cutConnection, say(good)], answered, 2],
  ['nothing', [silent], none('failed:timed-out'), 3],
  ['a slow drip, then an answer', [drip, say(good)], answered, 2],
  ['a text that the server refuses', [refuse(400), say(good)], none('refused:status-400'), 1],
  ['no JSON twice', [say('I think it is good'), say('again')], none('invalid:no-json'), 2],
  ['no JSON, then an answer', [say('hm'), say(good)], answered, 2],
  ['null, as of a model that refuses', [say(null)], none('invalid:no-json'), 2],
  ['an answer that was cut off', [say('{"score":', { finish_reason: 'length' })], none('invalid:cut-off'), 2],
  ['a list', [say('[3]')], none('invalid:no-json'), 2],
  ['a field missing', [say('{"score":3}')], none('invalid:wrong-fields'), 2],
  ['a field too many', [say('{"score":3,"kind":"prose","why":"x"}')], none('invalid:wrong-fields'), 2],
  ['a field of the prototype', [say('{"score":3,"__proto__":{"kind":"prose"}}')], none('invalid:wrong-fields'), 2],
  ['out of range', [say('{"score":6,"kind":"prose"}')], none('invalid:out-of-range'), 2],
  ['a number as text', [say('{"score":"3","kind":"prose"}')], none('invalid:out-of-range'), 2],
  ['half a point', [say('{"score":2.5,"kind":"prose"}')], none('invalid:out-of-range'), 2],
  ['another label', [say('{"score":3,"kind":"verse"}')], none('invalid:out-of-range'), 2],
]

for (const [name, replies, becomes, requests] of faults)
  test(`${name}: ${JSON.stringify(becomes)}`, async () => {
    await using server = await serveJudge(inTurn(...replies))
    const timeoutMs = name === 'nothing' ? 30 : name.includes('drip') ? 500 : 5000
    const judge = await open(makeFolder('ask'), server.url, {}, timeoutMs)
    assert.deepEqual(await judge.judge('a text'), becomes)
    assert.equal(server.asked.length, requests)
    assert.equal(judge.store.spent.requests, requests)
    assert.equal(judge.store.damaged, 0)
  })

test('what is asked: the rubric, the text cut to whole characters, temperature 0, a schema, and the key', async () => {
  await using server = await serveJudge(say(good))
  const judge = await open(makeFolder('ask'), server.url, {}, 2000, 'secret-key')
  const { isCut } = await judge.judge('𝒳'.repeat(101))
  const [{ text, body, headers }] = server.asked
  assert.deepEqual([isCut, text], [true, '𝒳'.repeat(100)])
  assert.deepEqual([body.model, body.temperature, body.max_tokens], ['m', 0, 32])
  assert.equal(headers.authorization, 'Bearer secret-key')
  const { schema, strict } = (body.response_format as { json_schema: { schema: object; strict: boolean } }).json_schema
  assert.deepEqual(
    [schema, strict],
    [
      {
        type: 'object',
        properties: {
          score: { type: 'integer', enum: [0, 1, 2, 3, 4, 5] },
          kind: { type: 'string', enum: ['prose', 'code'] },
        },
        required: ['score', 'kind'],
        additionalProperties: false,
      },
      true,
    ],
  )
  assert.ok(!readFileSync(judge.store.path, 'utf8').includes('secret-key'))
})

test('what is stored is not asked again: in another object, of another process, or of the same text twice at once', async () => {
  await using server = await serveJudge(say(good))
  const dir = makeFolder('ask')
  const judge = await open(dir, server.url)
  const twice = await Promise.all([judge.judge('one'), judge.judge('one'), judge.judge('two')])
  assert.deepEqual(twice, [answered, answered, answered])
  const again = await open(dir, server.url)
  assert.deepEqual(await again.judge('one'), answered)
  assert.deepEqual([server.asked.length, again.reused, again.store.spent], [2, 1, { requests: 2, tokens: 80 }])
  // The first object knows of what the second one has asked since.
  await again.judge('three')
  await judge.judge('three')
  assert.equal(server.asked.length, 3)
  const offline = await open(dir, null)
  assert.deepEqual([await offline.judge('two'), await offline.judge('four')], [answered, none('not-stored')])
})

test('an answer that is none counts in the next process, and is not paid for again', async () => {
  await using server = await serveJudge(say('no'))
  const dir = makeFolder('ask')
  await (await open(dir, server.url)).judge('one')
  assert.deepEqual(await (await open(dir, server.url)).judge('one'), none('invalid:no-json'))
  assert.equal(server.asked.length, 2)
  // Whoever grants it more has it asked again.
  await (await open(dir, server.url, { invalidMax: 3 })).judge('one')
  assert.equal(server.asked.length, 3)
})

test('another rubric, model or cut has other answers, and the old ones stay', async () => {
  await using server = await serveJudge(say(good))
  const dir = makeFolder('ask')
  const others: Terms[] = [
    terms,
    { ...terms, rubric: { ...rubric, instructions: 'Judge well.' } },
    { ...terms, model: 'm2' },
    { ...terms, charactersMax: 99 },
    { ...terms, answerTokensMax: 33 },
  ]
  for (const own of [...others, terms]) {
    const judge = await Judge.open(dir, own, {
      ...asking,
      budget: unlimited,
      endpoint: { url: server.url, key: null, timeoutMs: 2000 },
    })
    await judge.judge('one')
  }
  assert.equal(server.asked.length, others.length)
})

const budgets: [budget: { requests: number; tokens: number }, sent: number][] = [
  [{ requests: 0, tokens: 1e9 }, 0],
  [{ requests: 1e9, tokens: 0 }, 0],
  [{ requests: 3, tokens: 1e9 }, 3],
  // Of 40 tokens each, and of some 1,500 at most before that is known.
  [{ requests: 1e9, tokens: 2500 }, 20],
]
for (const [budget, sent] of budgets)
  test(`a budget of ${JSON.stringify(budget)} sends ${sent} of 20 texts, in all starts together`, async () => {
    await using server = await serveJudge(say(good))
    const dir = makeFolder('ask')
    for (let start = 0; start < 2; start++) {
      const judge = await open(dir, server.url, { budget })
      const all = await Promise.all(Array.from({ length: 20 }, (_, i) => judge.judge(`text ${i}`)))
      assert.equal(server.asked.length, sent)
      assert.equal(all.filter(({ unanswered }) => unanswered === 'budget').length, 20 - sent)
      assert.ok(judge.store.spent.requests <= budget.requests && judge.store.spent.tokens <= budget.tokens)
    }
  })

test('several objects on one store keep one budget', async () => {
  await using server = await serveJudge(say(good))
  const dir = makeFolder('ask')
  const judges = await Promise.all(
    Array.from({ length: 4 }, () => open(dir, server.url, { budget: { requests: 7, tokens: 1e9 } })),
  )
  const texts = Array.from({ length: 20 }, (_, i) => `text ${i}`)
  await Promise.all(judges.flatMap((judge, i) => texts.map(text => judge.judge(`${text} of ${i}`))))
  assert.equal(server.asked.length, 7)
  for (const judge of judges) await judge.store.refresh()
  assert.deepEqual(
    judges.map(judge => judge.store.spent.requests),
    [7, 7, 7, 7],
  )
})

test('requests at a time are bounded', async () => {
  let [now, most] = [0, 0]
  await using server = await serveJudge(response => {
    most = Math.max(most, ++now)
    setImmediate(() => {
      now--
      say(good)(response, server.asked[0], 1)
    })
  })
  const judge = await open(makeFolder('ask'), server.url, { concurrency: 3 })
  await Promise.all(Array.from({ length: 30 }, (_, i) => judge.judge(`text ${i}`)))
  assert.ok(most <= 3, `${most}`)
})

test('a redirect is not followed, so that no other host sees the key', async () => {
  await using other = await serveJudge(say(good))
  for (const status of [301, 302, 307, 308]) {
    await using server = await serveJudge(refuse(status, { location: other.url.href }))
    const judge = await open(makeFolder('ask'), server.url, {}, 2000, 'secret-key')
    await assert.rejects(judge.judge('one'), { code: 'limit', message: new RegExp(`status ${status} .*redirect`) })
  }
  assert.equal(other.asked.length, 0)
})

test('a server that refuses all, or is not there, stops what asks it, and says so without the key', async () => {
  const gone = await serveJudge(say(good))
  await gone[Symbol.asyncDispose]()
  await assert.rejects((await open(makeFolder('ask'), gone.url)).judge('one'), {
    code: 'limit',
    message: /ECONNREFUSED/,
  })
  for (const status of [401, 403, 404]) {
    await using server = await serveJudge(refuse(status))
    const judge = await open(makeFolder('ask'), server.url, {}, 2000, 'secret-key')
    await assert.rejects(
      judge.judge('one'),
      (error: Error) => error.message.includes(`${status}`) && !error.message.includes('secret'),
    )
    await assert.rejects(judge.judge('two'))
    assert.equal(server.asked.length, 1)
  }
})

test('a server that fails on one text after another is at fault, and not they', async () => {
  await using server = await serveJudge(refuse(500))
  const judge = await open(makeFolder('ask'), server.url, { triesMax: 1 })
  for (let i = 0; i < 20; i++) assert.deepEqual(await judge.judge(`text ${i}`), none('failed:status-500'))
  await assert.rejects(judge.judge('text 20'), { code: 'limit', message: /21 texts in a row/ })
})

test('a server that refuses one text after another is asked for no more', async () => {
  await using server = await serveJudge(refuse(400))
  const judge = await open(makeFolder('ask'), server.url)
  for (let i = 0; i < 20; i++) assert.deepEqual(await judge.judge(`text ${i}`), none('refused:status-400'))
  await assert.rejects(judge.judge('text 20'), { code: 'limit', message: /has refused 21 texts in a row/ })
})

test('a text is given up in its time, however long the server takes or asks to be left alone', async () => {
  await using server = await serveJudge(silent)
  const slow = await open(makeFolder('ask'), server.url, { documentMs: 60 }, 60_000)
  assert.deepEqual(await slow.judge('one'), none('failed:timed-out'))
  await using busy = await serveJudge(refuse(429, { 'retry-after': '60' }))
  const told = await open(makeFolder('ask'), busy.url)
  assert.deepEqual(await told.judge('one'), none('failed:status-429'))
  // What another text was told holds for this one, too.
  assert.deepEqual(await told.judge('two'), none('failed:retry-after'))
  assert.equal(busy.asked.length, 1)
})
