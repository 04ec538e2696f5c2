import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { randomFrom } from '../random.ts'
import { makeText } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { parseLines, runMain } from './terminal.ts'

// One corpus of three domains, fed in ways that leave something over or name what is not there.
const dir = makeFolder('unfed')
const random = randomFrom(3)
const documents = Array.from({ length: 24 }, (_, i) => {
  return JSON.stringify({ id: `${i}`, text: makeText(random, 20), domain: ['web', 'wiki', 'books'][i % 3] })
})
await writeFile(join(dir, 'in.jsonl'), `${documents.join('\n')}\n`)

async function run(name: string, feed: string, decide = ''): Promise<string[]> {
  const file = join(dir, `${name}.ts`)
  const source = `h.jsonl(${JSON.stringify(join(dir, 'in.jsonl'))})`
  const body = `h.pipeline('${name}').from(${source})${decide}.tokenize('gpt2').feed(${feed})`
  await writeFile(file, `import * as h from 'headrace'\nexport default ${body}\n`)
  return ['run', file, '--dir', join(dir, 'runs'), '--workers', '1']
}

// Name, feed, deciders, and what a run, a report and the feed say of it.
const told: [string, string, string, RegExp[]][] = [
  [
    'typo',
    "{ length: 64, batch: 4, mixture: { web: 1, wkii: 1 }, dry: 'renormalise' }",
    '',
    [
      /The mixture names 'wkii', which no kept document has as its domain; there is 'books', 'web', 'wiki'\./,
      /tokens \(\d\d\.\d%\) are in no step\n {2}\S+ +[\d,]+ {2}the mixture does not name it\n/,
    ],
  ],
  ['none', '{ length: 64, batch: 4, mixture: { a: 1, b: 1 } }', '', [/The mixture names 'a', 'b', which/, /100\.0%/]],
  [
    'wait',
    "{ length: 64, batch: 4, mixture: { web: 100, wiki: 1, books: 1 }, dry: 'wait' }",
    '',
    [/a step needs samples of every domain of the mixture \(dry: 'stop'\)/],
  ],
  [
    'stop',
    '{ length: 64, batch: 4, mixture: { web: 100, wiki: 1, books: 1 } }',
    '',
    [/a step needs samples of every domain of the mixture \(dry: 'stop'\)/],
  ],
  [
    'off',
    "{ length: 64, batch: 4, mixture: { web: 100, wiki: 1, books: 1 }, dry: 'renormalise' }",
    '',
    [/\nFrom step \d+ on [\d,]+ tokens \(\d+\.\d% of those fed\) came under other weights than the mixture's/],
  ],
  [
    'large',
    '{ length: 4096, batch: 64 }',
    '',
    [/ {2}web +[\d,]+ {2}fewer than a step takes: 64 samples of 4,096 tokens/],
  ],
  [
    'held',
    '{ length: 64, batch: 4 }',
    '.decide(h.holdout({ rate: 0.5 }))',
    [/ {2}holdout +[\d,]+ {2}held out: fed only where a mixture names it/],
  ],
]

for (const [name, feed, decide, expected] of told)
  test(`${name}: what no step holds is told by run, report and feed, with the reason`, async () => {
    const args = await run(name, feed, decide)
    const here = ['--dir', join(dir, 'runs'), '--run', name]
    const pages = [await runMain(args), await runMain(['report', ...here]), await runMain(['feed', ...here])]
    for (const { status, out, err } of pages) {
      assert.equal(status, 0, err)
      for (const pattern of expected) assert.match(out, pattern)
    }
    const { tokens, feed: unfed } = JSON.parse((await runMain([...args, '--json'])).out)
    assert.equal(unfed.tokens + unfed.fedTokens, tokens, 'every token is in a step or left over')
    assert.deepEqual(JSON.parse((await runMain(['report', ...here, '--json'])).out).feed, unfed)
    const events = parseLines((await runMain([...args, '--log-format', 'json'])).err)
    const event = events.find(one => one.event === 'unfed')!
    assert.deepEqual([event.tokens, event.missing, event.level], [unfed.tokens, unfed.missing, 'warn'])
  })
