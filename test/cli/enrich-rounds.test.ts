import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { decodeModel } from '../../src/text/linear/model-file.ts'
import { say, serveJudge } from '../annotate/judge/server.ts'
import { runHeadrace, runUntilEffect } from '../run/fixture.ts'
import { makeStoredRuns, type StoredRuns } from './run-rows.ts'
import { parseLines, runMain } from './terminal.ts'

let stored: StoredRuns
before(async () => {
  stored = await makeStoredRuns('enrich-rounds', { count: 640 })
  writeFileSync(at('rubric.md'), '# is-math\nJudge.\n## score: 0 to 5\nHow much.\n## kind: prose, code\nWhat it is.\n')
})

const at = (name: string) => join(stored.dir, name)
const isMath = (id: unknown) => stored.documents[Number(String(id).replace(/^\D+/, ''))].isMath
/** Forty texts of mathematics of 160, and as many as there are of others. */
const fixed = () => [
  '--positive',
  'run:all?domain=math',
  '--background',
  'run:all?domain=web&any',
  '--dir',
  stored.runs,
]
const rounds = (folder: string, ...args: string[]) =>
  runMain(['enrich', 'rounds', 'all', ...fixed(), '--out', at(folder), '--add', '30', '--sample', '10', ...args])

/** Fills in what is asked for, as a person would who knows what is mathematics. */
function fillIn(folder: string, round: number): number {
  const file = join(at(folder), `sample-${round}.jsonl`)
  const lines = parseLines(readFileSync(file, 'utf8'))
  const filled = lines.map(line => ({ ...line, label: isMath(line.id) ? 'yes' : 'no' }))
  writeFileSync(file, filled.map(line => `${JSON.stringify(line)}\n`).join(''))
  return lines.length
}

/** The loop with a person, to its end. */
async function loop(folder: string, ...args: string[]) {
  for (let round = 1; ; round++) {
    const done = await rounds(folder, ...args)
    if (done.status !== 4) return { ...done, asked: round - 1 }
    assert.equal(done.err, '')
    fillIn(folder, round)
  }
}

const chosenOf = (folder: string, round: number): { slot: number; row: number; id: string; text: number }[] =>
  JSON.parse(readFileSync(join(at(folder), `round-${round}.json`), 'utf8')).chosen
const figuresOf = (folder: string) => JSON.parse(readFileSync(join(at(folder), 'rounds.json'), 'utf8'))

test('what is like the positives is added while it is pure; the loop ends by itself when it is not', async () => {
  const first = await rounds('person')
  assert.deepEqual([first.status, first.err], [4, ''])
  assert.match(
    first.out,
    /10 rows of round 1 wait for a label: put yes or no into 'label' of each line of\n.*sample-1\.jsonl\nand run/,
  )
  assert.equal(fillIn('person', 1), 10)
  const { status, out, err } = await loop('person')
  assert.deepEqual([status, err], [0, ''])
  const { rounds: made, end } = figuresOf('person')
  assert.equal(end, 'impure')
  assert.match(out, /^round +positives +background +found/)
  assert.match(out, /is pure to 0\.\d\d, below 0\.9: it was not added/)
  assert.match(out, /headrace enrich .*all --seed .*person\.seed\.json --classifier .*person\.linear/)
  const last = made.length
  assert.ok(last >= 3, `${last} rounds`)
  for (const { isAdded, purity, purityLow, positives, round } of made) {
    assert.equal(isAdded, round < last)
    assert.equal(isAdded, purity >= 0.9)
    assert.ok(purityLow < purity || purity === 0)
    assert.equal(positives, made[0].positives + 30 * (round - 1))
  }
  // Nothing comes in twice, by its place or by its text.
  const all = made.flatMap(({ round }: { round: number }) => chosenOf('person', round))
  assert.equal(new Set(all.map((one: { text: number }) => one.text)).size, all.length)
  assert.equal(new Set(all.map((one: { slot: number; row: number }) => `${one.slot}.${one.row}`)).size, all.length)
  const added = all.slice(0, 30 * (last - 1))
  assert.ok(added.filter(({ id }: { id: string }) => isMath(id)).length > 0.85 * added.length)
  assert.ok(
    added.some(({ id }: { id: string }) => stored.documents[Number(id.slice(1))]?.isLong),
    'dropped rows are found, too',
  )
  const { model, report } = decodeModel(readFileSync(join(at('person'), 'person.linear')), 'model')
  assert.equal(model.heads[0].name, 'person')
  assert.equal(
    (report as { heads: { learned: { positives: number } }[] }).heads[0].learned.positives,
    made[last - 1].positives,
  )
  // It has ended, and says so again.
  assert.equal((await rounds('person')).out, out)
})

test('the same again gives the same bytes, and a loop that loses what it had not finished does, too', async () => {
  await loop('again', '--name', 'math', '--rounds-max', '2')
  const read = (folder: string) =>
    Object.fromEntries(
      readdirSync(at(folder))
        .sort()
        .map(name => [name, readFileSync(join(at(folder), name), 'base64')]),
    )
  const whole = read('again')
  assert.deepEqual(Object.keys(whole), [
    'math.linear',
    'math.seed.json',
    'round-1.json',
    'round-2.json',
    'rounds.json',
    'sample-1.jsonl',
    'sample-2.jsonl',
  ])
  // As a kill leaves it: what stands behind any write that was the last one is not there.
  const first = await rounds('cut', '--name', 'math', '--rounds-max', '2')
  assert.equal(first.status, 4)
  for (const lost of [
    ['rounds.json', 'round-1.json', 'math.linear', 'sample-1.jsonl'],
    ['round-1.json', 'sample-1.jsonl'],
    ['math.seed.json', 'round-1.json', 'sample-1.jsonl'],
    ['sample-1.jsonl'],
  ]) {
    for (const name of lost) rmSync(join(at('cut'), name))
    writeFileSync(join(at('cut'), 'round-1.json.tmp'), 'half')
    assert.equal((await rounds('cut', '--name', 'math', '--rounds-max', '2')).status, 4)
  }
  fillIn('cut', 1)
  assert.equal((await rounds('cut', '--name', 'math', '--rounds-max', '2')).status, 4)
  // The second round's: its models are half those of the first.
  rmSync(join(at('cut'), 'round-2.json'))
  rmSync(join(at('cut'), 'sample-2.jsonl'))
  rmSync(join(at('cut'), 'math.linear'))
  assert.equal((await rounds('cut', '--name', 'math', '--rounds-max', '2')).status, 4)
  fillIn('cut', 2)
  assert.equal((await rounds('cut', '--name', 'math', '--rounds-max', '2')).status, 0)
  rmSync(join(at('cut'), 'round-1.json.tmp'), { force: true })
  assert.deepEqual(read('cut'), whole)
})

test('killed before any lasting effect it goes on to the same bytes', async () => {
  const labels = at('truth.jsonl')
  const ids = stored.documents.flatMap(({ id, isMath: is }) =>
    [id, `copy${id.slice(1)}`].map(one => ({ id: one, label: is ? 'yes' : 'no' })),
  )
  writeFileSync(labels, ids.map(line => `${JSON.stringify(line)}\n`).join(''))
  const args = (folder: string) => [
    ...['enrich', 'rounds', 'all', ...fixed(), '--out', at(folder), '--add', '30', '--sample', '10'],
    ...['--labels', labels, '--name', 'math', '--rounds-max', '2'],
  ]
  const read = (folder: string) =>
    Object.fromEntries(
      readdirSync(at(folder))
        .filter(name => !/\.tmp$|^lock/.test(name))
        .sort()
        .map(name => [name, readFileSync(join(at(folder), name), 'base64')]),
    )
  const whole = await runHeadrace(args('whole'))
  assert.deepEqual([whole.status, whole.err], [0, ''])
  let killed = 0
  for (let nth = 12; ; nth += 13) {
    const life = await runUntilEffect(args('killed'), at('killed'), nth)
    if (life.signal === null) {
      assert.deepEqual([life.status, life.err], [0, ''])
      break
    }
    assert.equal(life.signal, 'SIGKILL')
    killed++
  }
  assert.ok(killed > 3, `${killed} kills`)
  assert.deepEqual(Object.keys(read('whole')), [
    'math.linear',
    'math.seed.json',
    'round-1.json',
    'round-2.json',
    'rounds.json',
  ])
  assert.deepEqual(read('killed'), read('whole'))
})

const byModel = (url: URL, ...args: string[]) => [
  ...['--rubric', at('rubric.md'), '--is', 'score>=3&kind=prose', '--model', 'm', '--endpoint', url.origin],
  ...args,
]
const byContent = (response: Parameters<ReturnType<typeof say>>[0], asked: { text: string }, count: number) =>
  say(JSON.stringify({ score: /theorem|lemma|algebra|integral/.test(asked.text) ? 5 : 1, kind: 'prose' }))(
    response,
    asked as never,
    count,
  )

test('a model judges in place of a person; a budget leaves the round open, and nothing is asked for twice', async () => {
  await using server = await serveJudge(byContent)
  const store = ['--store', at('judged')]
  const none = await rounds('model', ...byModel(server.url, ...store, '--budget-requests', '0'))
  assert.deepEqual([none.status, server.asked.length], [69, 0])
  assert.match(
    none.err,
    /10 rows of a sample of 10 have no answer, and the round stays open: the budget has nothing left/,
  )
  const few = await rounds('model', ...byModel(server.url, ...store, '--budget-requests', '4'))
  assert.deepEqual([few.status, server.asked.length], [69, 4])
  assert.match(few.err, /6 rows of a sample of 10/)
  const { status, out, err } = await rounds('model', ...byModel(server.url, ...store), '--json')
  assert.deepEqual([status, err.replace(/round \d+: \w+\n/g, '')], [0, ''])
  const told = JSON.parse(out)
  assert.equal(told.end, 'impure')
  assert.equal(
    server.asked.length,
    told.rounds.reduce((sum: number, { judged }: { judged: number }) => sum + judged, 0),
  )
  assert.ok(!existsSync(join(at('model'), 'sample-1.jsonl')))
  // What a person says of the same rows comes to the same rounds.
  const person = await rounds('model-person')
  assert.equal(person.status, 4)
  assert.deepEqual(chosenOf('model-person', 1), chosenOf('model', 1))
  const other = await rounds('model')
  assert.deepEqual([other.status, /was begun with another judge/.test(other.err)], [64, true])
})

test('what a model has no answer for counts as wrong, and is told', async () => {
  await using server = await serveJudge((response, asked, count) =>
    say(/theorem/.test(asked.text) ? 'none' : '{"score":5,"kind":"prose"}')(response, asked, count),
  )
  const { status, out } = await rounds('silent', ...byModel(server.url, '--store', at('silent-store')))
  assert.equal(status, 0)
  const [{ unanswered, right, judged, isAdded }] = figuresOf('silent').rounds
  assert.ok(unanswered > 1 && right + unanswered === judged && !isAdded)
  assert.match(out, new RegExp(`The judge said nothing of ${unanswered} rows, which count as\\s+wrong`))
})

test('labels from elsewhere are taken, those that say neither yes nor no are refused, and missing ones are asked for', async () => {
  await rounds('labels')
  const lines = parseLines(readFileSync(join(at('labels'), 'sample-1.jsonl'), 'utf8'))
  assert.deepEqual(Object.keys(lines[0]), ['label', 'slot', 'row', 'id', 'url', 'domain', 'kept', 'rank', 'text'])
  const file = at('labels.jsonl')
  const write = (of: readonly object[]) => writeFileSync(file, of.map(line => `${JSON.stringify(line)}\n`).join(''))
  const labelled = lines.map(({ slot, row, id }) => ({ slot, row, id, label: 1 }))
  write([...labelled.slice(0, 7), { slot: 9, row: 9, label: 1 }, { id: lines[8].id, label: 'TRUE' }])
  const part = await rounds('labels', '--labels', file)
  assert.deepEqual([part.status, part.err], [4, ''])
  assert.match(part.out, /2 rows of round 1 wait/)
  write([...labelled.slice(0, 7), { ...labelled[7], label: 'maybe\u001b[31m' }])
  const unknown = await rounds('labels', '--labels', file)
  assert.equal(unknown.status, 64)
  assert.match(unknown.err, /labels\.jsonl:8 has the label 'maybe.*', which is neither yes nor no/)
  assert.ok(!unknown.err.includes('\u001b'))
  // Another document at the address is not the one that was labelled.
  write(labelled.map(line => ({ ...line, id: 'x' })))
  assert.match((await rounds('labels', '--labels', file)).out, /10 rows of round 1 wait/)
  write(labelled)
  const done = await rounds('labels', '--labels', file)
  assert.match(done.out, /10 of 10 +0\.79 +added/)
})

test('hosts and sources have no more than they have room for, in all rounds together; more rounds go on', async () => {
  const args = ['--per-host', '5', '--per-source', '9', '--source', 'topic', '--purity-min', '0']
  const one = await loop('caps', ...args, '--rounds-max', '1')
  assert.match(one.out, /1 rounds were to be made, and all were added\. A larger --rounds-max goes on/)
  assert.equal(figuresOf('caps').rounds.length, 1)
  const { out } = await loop('caps', ...args, '--rounds-max', '9')
  const { rounds: made, end } = figuresOf('caps')
  assert.equal(end, 'nothing-left')
  assert.match(out, /No row is left that is not in already/)
  const chosen = made.flatMap(
    ({ round }: { round: number }) => JSON.parse(readFileSync(join(at('caps'), `round-${round}.json`), 'utf8')).chosen,
  )
  for (const [name, most] of [
    ['host', 5],
    ['source', 9],
  ] as const) {
    const counts = Map.groupBy(chosen, (row: Record<string, unknown>) => row[name])
    assert.ok(
      [...counts.values()].every(rows => rows.length <= most),
      name,
    )
  }
  assert.equal(chosen.length, 18, 'two topics')
})

test('a run that stores the texts of kept documents is searched in those', async () => {
  const kept = await runMain([
    'enrich',
    'rounds',
    'kept',
    '--positive',
    'run:kept?domain=math',
    '--background',
    'run:kept?domain=web',
    '--dir',
    stored.runs,
    '--out',
    at('kept-only'),
    '--add',
    '20',
    '--sample',
    '5',
  ])
  assert.deepEqual([kept.status, kept.err], [4, ''])
  assert.match(kept.out, /stores the texts of what it keeps alone: what it dropped was not looked at/)
  assert.ok(chosenOf('kept-only', 1).every(({ id }) => !stored.documents[Number(id.slice(1))].isLong))
})

test('what changed under a loop is refused: its options, its texts, its record', async () => {
  const input = at('good.jsonl')
  const good = stored.documents.filter(({ isMath: is }) => is).slice(0, 60)
  const write = (of: readonly object[]) => writeFileSync(input, of.map(line => `${JSON.stringify(line)}\n`).join(''))
  const begin = (...args: string[]) =>
    runMain([
      'enrich',
      'rounds',
      'all',
      '--positive',
      input,
      '--background',
      'run:all?any',
      '--dir',
      stored.runs,
      '--out',
      at('changed'),
      '--add',
      '10',
      '--sample',
      '5',
      ...args,
    ])
  write(good)
  assert.equal((await begin()).status, 4)
  const other = await begin('--add', '11', '--leave', '9')
  assert.deepEqual([other.status, /was begun with another add, leave: give the same/.test(other.err)], [64, true])
  fillIn('changed', 1)
  write(good.slice(1))
  const changed = await begin()
  assert.deepEqual(
    [changed.status, /the texts of --positive or --background are not those/.test(changed.err)],
    [65, true],
  )
  write(good)
  const file = join(at('changed'), 'rounds.json')
  const whole = readFileSync(file, 'utf8')
  writeFileSync(file, whole.replace('"rounds":[', '"rounds": ['))
  const damaged = await begin()
  assert.deepEqual([damaged.status, /rounds\.json is damaged/.test(damaged.err)], [65, true])
  writeFileSync(file, whole)
  assert.equal((await begin()).status, 4)
})

const refusals: [args: string[], status: number, message: RegExp][] = [
  [['round', 'all'], 64, /'round' is not 'rounds'/],
  [['rounds', 'all'], 64, /--out is missing/],
  [['rounds', 'all', '--out', 'x', '--background', 'run:all'], 64, /--positive is missing/],
  [['rounds', 'all', '--out', 'x', '--positive', 'run:all'], 64, /--background is missing/],
  [
    ['rounds', 'all', '--out', 'a b', '--positive', 'run:all', '--background', 'run:all'],
    64,
    /the name is 'a b': give --name/,
  ],
]
const given = ['rounds', 'all', '--out', 'x', '--positive', 'run:all?domain=math', '--background', 'run:all?domain=web']
const refusedGiven: typeof refusals = [
  [['--purity-min', '1.1'], 64, /--purity-min is '1\.1'; it takes a number from 0 to 1/],
  [['--purity-min', 'NaN'], 64, /--purity-min is 'NaN'/],
  [['--leave', ''], 64, /--leave is ''/],
  [['--add', '0'], 64, /--add is '0'/],
  [['--sample', '1001'], 64, /--sample is '1001'/],
  [['--is', 'score>=3'], 64, /--is goes with --rubric/],
  [['--rubric', 'rubric.md', '--labels', 'l.jsonl'], 64, /two judges/],
  [['--rubric', 'gone.md', '--model', 'm', '--is', 'score>=3'], 66, /rubric gone\.md cannot be read/],
  [['--rubric', 'rubric.md', '--model', 'm'], 64, /--is is missing/],
  [
    ['--rubric', 'rubric.md', '--model', 'm', '--is', 'worth>=3'],
    64,
    /--is asks for 'worth', and the rubric has score, kind/,
  ],
  [
    ['--rubric', 'rubric.md', '--model', 'm', '--is', 'kind>=3'],
    64,
    /'kind' by a number, which it is not: write kind=prose/,
  ],
  [
    ['--rubric', 'rubric.md', '--model', 'm', '--is', 'score=3'],
    64,
    /'score' by names, which it is not: write score>=5/,
  ],
  [['--rubric', 'rubric.md', '--model', 'm', '--is', 'kind=verse'], 64, /kind 'verse', and its labels are prose, code/],
  [['--rubric', 'rubric.md', '--model', 'm', '--is', 'score>=3'], 64, /--endpoint is missing. See: headrace enrich/],
  [['--labels', 'gone.jsonl'], 66, /there is no file gone\.jsonl/],
]
for (const [args, status, message] of [
  ...refusals,
  ...refusedGiven.map(([args, ...rest]) => [[...given, ...args], ...rest] as (typeof refusals)[0]),
])
  test(`refused: ${args.join(' ')}`, async () => {
    const paths = args.map(arg => (arg === 'x' || arg.endsWith('rubric.md') ? at(arg) : arg))
    const refused = await runMain(['enrich', ...paths, '--dir', stored.runs])
    assert.equal(refused.status, status, refused.err)
    assert.match(refused.err, message)
    assert.ok(!existsSync(at('x')))
  })

test('too few words or texts to learn from are refused with what there is', async () => {
  const few = at('few.jsonl')
  const begin = () =>
    runMain([
      'enrich',
      'rounds',
      'all',
      '--positive',
      few,
      '--background',
      'run:all?domain=web',
      '--dir',
      stored.runs,
      '--out',
      at('few'),
    ])
  writeFileSync(few, '{"text":"three short words"}\n{"text":""}\n')
  assert.match((await begin()).err, /3 words in 1 seed texts/)
  writeFileSync(few, `{"text":"${'word '.repeat(200)}"}\n`)
  assert.match((await begin()).err, /there are 1 positives with words in them, and 10 are the least/)
  const none = await runMain(['enrich', 'rounds', 'none', ...fixed(), '--out', at('none')])
  assert.deepEqual([none.status, /does not store the texts/.test(none.err)], [64, true])
})
