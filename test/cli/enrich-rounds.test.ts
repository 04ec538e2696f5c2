import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { decodeModel } from '../../src/text/linear/model-file.ts'
import { runHeadrace, runUntilEffect } from '../run/fixture.ts'
import { RoundsLoop } from './rounds-loop.ts'
import { runMain } from './terminal.ts'

let loop: RoundsLoop
before(async () => {
  loop = await RoundsLoop.make('enrich-rounds')
})

test('what is like the positives is added while it is pure; the loop ends by itself when it is not', async () => {
  const first = await loop.once('person')
  assert.deepEqual([first.status, first.err], [4, ''])
  assert.match(
    first.out,
    /10 rows of round 1 wait for a label: put yes or no into 'label' of each line of\n.*sample-1\.jsonl\nand run/,
  )
  assert.equal(loop.fillIn('person', 1), 10)
  const { status, out, err } = await loop.toEnd('person')
  assert.deepEqual([status, err], [0, ''])
  const { rounds: made, end } = loop.record('person')
  assert.equal(end, 'impure')
  assert.match(out, /^round +positives +background +found/)
  assert.match(out, /is pure to 0\.\d\d, below 0\.9: it was not added/)
  assert.match(
    out,
    /headrace enrich .*all --seed .*person\.seed\.json --top 1% .*, or with --classifier .*person\.linear/,
  )
  const last = made.length
  assert.ok(last >= 3, `${last} rounds`)
  for (const { isAdded, purity, purityLow, positives, round } of made) {
    assert.equal(isAdded, round < last)
    assert.equal(isAdded, purity >= 0.9)
    assert.ok(purityLow < purity || purity === 0)
    assert.equal(positives, made[0].positives + 30 * (round - 1))
  }
  // The best-scoring 8 % of the background are no negatives any more, which are more than all that was added.
  assert.ok(made[0].background - made[1].background >= Math.floor(0.08 * made[0].background))
  assert.ok(Math.floor(0.08 * made[0].background) > 30)
  // Nothing comes in twice, by its place or by its text.
  const all = made.flatMap(({ round }: { round: number }) => loop.chosen('person', round))
  assert.equal(new Set(all.map((one: { text: number }) => one.text)).size, all.length)
  assert.equal(new Set(all.map((one: { slot: number; row: number }) => `${one.slot}.${one.row}`)).size, all.length)
  const added = all.slice(0, 30 * (last - 1))
  assert.ok(added.filter(({ id }: { id: string }) => loop.isMath(id)).length > 0.85 * added.length)
  assert.ok(
    added.some(({ id }: { id: string }) => loop.stored.documents[Number(id.slice(1))]?.isLong),
    'dropped rows are found, too',
  )
  const { model, report } = decodeModel(readFileSync(join(loop.at('person'), 'person.linear')), 'model')
  assert.equal(model.heads[0].name, 'person')
  assert.equal(
    (report as { heads: { learned: { positives: number } }[] }).heads[0].learned.positives,
    made[last - 1].positives,
  )
  // It has ended, and says so again.
  assert.equal((await loop.once('person')).out, out)
})

test('the same again gives the same bytes, and a loop that loses what it had not finished does, too', async () => {
  await loop.toEnd('again', '--name', 'math', '--rounds-max', '2')
  const read = (folder: string) =>
    Object.fromEntries(
      readdirSync(loop.at(folder))
        .sort()
        .map(name => [name, readFileSync(join(loop.at(folder), name), 'base64')]),
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
  const first = await loop.once('cut', '--name', 'math', '--rounds-max', '2')
  assert.equal(first.status, 4)
  for (const lost of [
    ['rounds.json', 'round-1.json', 'math.linear', 'sample-1.jsonl'],
    ['round-1.json', 'sample-1.jsonl'],
    ['math.seed.json', 'round-1.json', 'sample-1.jsonl'],
    ['sample-1.jsonl'],
  ]) {
    for (const name of lost) rmSync(join(loop.at('cut'), name))
    writeFileSync(join(loop.at('cut'), 'round-1.json.tmp'), 'half')
    assert.equal((await loop.once('cut', '--name', 'math', '--rounds-max', '2')).status, 4)
  }
  loop.fillIn('cut', 1)
  assert.equal((await loop.once('cut', '--name', 'math', '--rounds-max', '2')).status, 4)
  // The second round's: its models are half those of the first.
  rmSync(join(loop.at('cut'), 'round-2.json'))
  rmSync(join(loop.at('cut'), 'sample-2.jsonl'))
  rmSync(join(loop.at('cut'), 'math.linear'))
  assert.equal((await loop.once('cut', '--name', 'math', '--rounds-max', '2')).status, 4)
  loop.fillIn('cut', 2)
  assert.equal((await loop.once('cut', '--name', 'math', '--rounds-max', '2')).status, 0)
  rmSync(join(loop.at('cut'), 'round-1.json.tmp'), { force: true })
  assert.deepEqual(read('cut'), whole)
})

test('killed before any lasting effect it goes on to the same bytes', async () => {
  const labels = loop.at('truth.jsonl')
  const ids = loop.stored.documents.flatMap(({ id, isMath: is }) =>
    [id, `copy${id.slice(1)}`].map(one => ({ id: one, label: is ? 'yes' : 'no' })),
  )
  writeFileSync(labels, ids.map(line => `${JSON.stringify(line)}\n`).join(''))
  const args = (folder: string) => [
    ...['enrich', 'rounds', 'all', ...loop.fixed(), '--out', loop.at(folder), '--add', '30', '--sample', '10'],
    ...['--labels', labels, '--name', 'math', '--rounds-max', '2'],
  ]
  const read = (folder: string) =>
    Object.fromEntries(
      readdirSync(loop.at(folder))
        .filter(name => !/\.tmp$|^lock/.test(name))
        .sort()
        .map(name => [name, readFileSync(join(loop.at(folder), name), 'base64')]),
    )
  const whole = await runHeadrace(args('whole'))
  assert.deepEqual([whole.status, whole.err], [0, ''])
  let killed = 0
  for (let nth = 12; ; nth += 13) {
    const life = await runUntilEffect(args('killed'), loop.at('killed'), nth)
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

test('hosts and sources have no more than they have room for, in all rounds together; more rounds go on', async () => {
  const args = ['--per-host', '5', '--per-source', '9', '--source', 'topic', '--purity-min', '0']
  const one = await loop.toEnd('caps', ...args, '--rounds-max', '1')
  assert.match(one.out, /1 round of --rounds-max 1 added: a larger one goes on/)
  assert.equal(loop.record('caps').rounds.length, 1)
  const { out } = await loop.toEnd('caps', ...args, '--rounds-max', '9')
  const { rounds: made, end } = loop.record('caps')
  assert.equal(end, 'nothing-left')
  assert.match(out, /No row is left that is not in already/)
  const chosen = made.flatMap(
    ({ round }: { round: number }) =>
      JSON.parse(readFileSync(join(loop.at('caps'), `round-${round}.json`), 'utf8')).chosen,
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
    loop.stored.runs,
    '--out',
    loop.at('kept-only'),
    '--add',
    '20',
    '--sample',
    '5',
  ])
  assert.deepEqual([kept.status, kept.err], [4, ''])
  assert.match(kept.out, /stores the texts of what it keeps alone: what it dropped was not looked at/)
  assert.ok(loop.chosen('kept-only', 1).every(({ id }) => !loop.stored.documents[Number(id.slice(1))].isLong))
})

test('what changed under a loop is refused: its options, its texts, its record', async () => {
  const input = loop.at('good.jsonl')
  const good = loop.stored.documents.filter(({ isMath: is }) => is).slice(0, 60)
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
      loop.stored.runs,
      '--out',
      loop.at('changed'),
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
  loop.fillIn('changed', 1)
  write(good.slice(1))
  const changed = await begin()
  assert.deepEqual(
    [changed.status, /the texts of --positive or --background are not those/.test(changed.err)],
    [65, true],
  )
  write(good)
  const file = join(loop.at('changed'), 'rounds.json')
  const whole = readFileSync(file, 'utf8')
  writeFileSync(file, whole.replace('"rounds":[', '"rounds": ['))
  const damaged = await begin()
  assert.deepEqual([damaged.status, /rounds\.json is damaged/.test(damaged.err)], [65, true])
  writeFileSync(file, whole)
  assert.equal((await begin()).status, 4)
})
