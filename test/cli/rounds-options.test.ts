import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { before, test } from 'node:test'
import { RoundsLoop } from './rounds-loop.ts'
import { runMain } from './terminal.ts'

let loop: RoundsLoop
before(async () => {
  loop = await RoundsLoop.make('rounds-options')
  writeFileSync(
    loop.at('rubric.md'),
    '# is-math\nJudge.\n## score: 0 to 5\nHow much.\n## kind: prose, code\nWhat it is.\n',
  )
})

const refusals: [args: string[], status: number, message: RegExp][] = [
  [['round', 'all'], 64, /it takes RUN, and got 'round all'/],
  [['rounds', 'all', 'other'], 64, /headrace enrich rounds: it takes RUN, and got 'all other'/],
  [['rounds', 'all', '--seed', 'x'], 64, /unknown option '--seed'/],
  [['rounds', '--out', 'x'], 64, /headrace enrich rounds: it takes RUN, and got nothing/],
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
  [
    ['--rubric', 'rubric.md', '--model', 'm', '--is', 'score>=3'],
    64,
    /--endpoint is missing. See: headrace enrich rounds --help/,
  ],
  [['--labels', 'gone.jsonl'], 66, /there is no file gone\.jsonl/],
]
for (const [args, status, message] of [
  ...refusals,
  ...refusedGiven.map(([args, ...rest]) => [[...given, ...args], ...rest] as (typeof refusals)[0]),
])
  test(`refused: ${args.join(' ')}`, async () => {
    const paths = args.map(arg => (arg === 'x' || arg.endsWith('rubric.md') ? loop.at(arg) : arg))
    const refused = await runMain(['enrich', ...paths, '--dir', loop.stored.runs])
    assert.equal(refused.status, status, refused.err)
    assert.match(refused.err, message)
    assert.ok(!existsSync(loop.at('x')))
  })

test('too few words or texts to learn from are refused with what there is', async () => {
  const few = loop.at('few.jsonl')
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
      loop.stored.runs,
      '--out',
      loop.at('few'),
    ])
  writeFileSync(few, '{"text":"three short words"}\n{"text":""}\n')
  assert.match((await begin()).err, /3 words in 1 seed texts/)
  writeFileSync(few, `{"text":"${'word '.repeat(200)}"}\n`)
  assert.match((await begin()).err, /there are 1 positives with words in them, and 10 are the least/)
  const none = await runMain(['enrich', 'rounds', 'none', ...loop.fixed(), '--out', loop.at('none')])
  assert.deepEqual([none.status, /does not store the texts/.test(none.err)], [64, true])
})
