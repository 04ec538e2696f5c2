import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { copyFile, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { runHeadrace, writeCorpus, writePipeline } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { eventFields, eventsOf, find, parseEvents } from '../watch/events.ts'
import { parseMetrics, readSample, type Scraped } from '../watch/prometheus-text.ts'

// A run of the real command that is watched: what is served while it goes, and the lines that it writes.

/** Counters that go on where the run goes on, and the others, which begin with the process. */
const isOfRun = (name: string) => /^headrace_(rows|dropped_rows|read_bytes|tokens|shards|steps|slots)_total$/.test(name)

/** Follows what a process serves: every scrape parses, and no counter goes back, those of the run not even by a restart. */
class Scraper {
  readonly ofRun = new Map<string, number>()
  readonly names = new Set<string>()

  /** Scrapes until a scrape is as wanted. */
  async until(url: string, isWanted: (found: Map<string, Scraped>) => boolean): Promise<Map<string, Scraped>> {
    const ofProcess = new Map<string, number>()
    for (;;) {
      const response = await fetch(`${url}/metrics`)
      assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
      const found = parseMetrics(await response.text())
      for (const [name, { type, samples }] of found) {
        this.names.add(name)
        if (type === 'gauge') continue
        const before = isOfRun(name) ? this.ofRun : ofProcess
        for (const [key, { value }] of samples) {
          assert.ok(value >= (before.get(key) ?? 0), `${key} went back from ${before.get(key)} to ${value}`)
          before.set(key, value)
        }
      }
      if (isWanted(found)) return found
    }
  }
}

const probe = async (url: string) => {
  const response = await fetch(url)
  return [response.status, await response.json()]
}

/** The page is there, and what it is told comes to these documents; a look may be some seconds old. */
async function findPage(url: string, documents: number): Promise<void> {
  const page = await fetch(`${url}/`)
  assert.deepEqual([page.status, page.headers.get('content-type')], [200, 'text/html; charset=utf-8'])
  assert.match(await page.text(), /<h1>test<\/h1>/)
  for (;;) {
    const told = (await (await fetch(`${url}/api/run`)).json()) as Record<string, unknown>
    assert.deepEqual([told.run, told.state, told.error], ['test', 'running', null])
    if (told.documents === documents) return
  }
}

/** Calls back with the address that a run serves at. */
function whenListening(child: ChildProcess, then: (url: string) => Promise<void>): Promise<void> {
  let text = ''
  return new Promise((resolve, reject) => {
    const look = (data: Buffer) => {
      text += data
      const url = /"url":"(http[^"]+)"/.exec(text)?.[1]
      if (!url) return
      child.stderr!.off('data', look)
      then(url)
        .finally(() => child.kill('SIGINT'))
        .then(resolve, reject)
    }
    child.stderr!.on('data', look)
    child.on('close', () => resolve())
  })
}

test('what a run serves and tells over its life and after a restart', async () => {
  const corpus = await writeCorpus({ seed: 3, files: 2, documentsPerFile: 250 })
  const pipeline = await writePipeline(corpus.dir)
  const dir = makeFolder('watched')
  const args = [
    'run',
    pipeline,
    '--dir',
    dir,
    '--workers',
    '1',
    '--http',
    '0',
    '--log-format',
    'json',
    '--json',
    '--follow',
  ]
  const scraper = new Scraper()
  const rows = (found: Map<string, Scraped>) =>
    ['kept', 'dropped', 'dead'].reduce(
      (sum, fate) => sum + (readSample(found, 'headrace_rows_total', { fate }) ?? 0),
      0,
    )
  const follow = async (documents: number, meanwhile: (url: string) => Promise<void>) => {
    let watching = Promise.resolve()
    const run = await runHeadrace(args, child => {
      watching = whenListening(child, async url => {
        await meanwhile(url)
        await scraper.until(url, found => rows(found) === documents)
        assert.deepEqual(await probe(`${url}/healthz`), [200, { status: 'ok' }])
        assert.deepEqual(await probe(`${url}/readyz`), [200, { status: 'ready' }])
        await findPage(url, documents)
      })
    })
    await watching
    assert.equal(run.status, 130)
    return { lines: parseEvents(run.err), figures: JSON.parse(run.out) }
  }

  const first = await follow(corpus.documents, async () => {})
  assert.equal(scraper.ofRun.get('headrace_rows_total{fate="dead"}'), corpus.broken)
  assert.deepEqual(eventsOf(first.lines).slice(0, 2), ['listening', 'starting'])
  assert.deepEqual(find(first.lines, 'started')!.slots, { annotate: 0, decide: 0, shard: 0 })
  assert.deepEqual(find(first.lines, 'dead-rows')!.reasons, { 'broken-json': corpus.broken })
  assert.deepEqual(
    eventsOf(first.lines).filter(event => /^dr/.test(event)),
    ['draining', 'drained'],
  )
  assert.equal(find(first.lines, 'drained')!.kept, first.figures.kept)

  const before = new Map(scraper.ofRun)
  const second = await follow(corpus.documents + 250, async () => {
    // Complete when it appears, as a follower needs it.
    await copyFile(join(corpus.dir, 'part-0.jsonl'), join(corpus.dir, 'more'))
    await rename(join(corpus.dir, 'more'), join(corpus.dir, 'part-9.jsonl'))
  })
  const { annotate, decide } = find(second.lines, 'started')!.slots as Record<string, number>
  assert.deepEqual(
    [annotate, decide],
    ['annotate', 'decide'].map(stage => before.get(`headrace_slots_total{stage="${stage}"}`)),
  )
  assert.equal(find(second.lines, 'drained')!.documents, corpus.documents + 250)

  const last = await runHeadrace(args.filter(arg => arg !== '--follow'))
  assert.equal(last.status, 0)
  const lines = parseEvents(last.err)
  assert.equal(eventsOf(lines).at(-1), 'ended')
  const sealed = lines.filter(line => line.event === 'shard-sealed')
  assert.equal(
    sealed.reduce((sum, line) => sum + Number(line.tokens), 0),
    JSON.parse(last.out).tokens,
  )
  assert.equal(find(lines, 'steps-published')!.new, find(lines, 'ended')!.steps)
  // What was published before is not told again.
  const again = parseEvents((await runHeadrace(args.filter(arg => arg !== '--follow'))).err)
  assert.equal(find(again, 'steps-published'), undefined)
  assert.equal(find(again, 'ended')!.steps, find(lines, 'ended')!.steps)
  await checkRunbook(scraper.names)
})

async function checkRunbook(metrics: ReadonlySet<string>): Promise<void> {
  const text = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'runbook.md'), 'utf8')
  const missing = [...metrics, ...Object.keys(eventFields)].filter(name => !text.includes(`\`${name}`))
  assert.deepEqual(missing, [])
  const named = [...text.matchAll(/headrace_[a-z_]+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, ''))
  // These have no sample where nothing is to be said.
  const known = new Set([
    ...metrics,
    'headrace_dead_rows_total',
    'headrace_repaired_rows_total',
    'headrace_input_bytes',
  ])
  assert.deepEqual(
    named.filter(name => !known.has(name)),
    [],
  )
}
