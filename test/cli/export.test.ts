import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { writeFeed } from '../export/samples.ts'
import { makeFolder } from '../temporary.ts'
import { parseLines, runMain } from './terminal.ts'

const dir = makeFolder('export-cli')
let feed: string
before(async () => {
  feed = await writeFeed(dir)
  mkdirSync(join(dir, 'full'))
  writeFileSync(join(dir, 'full', 'mine'), '')
})
const at = (name: string) => join(dir, name)

const refused: [args: string[], status: number, message: RegExp][] = [
  [[], 64, /--to is missing: it takes mds, megatron, datatrove, olmo, hf, webdataset, litdata, internevo/],
  [['--to', 'megatrn', '--out', at('x')], 64, /no format 'megatrn'; did you mean 'megatron'\? there are mds, megatron/],
  [['--to', 'mds'], 64, /--out is missing: it names a new folder/],
  [['--to', 'mds', '--out', at('full')], 64, /full is not empty; loaders keep what they computed/],
  [['--to', 'mds', '--out', at('x'), '--steps', '3'], 64, /--steps is '3'; it takes two steps, as 0:1000/],
  [
    ['--to', 'mds', '--out', at('x'), '--steps', '0:9999'],
    64,
    /--steps ends before step 9999, and the feed has steps 0 to/,
  ],
  [['--to', 'mds', '--out', at('x'), '--steps', '2:2'], 64, /--steps 2:2 has no step/],
  [
    ['--to', 'mds', '--out', at('x'), '--file-bytes', '0'],
    64,
    /--file-bytes is '0'; it takes a whole number of at least 1/,
  ],
  [['--to', 'mds', '--out', at('x'), '--file-bytes', '4294967296'], 64, /at most 4294901760/],
  [['--to', 'mds', '--out', at('x'), '--token-bytes', '2'], 64, /--token-bytes is '2'; tokens of mds have 4\./],
  [['--to', 'olmo', '--out', at('x'), '--token-bytes', '3'], 64, /tokens of olmo have 4 or 2/],
  [
    ['--to', 'hf', '--out', at('x'), '--fields', 'tokens,labels'],
    64,
    /--fields has no 'labels'.*there are tokens, targets/,
  ],
  [['--to', 'megatron', '--out', at('x'), '--fields', 'tokens'], 64, /samples of megatron have no fields/],
]
for (const [args, status, message] of refused)
  test(`refused: ${args.join(' ').replaceAll(dir, '')}`, async () => {
    const names = readdirSync(dir)
    const printed = await runMain(['export', feed, ...args])
    assert.equal(printed.status, status, printed.err)
    assert.match(printed.err, message)
    assert.deepEqual([printed.err.trimEnd().split('\n').length, printed.out], [1, ''])
    assert.deepEqual(readdirSync(dir), names, 'nothing was written')
  })

test('a feed that is not there, and a run that is not', async () => {
  const none = await runMain(['export', 'nowhere', '--to', 'mds', '--out', at('x'), '--dir', dir])
  assert.equal(none.status, 66)
  assert.match(none.err, /no run 'nowhere'/)
  assert.equal((await runMain(['export', at('full'), '--to', 'mds', '--out', at('x')])).status, 66)
})

test('it says what it wrote, what a trainer loses by it and what to give the reader', async () => {
  const { status, out, err } = await runMain(['export', feed, '--to', 'megatron', '--out', at('shown')], 80)
  assert.deepEqual([status, err], [0, ''])
  const lines = [
    'export +megatron, in ',
    'of +test, feed [0-9a-f]{12}$',
    'steps +0 to \\d+ of \\d+',
    'digests +[0-9a-f]{12} to ',
  ]
  for (const line of [
    ...lines,
    'samples +\\d+ of 16 tokens',
    'padding +\\d+ tokens, \\d',
    'taken down +none',
    'files +2, ',
  ])
    assert.match(out, new RegExp(`^${line}`, 'm'))
  assert.match(out.replace(/\s+/g, ' '), /padding .* left out .* GPTDataset shuffles them.* the steps are lost/)
  assert.ok(out.split('\n').every(line => line.length <= 80))
})

test('--json prints headrace.json in one line', async () => {
  const args = [
    '--to',
    'hf',
    '--out',
    at('json'),
    '--steps',
    '1:3',
    '--fields',
    'tokens,step',
    '--file-bytes',
    '2000',
    '--json',
  ]
  const { status, out } = await runMain(['export', feed, ...args])
  const [record, ...more] = parseLines(out)
  assert.deepEqual([status, more.length], [0, 0])
  assert.deepEqual(record, JSON.parse(readFileSync(join(at('json'), 'headrace.json'), 'utf8')))
  const { firstStep, lastStep, options } = record as { firstStep: number; lastStep: number; options: unknown }
  assert.deepEqual([firstStep, lastStep], [1, 2])
  assert.deepEqual(options, { fileBytes: 2000, tokenBytes: 4, fields: ['tokens', 'step'], blankMasked: false })
  assert.equal(existsSync(`${at('json')}.tmp`), false)
})
