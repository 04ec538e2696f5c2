import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { readPercentiles } from '../../src/annotate/ranks/percentile-file.ts'
import * as h from '../../src/index.ts'
import { drawFrom } from '../random.ts'
import { makeFolder } from '../temporary.ts'
import { storeRun } from '../what-if/stored-run.ts'
import { runMain } from './terminal.ts'

const dir = makeFolder('calibrate-cli')
const out = join(dir, 'ranks', 'size.json')

before(async () => {
  const draw = drawFrom(7)
  const rows = Array.from({ length: 60 }, (_, i) => {
    const domain = ['web', 'books', '\u001b[31mred'][i % 3]
    return `${JSON.stringify({ id: `d${i}`, domain, text: 'x'.repeat(1 + draw(90)) })}\n`
  })
  writeFileSync(join(dir, 'in.jsonl'), rows.join(''))
  const size = h.simpleFilter('size', { size: h.count('letters') }, text => ({ size: text.length }))
  const source = h.jsonl(join(dir, 'in.jsonl'), { domain: 'domain' })
  await storeRun(join(dir, 'run'), h.pipeline('sizes').from(source).annotate(size()))
})

const calibrate = (...args: string[]) => runMain(['calibrate', 'run', '--dir', dir, ...args])

test('a table is written, shown by group, and the line that uses it', async () => {
  const { status, out: told, err } = await calibrate('--column', 'size', '--min', '20', '--out', out)
  assert.deepEqual([status, err], [0, ''])
  assert.match(told, /^domain +documents +mean +deviation +10% +50% +90%\nall +60 .*\n/)
  assert.match(told, /\nweb +20 /)
  assert.ok(!told.includes('\u001b'))
  assert.match(told, /use it: \.annotate\(rank\(\{ table: '.*size\.json' \}\)\), then the column 'sizeRank'\n$/)
  assert.equal(readPercentiles(readFileSync(out, 'utf8'), out).groups.size, 4)
  const few = await calibrate('--column', 'size', '--min', '21', '--out', out)
  assert.match(few.out, /\n3 groups of fewer than 21 documents: ranked in a larger one\n/)
  const { groups, by } = JSON.parse((await calibrate('--column', 'size', '--out', out, '--json')).out)
  assert.deepEqual([by, groups.length, groups[0].points.length, groups[1].points], [['domain'], 4, 101, null])
})

const refusals: [args: string[], status: number, message: RegExp][] = [
  [[], 64, /--column is missing/],
  [['--column', 'sizes'], 64, /no column 'sizes'; did you mean 'size'\?/],
  [['--column', 'size', '--by', 'domain,domain'], 64, /--by is 'domain,domain', which names a column twice/],
  [['--column', 'size', '--by', 'a,b,c,d,e'], 64, /5 columns, and 4 are the most/],
  [['--column', 'size', '--min', '0'], 64, /--min/],
  [['--column', 'size', '--group', 'x'], 64, /unknown option '--group'/],
]
for (const [args, status, message] of refusals)
  test(`refused, and nothing written: ${args.join(' ')}`, async () => {
    const none = join(dir, 'none.json')
    const answer = await calibrate(...args, '--out', none)
    assert.equal(answer.status, status)
    assert.match(answer.err, message)
    assert.ok(!existsSync(none))
  })
