import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { readFeed } from '../../src/feed/read.ts'
import { randomFrom } from '../random.ts'
import { makeText, runHeadrace } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { parseLines, runMain } from './terminal.ts'

// Whole runs over files of their own, by the command line: the third has what the first has, as it is or with a line more, under other ids.
const dir = makeFolder('runs')
const work = makeFolder('work')
const home = join(work, 'all')
const random = randomFrom(11)

interface Line {
  readonly id: string
  readonly text: string
  readonly domain: string
}
function writeLines(name: string, lines: readonly Line[]): void {
  mkdirSync(join(work, name))
  writeFileSync(join(work, name, 'a.jsonl'), lines.map(line => `${JSON.stringify(line)}\n`).join(''))
}
const makeLines = (name: string, count: number): Line[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `${name}-${i}`,
    text: makeText(random, 12 + Math.floor(random() * 30)),
    domain: i % 3 === 0 ? 'code' : name,
  }))
const first = makeLines('web', 60)
const copies = first.slice(0, 20).map(({ text, ...line }, i) => {
  return { ...line, id: `copy-${i}`, text: i % 2 === 0 ? text : `${text} One more line at the end.` }
})

before(async () => {
  writeLines('A', first)
  writeLines('B', makeLines('books', 40))
  writeLines('C', [...copies, ...makeLines('news', 30)])
  const begin = async (name: string) => {
    const file = join(work, name, 'pipeline.ts')
    const glob = JSON.stringify(join(work, name, '*.jsonl'))
    const body = `h.pipeline('${name}').from(h.jsonl(${glob})).annotate(h.normalize(), h.signature())
      .decide(h.exactDuplicates(), h.nearDuplicates()).tokenize('gpt2').feed({ length: 128, batch: 4, freshness: 8 })`
    writeFileSync(file, `import * as h from 'headrace'\nexport default ${body}\n`)
    const { status, err } = await runHeadrace(['run', file, '--dir', dir, '--run', name, '--workers', '1'])
    assert.equal(status, 0, err)
  }
  await Promise.all(['A', 'B', 'C'].map(begin))
})

const unite = (...args: string[]) => runMain(['unite', ...args, '--dir', dir])
const steps = async (feed = join(home, 'feed')) => Array.fromAsync(readFeed(feed))

test('two runs become a feed, and a third joins it at a step, without what the first has', async () => {
  const made = await unite(
    home,
    '--run',
    'A',
    '--run',
    'B',
    '--map',
    'B:books=literature',
    '--steps',
    '4',
    '--note',
    'why',
  )
  assert.equal(made.status, 0, made.err)
  assert.match(made.err, /freshness 8 of .*A is left out, as it is for input that still comes/)
  assert.match(made.out, /2 runs joined\n\nrun +from step +shards +documents +tokens +left out +tokens\n/)
  assert.match(made.out, /literature +.*B +\d+/)
  assert.match(made.out, /The feed has 4 steps; headrace\s+unite .*all plans it on/)
  const early = await steps()
  const joined = await unite(home, '--add', 'C', '--from-step', '4', '--json')
  assert.equal(joined.status, 0, joined.err)
  const { recorded, ended, runs, joined: now } = JSON.parse(joined.out)
  assert.deepEqual([recorded, ended, runs.length, runs[2].leftOut.documents], [true, true, 3, 20])
  assert.deepEqual(now[0].domains.map((one: { domain: string }) => one.domain).sort(), ['code', 'news', 'web'])
  const all = await steps()
  assert.deepEqual(all.slice(0, 4), early)
  const of = (from: number, to?: number) => new Set(all.slice(from, to).flatMap(({ domains }) => domains))
  assert.deepEqual([...of(0, 4)].sort(), ['code', 'literature', 'web'])
  // What joins is fed from its step on, and not once all that was there before is.
  assert.ok(of(4, 6).has('news'))
  const documents = new Set(all.flatMap(batch => batch.documents))
  assert.ok(documents.has('news-1') && documents.has('books-1') && ![...documents].some(id => id.startsWith('copy-')))
  const again = await unite(home, '--add', 'C')
  assert.match(again.out, /goes on as it was recorded/)
})

test('what was left out is told, one by one or all', async () => {
  const all = await unite(home, '--copies')
  const lines = parseLines(all.out) as { id: string; reason: string; of: { run: string; id: string } }[]
  assert.deepEqual(
    lines.map(({ id, reason, of }) => [id, reason, of.id]),
    copies.map(({ id }, i) => [id, i % 2 === 0 ? 'exact-duplicate' : 'near-duplicate', first[i].id]),
  )
  const one = await unite(home, '--document', 'copy-3')
  assert.match(one.out, /left out of code: .*C, slot 0, row 3 repeats .*A, slot 0, row 3 'web-3', near-duplicate/)
  const original = await unite(home, '--document', 'web-3')
  assert.match(original.out, /fed in code: .*A, slot 0, row 3, slot 0 of the feed, \d+ tokens/)
  assert.match(original.out, /repeated by .*C, slot 0, row 3 'copy-3'/)
  const json = JSON.parse((await unite(home, '--document', 'copy-0', '--json')).out)
  assert.deepEqual([json.fed, json.leftOut[0].ofId], [[], 'web-0'])
  const none = await unite(home, '--document', 'nobody')
  assert.deepEqual([none.status, none.out], [66, ''])
})

test('the commands that take a feed take it; those that need one run say so', async () => {
  const run = async (...args: string[]) => {
    const printed = await runMain(args)
    assert.equal(printed.status, 0, `${args.join(' ')}: ${printed.err}`)
    return printed.out
  }
  assert.match(await run('feed', home, '--steps', '2'), /tokens are in no step|steps, /)
  assert.match(await run('feed', home, '--domains'), /step 4: takes in \S*C\n/)
  assert.match(await run('verify', home, '--steps', '4'), /joins +2 +joins +holds[\s\S]*All of it holds/)
  const { length } = await steps()
  assert.match(await run('fork', home, '--at', '5', '--skip', '6-7'), /states of that feed go on here up to step 5/)
  assert.equal((await steps(join(home, 'forks', 'at-5-skip-6-7'))).length, length - 2)
  assert.match(await run('batch', home, '--samples', '2'), /2 samples a step from step \d+ of/)
  assert.match(await run('mix', home, '--set', 'news=1,literature=2'), /mixture news=1, literature=2 from step/)
  assert.match(await run('budget', home, '--tokens', '1e9'), /a budget of 1,000,000,000 tokens/)
  assert.match(await run('export', home, '--to', 'megatron', '--out', join(work, 'out')), /megatron, in/)
  const ids = join(work, 'ids')
  writeFileSync(ids, 'copy-3\n')
  const taken = await run('take-down', '--feed', home, '--ids', ids, '--at', '0', '--unread')
  assert.match(taken, /documents +2: 1 kept, which are masked; 1 dropped/)
  assert.match(taken, /A, slot 0, row 3 +a copy +fed, masked/)
  assert.match(await run('verify', home, '--steps', '4'), /All of it holds/)
  const audit = await runMain(['audit', '--feed', join(home, 'feed'), '--step', '1'])
  assert.deepEqual([audit.status, audit.err.includes('is a feed of several runs')], [64, true])
})

test('of a run that is gone, what is fed is taken down by its id, and that is told', async () => {
  const ids = join(work, 'gone')
  writeFileSync(ids, 'web-5\n')
  renameSync(join(dir, 'A'), join(dir, 'gone'))
  try {
    const taken = await runMain(['take-down', '--feed', home, '--ids', ids, '--at', '0', '--unread', '--plan'])
    assert.equal(taken.status, 0, taken.err)
    assert.match(taken.err, /copies that only that run has found are not looked for: .*A: .*put it back/)
    // What the feed leaves out as its copy is known without the run.
    assert.match(taken.out, /documents +2: 1 kept, which are masked; 1 dropped/)
    const byUrl = await runMain([
      'take-down',
      '--feed',
      home,
      '--ids',
      ids,
      '--by',
      'url',
      '--at',
      '0',
      '--unread',
      '--plan',
    ])
    assert.deepEqual([byUrl.status, byUrl.out], [66, ''])
    const { status, out } = await runMain(['verify', home, '--steps', '2'])
    assert.deepEqual([status, /what was not checked\s+the join at step 0:[\s\S]*no longer/.test(out)], [0, true], out)
  } finally {
    renameSync(join(dir, 'gone'), join(dir, 'A'))
  }
})

test('a list that says otherwise than the runs is seen', async () => {
  const path = join(home, 'feed', 'control.json')
  const text = readFileSync(path, 'utf8')
  writeFileSync(path, text.replace(/"documents": 20/, '"documents": 19'))
  const { status, out } = await runMain(['verify', home, '--steps', '0'])
  writeFileSync(path, text)
  assert.equal(status, 65)
  assert.match(
    out,
    /the join at step 4: its leftOut of \S*C is \{"documents":19,"tokens":\d+\}\s+and\s+should\s+be\s+\{"documents":20/,
  )
})

const refusals: Record<string, readonly [args: readonly string[], message: RegExp]> = {
  'one run': [['x', '--run', 'A'], /--run names 1 run; a feed of one run is the run's own/],
  'no feed': [['x'], /there is no feed of several runs in x: name its runs with --run/],
  'a map of no run': [['x', '--run', 'A', '--run', 'B', '--map', 'C:a=b'], /begins with none of A, B and a colon/],
  'a map without a name': [['x', '--run', 'A', '--run', 'B', '--map', 'A:web='], /takes A:DOMAIN=NAME/],
  'a domain mapped twice': [
    ['x', '--run', 'A', '--run', 'B', '--map', 'A:web=a', '--map', 'A:web=b'],
    /gives 'web' of A two names/,
  ],
  'no such rule': [['x', '--run', 'A', '--run', 'B', '--duplicates', 'some'], /it takes drop, refuse or keep/],
  'no such file': [['x', '--run', 'A', '--run', 'B', '--feed', 'none.json'], /can't be read as JSON/],
  'options of a new feed for one that there is': [['x', '--add', 'A', '--duplicates', 'keep'], /goes with --run/],
  'a step without a run': [['x', '--from-step', '3'], /--from-step goes with --add RUN/],
  'two wishes': [['x', '--run', 'A', '--run', 'B', '--add', 'C'], /make the feed first/],
  'looking and working': [['x', '--copies', '--run', 'A'], /--copies is given with --run: it only looks/],
}
for (const [name, [args, message]] of Object.entries(refusals))
  test(`${name}: refused`, async () => {
    const { status, err, out } = await unite(...args)
    assert.match(err, message)
    assert.deepEqual([status === 64 || status === 66, out], [true, ''])
  })

test('options of the feed from a file', async () => {
  const file = join(work, 'feed.json')
  writeFileSync(file, JSON.stringify({ length: 64, batch: 2, packing: 'best-fit' }))
  const other = join(work, 'other')
  const made = await unite(other, '--run', 'A', '--run', 'B', '--feed', file, '--name', 'mine', '--duplicates', 'keep')
  assert.equal(made.status, 0, made.err)
  const { length, batch, packing, run } = JSON.parse(readFileSync(join(other, 'feed', 'head.json'), 'utf8'))
  assert.deepEqual([length, batch, packing, run], [64, 2, 'best-fit', 'mine'])
  const piped = join(work, 'piped')
  const pipeline = await unite(piped, '--run', 'A', '--run', 'B', '--feed', join(work, 'B', 'pipeline.ts'))
  assert.equal(pipeline.status, 0, pipeline.err)
  writeFileSync(file, JSON.stringify({ length: 64, batches: 2 }))
  const wrong = await unite(join(work, 'wrong'), '--run', 'A', '--run', 'B', '--feed', file)
  assert.deepEqual([wrong.status, /batches/.test(wrong.err)], [64, true])
})
