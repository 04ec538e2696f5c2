import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { randomFrom } from '../random.ts'
import { makeText } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { runMain } from './terminal.ts'

const dir = makeFolder('deficits-cli')
const runs = join(dir, 'runs')
const file = join(dir, 'targets.json')
const [out, input, recipe] = [join(dir, 'out', 'mix.json'), join(dir, 'in.jsonl'), join(dir, 'mixed.ts')]
const hostile = '\u001b[31mred'

/** A pipeline with a mixture, which is an expression. */
const recipeOf = (mixture: string) => `import * as h from 'headrace'
import { readFileSync } from 'node:fs'
const read = file => JSON.parse(readFileSync(file, 'utf8'))
export default h.pipeline('mixed')
  .from(h.jsonl(${JSON.stringify(input)}, { domain: 'domain' }))
  .annotate(h.language())
  .tokenize('gpt2')
  .feed({ length: 64, batch: 4, mixture: ${mixture}, dry: 'repeat', repeatMax: 4 })\n`

before(async () => {
  const random = randomFrom(7)
  const rows = Array.from({ length: 60 }, (_, i) => {
    const domain = ['web', 'web', 'books', i < 30 ? hostile : 'web'][i % 4]
    return `${JSON.stringify({ id: `d${i}`, domain, text: makeText(random, 20 + i) })}\n`
  })
  writeFileSync(input, rows.join(''))
  writeFileSync(recipe, recipeOf('null'))
  const { status, err } = await runMain(['run', recipe, '--dir', runs, '--workers', '1'])
  assert.equal(status, 0, err)
})

const deficits = (content: object, ...args: string[]) => {
  writeFileSync(file, JSON.stringify(content))
  return runMain(['deficits', 'mixed', '--dir', runs, '--targets', file, ...args])
}
const bookish = (tokens: number) => ({
  tokens,
  targets: [
    { name: 'books\u001b[2J', where: { domain: ['books', 'novels'] }, share: 0.6 },
    { name: 'web', where: { domain: ['web'] }, share: 0.4 },
  ],
})

test('what is short, what repetition gives, and the mixture that mix takes', async () => {
  const report = JSON.parse((await runMain(['report', '--dir', runs, '--json'])).out)
  const { books, web } = report.tokensByDomain
  const tokens = 5 * books + web
  const { status, out: told, err } = await deficits(bookish(tokens))
  assert.deepEqual([status, err], [0, ''])
  assert.match(
    told,
    /\ntarget +documents +has +wanted +short +in 4 passes +still short +share wanted +fits +fed\nbooks/,
  )
  assert.match(told, /no document has 'novels' in domain, which is web \(\d+\), books \(15\)/)
  assert.ok(!told.includes('\u001b'))
  const command = /headrace mix mixed --set '([^']+)'/.exec(told)![1]
  const mixed = await runMain(['mix', 'mixed', '--dir', runs, '--at', '0', '--set', command])
  // Steps are published, so that it is refused for that, and not for what it is given.
  assert.doesNotMatch(mixed.err, /--set/)
  const found = JSON.parse((await deficits(bookish(tokens), '--json')).out)
  assert.deepEqual([found.targets[0].tokens, found.targets[1].tokens], [books, web])
  assert.ok(Math.abs(found.mixture.books - Math.min(0.6, (4 * books) / tokens)) < 1e-5)
  assert.ok(Math.abs(found.mixture.web + found.mixture.books - 1) < 1e-5)
})

test('--out writes the mixture as a pipeline takes it, and its feed has these shares', async () => {
  const { status, out: told } = await deficits(bookish(1000), '--out', out)
  assert.equal(status, 0)
  assert.match(told, /wrote .*mix\.json, for \.feed\(\{ mixture \}\)/)
  assert.deepEqual(Object.keys(JSON.parse(readFileSync(out, 'utf8'))), ['books', 'web'])
  const mixed = join(dir, 'mixed-again.ts')
  writeFileSync(mixed, recipeOf(`read(${JSON.stringify(out)})`))
  const again = await runMain(['run', mixed, '--dir', join(dir, 'again'), '--workers', '1'])
  assert.equal(again.status, 0, again.err)
  const feed = JSON.parse((await runMain(['feed', '--domains', '--dir', join(dir, 'again'), '--json'])).out)
  const planned = new Map(
    feed.domains.map(({ domain, weight }: { domain: string; weight: number }) => [domain, weight]),
  )
  assert.ok(Math.abs((planned.get('books') as number) - 0.6) < 1e-3)
})

test('a mixture that no command line can have is told by its file', async () => {
  const { out: told } = await deficits({ targets: [{ name: 'all', where: {}, tokens: 10 }] })
  assert.ok(!told.includes('headrace mix'))
  assert.match(
    told,
    /\n--out FILE writes the mixture for \.feed\(\{ mixture \}\)\nheadrace budget mixed --tokens 10\n$/,
  )
})

const all = { targets: [{ name: 'all', where: {}, tokens: 10 }] }
const refusals: [content: object, args: string[], status: number, message: RegExp][] = [
  [all, ['--targets', ''], 64, /--targets is missing/],
  [all, ['--targets', join(dir, 'gone.json')], 66, /there is no file .*gone\.json/],
  [all, ['--target', 'x'], 64, /unknown option '--target'/],
  [{ targets: [{ ...all.targets[0], weight: 1 }] }, [], 64, /has no option 'weight'/],
  [{ targets: [{ ...all.targets[0], where: { 'class:topic': ['x'] } }] }, [], 64, /'class:topic'.*headrace replay/],
  [{ targets: [{ ...all.targets[0], where: { domain: ['x'] } }] }, [], 66, /meets a target: domain is web/],
]
for (const [content, args, status, message] of refusals)
  test(`refused, and nothing written: ${JSON.stringify(content)} ${args.join(' ')}`, async () => {
    const none = join(dir, 'none.json')
    const answer = await deficits(content, '--out', none, ...args)
    assert.deepEqual([answer.status, answer.out], [status, ''])
    assert.match(answer.err, message)
    assert.ok(!existsSync(none))
  })
