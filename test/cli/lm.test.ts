import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { drawFrom } from '../random.ts'
import { makeFolder } from '../temporary.ts'
import { readArpa } from '../text/language-model/arpa-reader.ts'
import { runMain } from './terminal.ts'

const dir = makeFolder('lm-cli')
const at = (name: string) => join(dir, name)

before(async () => {
  const draw = drawFrom(3)
  const words = ['the', 'mill', 'wheel', 'river', 'stone', 'and', 'of', 'turns']
  const lines = Array.from({ length: 60 }, () => {
    const text = Array.from({ length: 1 + draw(40) }, () => words[draw(8)]).join(' ')
    return JSON.stringify({ text, body: `x${text}` })
  })
  await writeFile(at('a.jsonl'), `${lines.join('\n')}\n{"text": 5\n`)
})

const fit = (name: string, ...args: string[]) => runMain(['lm', 'fit', name, ...args, '--out', at(`${name}.lm`)])

test('texts give a model and an ARPA file, what was counted, and the line that uses it', async () => {
  const { status, out, err } = await fit('mill', '--texts', at('a.jsonl'), '--arpa', at('mill.arpa'))
  assert.deepEqual([status, err], [0, ''])
  assert.match(out, /^texts +\d\d\nbytes +\d\.\d kB\ntokens +1,\d\d\d\nbigrams +\d+\ntrigrams +\d+\n/)
  assert.match(out, /1 record could not be read: the first is .*a\.jsonl:61/)
  assert.match(
    out,
    /wrote .*mill\.lm and .*mill\.arpa\nuse it: .*languageModel\(\{ model: '.*mill\.lm' \}\)\), then the column 'lm:mill'\n$/,
  )
  assert.equal(readArpa(readFileSync(at('mill.arpa'), 'utf8')).words.length, 50_259)
  const json = await fit('json', '--texts', at('a.jsonl'), '--json')
  const report = JSON.parse(json.out)
  assert.deepEqual([report.file, report.arpa, report.unread], [at('json.lm'), null, 1])
  const body = JSON.parse((await fit('body', '--texts', at('a.jsonl'), '--text', 'body', '--json')).out)
  assert.equal(body.bytes, report.bytes + report.texts)
})

test('what is left out is told', async () => {
  const { out } = await fit('few', '--texts', at('a.jsonl'), '--trigrams', '20')
  const [trigrams] = /^trigrams +(\d+)$/m.exec(out)?.slice(1) ?? []
  assert.ok(Number(trigrams) <= 20, out)
  assert.match(out, /^\d+ trigrams that stood less than \d+ times are left out$/m)
})

const refusals: [args: string[], status: number, message: RegExp][] = [
  [['learn', 'x', '--texts', at('a.jsonl')], 64, /'learn' is not 'fit'/],
  [['fit', 'a:b', '--texts', at('a.jsonl')], 64, /NAME is 'a:b': use 1 to 64 letters/],
  [['fit', 'x'], 64, /give --texts GLOB/],
  [['fit', 'x', '--texts', at('gone')], 66, /no file matches/],
  [
    ['fit', 'x', '--texts', at('a.jsonl'), '--trigrams', '0'],
    64,
    /--trigrams is '0'; it takes a whole number of at least 1/,
  ],
  [['fit', 'x', '--texts', at('a.jsonl'), '--text', 'none'], 64, /no text to learn from/],
]
for (const [args, status, message] of refusals)
  test(`refused: ${args.join(' ').replaceAll(dir, '')}`, async () => {
    const refused = await runMain(['lm', ...args, '--out', at('refused.lm')])
    assert.equal(refused.status, status, refused.err)
    assert.match(refused.err, message)
    assert.ok(!existsSync(at('refused.lm')))
  })
