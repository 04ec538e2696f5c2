import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Served, serveBrowse, serveRun } from '../browser/live-run.ts'
import { broker, newRun, testOnBroker } from '../log/kafka/broker.ts'
import { runIt, writeDocuments, writePipeline } from '../page/made.ts'
import { hashFiles } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { parseLines, runMain } from './terminal.ts'

// What scripts ask of `headrace browse` and `headrace run --http`; pages in a browser are tested with the browser.

const dir = makeFolder('browse')
const runs = join(dir, 'runs')
const pipeline = writePipeline(dir, 'asked', writeDocuments(dir), ', h.exactDuplicates(), h.nearDuplicates()')
let served: Served
before(async () => {
  await runIt(pipeline, runs)
  served = await serveBrowse(['asked', '--dir', runs])
})
after(() => served?.[Symbol.asyncDispose]())

const ask = async (path: string, body?: unknown): Promise<[status: number, text: string]> => {
  const question = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
  const response = await fetch(`${served.url}${path}`, question)
  return [response.status, await response.text()]
}
const read = async (path: string, body?: unknown) => {
  const [status, text] = await ask(path, body)
  assert.equal(status, 200, text)
  return JSON.parse(text)
}

test('it tells what headrace top and headrace report tell, and changes nothing', async () => {
  const files = await hashFiles(runs)
  const { error, ...run } = await read('/api/run')
  const top = parseLines((await runMain(['top', 'asked', '--dir', runs, '--once', '--json'])).out)[0]
  const lasting = ({ documents, kept, dead, dropped, domains, state, steps }: Record<string, unknown>) => {
    return { documents, kept, dead, dropped, domains, state, steps }
  }
  assert.deepEqual([error, lasting(run)], [null, lasting(top)])
  const report = join(dir, 'report.html')
  await runMain(['report', '--dir', runs, '--html', report])
  assert.equal((await ask('/report'))[1], readFileSync(report, 'utf8'))
  assert.deepEqual(await hashFiles(runs), files)
})

test('documents page by page, each with what a report knows of it', async () => {
  const { documents: all, dead } = await read('/api/run')
  const seen = new Set<string>()
  for (let after = ''; ; ) {
    const { documents, next } = await read(`/api/documents?limit=100&after=${after}`)
    for (const { slot, row } of documents) seen.add(`${slot}/${row}`)
    if (next === null) break
    after = next
  }
  assert.equal(seen.size, all)
  const [found] = (await read('/api/documents?fate=dead')).documents
  const { document, measures, part } = await read(`/api/documents/${found.slot}/${found.row}`)
  assert.deepEqual([document.fate, document.reason, dead > 0], ['dead', found.reason, true])
  assert.ok(Array.isArray(measures) && part.rules.length > 0)
})

test('thresholds: as they are nothing changes, and others do what headrace what-if says', async () => {
  const overrides = { gopherWords: { below: 100 } }
  const { total } = await read('/api/what-if', { overrides: {} })
  assert.deepEqual([total.lost, total.anew, total.unmeasured], [0, 0, 0])
  const answer = await read('/api/what-if', { overrides })
  const words = ['what-if', 'asked', '--dir', runs, '--rule', 'gopherWords.below=100', '--json']
  const off = ['--decider', 'exactDuplicates.off', '--decider', 'nearDuplicates.off']
  const whatIf = parseLines((await runMain([...words, ...off])).out)[0] as { documents: number; kept: { now: number } }
  assert.ok(answer.total.lost > 0 && whatIf.documents > 0)
  const rows = await read('/api/rows')
  assert.deepEqual([rows.rows.count, rows.documents], [answer.rows, []])
})

const refusals: [path: string, body: unknown, status: number, text: RegExp][] = [
  ['/api/documents?colour=red', undefined, 400, /'colour'/],
  ['/api/documents?fate=lost', undefined, 400, /'fate' "lost": give one of kept, dropped, dead/],
  ['/api/documents?after=x', undefined, 400, /SLOT\/ROW/],
  ['/api/documents/1', undefined, 400, /give SLOT\/ROW, as 12\/340/],
  ['/api/documents/9999/0', undefined, 404, /has no document at 9999\/0/],
  ['/api/documents/0/0?x=1', undefined, 400, /'x' is given, and this takes no parameters/],
  ['/api/rows?x=1', undefined, 400, /takes no parameters/],
  ['/api/what-if', { override: {} }, 400, /override/],
  ['/api/what-if', { overrides: { nothing: { below: 1 } } }, 400, /nothing/],
  ['/api/none', undefined, 404, /^there is \//],
]
for (const [path, body, status, text] of refusals)
  test(`refused: ${path} ${JSON.stringify(body) ?? ''}`, async () => {
    const answer = await ask(path, body)
    assert.equal(answer[0], status, answer[1])
    assert.match(answer[1], text)
  })

const wrongOptions: [args: string[], message: RegExp][] = [
  [['browse', 'asked', '--dir', runs, '--http', 'x'], /--http is 'x'; it takes PORT/],
  [['browse', 'asked', '--dir', runs, '--http-host', 'a:1'], /--http-host is 'a:1'; it takes a name without a port/],
  [['browse', 'asked', '--dir', runs, '--run', 'asked'], /RUN is 'asked', and --run is given too/],
  [['run', pipeline, '--dir', runs, '--http-documents'], /--http-documents goes with --http/],
  [['run', pipeline, '--dir', runs, '--http-host', 'a'], /--http-host goes with --http/],
]
for (const [args, message] of wrongOptions)
  test(`refused: ${args.slice(3).join(' ')}`, async () => {
    const { status, err } = await runMain(args)
    assert.equal(status, 64, err)
    assert.match(err, message)
  })

test('documents are not shown where others come by a name, unless told so', async () => {
  const statusOf = async (url: string, path: string) => {
    const response = await fetch(`${url}${path}`)
    await response.text()
    return response.status
  }
  for (const [more, status] of [
    [[], 403],
    [['--http-documents'], 200],
  ] as const) {
    await using named = await serveBrowse(['asked', '--dir', runs, '--http-host', 'data.example', ...more])
    const { url } = named
    for (const path of ['/api/documents', '/api/documents/0/0']) assert.equal(await statusOf(url, path), status, path)
    assert.equal(await statusOf(url, '/report'), status === 200 ? 200 : 404)
    assert.equal(await statusOf(url, '/api/rows'), 200)
    assert.equal(await named.end(), 0)
  }
})

testOnBroker('a run on brokers is looked at and asked while it goes, by its process and by another', async () => {
  const name = newRun()
  const own = ['--dir', makeFolder('browse-brokers'), '--run', name]
  await using run = await serveRun([pipeline, ...own, '--log', `kafka://${broker}`, '--follow'])
  const find = async (url: string) => (await fetch(`${url}/api/documents?fate=kept&limit=1`)).json()
  const told = async (url: string) => (await (await fetch(`${url}/api/run`)).json()) as { documents: number | null }
  while ((await told(run.url)).documents !== 302);
  await using browse = await serveBrowse(own)
  while ((await told(browse.url)).documents !== 302);
  const found = (await find(run.url)) as { documents: unknown[] }
  assert.equal(found.documents.length, 1)
  assert.deepEqual(await find(browse.url), found)
  assert.equal(await browse.end(), 0)
  assert.equal(await run.end(), 130)
})
