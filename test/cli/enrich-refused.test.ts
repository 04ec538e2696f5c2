import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { at, beginRuns, byMath, enrich, pipeline, runs, seed, writeModel, writePipeline } from './enrich-home.ts'
import { runMain } from './terminal.ts'

// What the command refuses, with what to do.

before(beginRuns)

const wrong: [what: string, args: () => string[], message: RegExp][] = [
  ['no model', () => ['--top', '2%', '--out', 'x'], /give one of --seed FILE and --classifier FILE/],
  ['two models', () => ['--seed', seed, '--classifier', seed, '--top', '2%', '--out', 'x'], /give one of --seed/],
  ['no line', () => ['--seed', seed, '--out', 'x'], /--top P% .* or --min-score X\. .*no default/],
  ['two lines', () => ['--seed', seed, '--out', 'x', '--top', '2', '--min-score', '1'], /--top P% .* or --min-score X/],
  ...['0%', '100%', '-3', '5%%', 'all', ''].map((top): (typeof wrong)[number] => [
    `--top ${top}`,
    () => ['--seed', seed, '--out', 'x', `--top=${top}`],
    /--top is '.*': it takes a percentage above 0 and below 100/,
  ]),
  [
    'a line that is no number',
    () => ['--seed', seed, '--out', 'x', '--min-score', 'high'],
    /--min-score is 'high': it/,
  ],
  ['a negative cap', () => ['--seed', seed, '--out', 'x', '--top', '2', '--per-host=-1'], /--per-host is '-1'/],
  ['a cap of nothing', () => ['--seed', seed, '--out', 'x', '--top', '2', '--per-source', '0'], /--per-source is '0'/],
  ['no name', () => ['--seed', seed, '--top', '2'], /give it a name with --out NAME/],
  ['a name of no domain', () => ['--seed', seed, '--top', '2', '--out', 'x', '--name', '../x'], /--name is '\.\.\/x'/],
  [
    'a source alone',
    () => ['--seed', seed, '--top', '2', '--out', 'x', '--source', 'domain'],
    /goes with --per-source/,
  ],
  [
    'a source that is none',
    () => ['--seed', seed, '--top', '2', '--out', 'x', '--per-source', '3', '--source', 'gopherWords'],
    /--source is 'gopherWords', which holds no names: it takes id, domain, url/,
  ],
  ['a head of a seed', () => ['--seed', seed, '--top', '2', '--out', 'x', '--head', 'a'], /--head goes with --class/],
  [
    'a head of several',
    () => ['--classifier', writeModel(), '--top', '2', '--out', 'x'],
    /has the heads maths, worth, topic/,
  ],
  [
    'no such head',
    () => ['--classifier', writeModel(), '--head', 'mats', '--top', '2', '--out', 'x'],
    /did you mean 'maths'/,
  ],
  [
    'a head of classes',
    () => ['--classifier', writeModel(), '--head', 'topic', '--top', '2', '--out', 'x'],
    /tells 2 classes apart/,
  ],
  ['no seed', () => ['--seed', at('none.json'), '--top', '2', '--out', 'x'], /none\.json cannot be read; make it with/],
  ['an old seed', () => ['--seed', oldSeed(), '--top', '2', '--out', 'x'], /format|another version|again/],
  ['a sample of none', () => ['--seed', seed, '--top', '2', '--out', 'x', '--sample', '0'], /--sample is '0'/],
  [
    'a sample without a number',
    () => ['--seed', seed, '--top', '2', '--out', 'x', '--sample-out', 'f'],
    /goes with --sample N/,
  ],
]
for (const [what, args, message] of wrong)
  test(`${what} is refused, and nothing is made`, async () => {
    const { status, err } = await enrich(...args())
    assert.ok([64, 65, 66].includes(status), `${status}: ${err}`)
    assert.match(err, message)
    assert.equal(existsSync(join(runs, 'x')), false)
  })

function oldSeed(): string {
  writeFileSync(at('old.json'), '{"format":"headrace-seed/2","name":"old","buckets":1,"sha256":"0"}')
  return at('old.json')
}

test('a pipeline that is another, or not named, is refused, and a recall that was begun goes on as it was', async () => {
  const ask = (file: string, ...args: string[]) =>
    runMain(['enrich', 'base', '--dir', runs, '--seed', seed, '--top', '5', '--out', 'y', '--pipeline', file, ...args])
  const other = [
    [
      writePipeline('measured', { annotate: 'h.density(), ' }),
      /is not what .* was measured by: its column 'compressionRatio' is another/,
    ],
    [
      writePipeline('seeded', { annotate: `h.seedSimilarity({ seed: ${JSON.stringify(seed)} }), ` }),
      /column 'seed:math' is another/,
    ],
  ] as const
  for (const [file, message] of other) {
    const { status, err } = await ask(file)
    assert.equal(status, 64, err)
    assert.match(err, message)
  }
  const unnamed = await runMain(['enrich', 'base', '--dir', runs, '--seed', seed, '--top', '5', '--out', 'y'])
  assert.match(
    unnamed.err,
    /--pipeline FILE is missing: the file that .*base was made by, which says that it was file:.*base\.ts/,
  )
  assert.equal(existsSync(join(runs, 'y')), false)
  // Rules decide anew, and have no part in it.
  const ruled = await ask(writePipeline('ruled', { rules: "'mirror'" }))
  assert.ok([0, 65].includes(ruled.status), ruled.err)
  const changed: [args: string[], message: RegExp][] = [
    [['--top', '6'], /was begun with top 5 and not 6: name another run with --out/],
    [['--per-host', '3'], /was begun with perHost none and not 3/],
    [['--name', 'z'], /was begun with name math and not z/],
  ]
  for (const [args, message] of changed) {
    const { status, err } = await ask(pipeline, ...args)
    assert.equal(status, 64)
    assert.match(err, message)
  }
  const line = await runMain([
    'enrich',
    'base',
    '--dir',
    runs,
    '--seed',
    seed,
    '--min-score',
    '1',
    '--out',
    'y',
    '--pipeline',
    pipeline,
  ])
  assert.match(line.err, /was begun with top 5 and not none/)
  const plain = await byMath('base', '--top', '5')
  assert.match(plain.err, /the run in .*base is no recall/)
})

test('a column that the pipeline writes is not written by the model, too', async () => {
  const file = writePipeline('own', { annotate: `h.seedSimilarity({ seed: ${JSON.stringify(seed)} }), ` })
  const run = await runMain(['run', file, '--dir', runs, '--run', 'own', '--workers', '1'])
  assert.equal(run.status, 0, run.err)
  const { status, err } = await runMain([
    'enrich',
    'own',
    '--dir',
    runs,
    '--seed',
    seed,
    '--top',
    '5',
    '--out',
    'z',
    '--pipeline',
    file,
  ])
  assert.equal(status, 64)
  assert.match(err, /writes the column 'seed:math' already, as the model does: fit the model under another name/)
})

for (const text of ['kept', 'none'])
  test(`of a run that stores ${text} nothing is recalled, until a replay has stored all`, async () => {
    const file = writePipeline(`stores-${text}`, { store: `.store({ text: '${text}' })` })
    const name = `stores-${text}`
    const run = await runMain(['run', file, '--dir', runs, '--run', name, '--workers', '1'])
    assert.equal(run.status, 0, run.err)
    const ask = (of: string, by: string) =>
      runMain(['enrich', of, '--dir', runs, '--seed', seed, '--top', '9', '--out', `of-${of}`, '--pipeline', by])
    const { status, err } = await ask(name, file)
    assert.equal(status, 64)
    assert.match(err, /replay it by its pipeline with \.store\(\{ text: 'all' \}\), which reads the source again/)
    const replay = await runMain(['replay', name, pipeline, '--dir', runs, '--run', `all-${text}`])
    assert.equal(replay.status, 0, replay.err)
    const recalled = await ask(`all-${text}`, pipeline)
    assert.equal(recalled.status, 0, recalled.err)
  })
