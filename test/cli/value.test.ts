import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { randomFrom } from '../random.ts'
import { makeText } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { runMain } from './terminal.ts'

const dir = makeFolder('value-cli')
const hostile = '\u001b[31m<script>alert("x")</script>'
const runs = join(dir, 'runs')

before(async () => {
  const random = randomFrom(7)
  const rows = Array.from({ length: 60 }, (_, i) => {
    const domain = ['web', 'books', hostile][i % 3]
    return `${JSON.stringify({ id: `d${i}`, domain, text: makeText(random, 20 + i) })}\n`
  })
  writeFileSync(join(dir, 'in.jsonl'), rows.join(''))
  writeFileSync(
    join(dir, 'worth.ts'),
    `import * as h from 'headrace'
const worth = h.simpleFilter('worth', { 'seed:<b>': h.ratio('length') }, text => ({ 'seed:<b>': text.length }))
export default h.pipeline('worth')
  .from(h.jsonl(${JSON.stringify(join(dir, 'in.jsonl'))}, { domain: 'domain' }))
  .annotate(h.language(), h.density(), worth())
  .decide(h.holdout({ rate: 0.3 }))
  .tokenize('gpt2')
  .feed({ length: 128, batch: 4 })\n`,
  )
  const { status, err } = await runMain(['run', join(dir, 'worth.ts'), '--dir', runs, '--workers', '1'])
  assert.equal(status, 0, err)
})

const value = (...args: string[]) => runMain(['value', 'worth', '--dir', runs, ...args])

test('columns are shown with their spread, their likeness, and what thresholds keep', async () => {
  const { status, out, err } = await value()
  assert.deepEqual([status, err], [0, ''])
  assert.match(out, /^run worth, 60 documents that it keeps, [\d.]+k tokens\n/)
  assert.match(out, /\ncolumn +documents +without +1% +10% +50% +90% +99% +from 1% to 99%\n/)
  assert.match(out, /\nseed:<b> +60 +0 .* [▁▂▃▄▅▆▇█ ]{20,}/)
  assert.match(out, /\nrank correlation, redundant from 0\.90 on in size\n/)
  assert.match(out, /\nseed:<b>\n +now +p10 +p25 +p50 +p75 +p90\n/)
  assert.match(out, /\n {4}books +\d+ /)
  assert.match(out, /\nnot looked at: line\n/)
  assert.ok(!out.includes('\u001b'))
})

test('--json has all names with documents, tokens and shares; tokens are those of the shards', async () => {
  const { out } = await value('--json', '--at', 'p50,2000', '--columns', 'seed:<b>')
  const survey = JSON.parse(out)
  const report = JSON.parse((await runMain(['report', '--dir', runs, '--json'])).out)
  assert.deepEqual([survey.tokens, survey.tokensEstimated], [report.tokens, 0])
  // A decider has moved some to another domain.
  const tokens = survey.domains.map(({ name, tokens }: { name: string; tokens: number }) => [name, tokens])
  assert.deepEqual(Object.fromEntries(tokens), report.tokensByDomain)
  assert.deepEqual(Object.keys(report.tokensByDomain).sort(), [hostile, 'books', 'holdout', 'web'].sort())
  const [column] = survey.columns
  assert.deepEqual(column.thresholds.map(({ at }: { at: string }) => at).sort(), ['2000', 'p50'])
  for (const { documents, tokens, domains, languages } of column.thresholds)
    for (const groups of [domains, languages]) {
      const sum = (field: string) => groups.reduce((all: number, one: Record<string, number>) => all + one[field], 0)
      assert.deepEqual([sum('documents'), sum('tokens')], [documents, tokens])
      assert.ok(Math.abs(sum('share') - 1) < 1e-9)
    }
  assert.equal(column.thresholds.find(({ at }: { at: string }) => at === 'p50').documents, 30)
})

test('--page writes one page in which no name is more than text', async () => {
  const page = join(dir, 'pages', 'value.html')
  const { out, status } = await value('--page', page)
  assert.equal(status, 0)
  assert.match(out, /\nwrote .*value\.html\n$/)
  const html = readFileSync(page, 'utf8')
  assert.ok(!/<script|<img|<link|https?:/.test(html) && !html.includes('\u001b'))
  assert.match(html, /&lt;script&gt;alert\(&quot;x&quot;\)/)
  assert.match(html, /<h2>seed:&lt;b&gt;<\/h2>/)
  // Each element that is opened is closed.
  const count = (pattern: RegExp) => html.match(pattern)?.length ?? 0
  for (const name of ['svg', 'table', 'tr', 'td', 'th', 'text', 'h2', 'p'])
    assert.equal(count(new RegExp(`<${name}[ >]`, 'g')), count(new RegExp(`</${name}>`, 'g')), name)
  assert.equal(count(/<svg/g), 3 * count(/<h2>(?!Which)/g))
})

const refusals: [args: string[], status: number, message: RegExp][] = [
  [['--columns', 'seed:b'], 64, /no column 'seed:b'; did you mean 'seed:<b>'\?/],
  [['--columns', 'seed:<b>,seed:<b>'], 64, /names a column twice/],
  [['--columns', ','], 64, /--columns is empty/],
  [['--at', 'p101'], 64, /--at has 'p101'; it takes percentiles from p0 to p100/],
  [['--at', 'p1,,p2'], 64, /--at has ''/],
  [['--at', '1,2,3,4,5,6,7,8,9,10'], 64, /10 thresholds, and 9 are the most/],
  [['--column', 'x'], 64, /unknown option '--column'/],
]
for (const [args, status, message] of refusals)
  test(`refused, and nothing written: ${args.join(' ')}`, async () => {
    const none = join(dir, 'none.html')
    const answer = await value(...args, '--page', none)
    assert.deepEqual([answer.status, answer.out], [status, ''])
    assert.match(answer.err, message)
    assert.ok(!existsSync(none))
  })
