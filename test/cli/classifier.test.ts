import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { drawFrom } from '../random.ts'
import { makeFolder } from '../temporary.ts'
import { runMain } from './terminal.ts'

const dir = makeFolder('classifier-cli')
const at = (name: string) => join(dir, name)
const words = [
  ['sofa', 'price', 'order', 'shipping', 'cart', 'discount'],
  ['theorem', 'proof', 'lemma', 'prime', 'integer', 'modulus'],
]

before(async () => {
  const random = drawFrom(12)
  const lines = (target: number) =>
    Array.from({ length: 150 }, (_, i) => {
      const text = Array.from({ length: 40 }, () => words[random(8) ? target : 1 - target][random(6)]).join(' ')
      const url = `https://host${random(10)}.example/${i}`
      return { text, url, label: target + 1, topic: target ? 'maths' : '\u001b[31mshop', wiki: `w${random(3)}` }
    })
  const toText = (rows: readonly object[]) => rows.map(row => `${JSON.stringify(row)}\n`).join('')
  const [shop, maths] = [lines(0), lines(1)]
  await writeFile(at('shop.jsonl'), toText(shop))
  await writeFile(at('maths.jsonl'), `${toText(maths)}{"text": 5\n`)
  await writeFile(at('labels.jsonl'), toText([...shop, ...maths, { text: 'no label at all', label: null }]))
})

const fit = (name: string, ...args: string[]) =>
  runMain(['classifier', 'fit', name, ...args, '--out', at(`${name}.linear`)])

test('two kinds of texts give a model, a report for people, and the line that uses it', async () => {
  const { status, out, err } = await fit('maths', '--positive', at('maths.jsonl'), '--negative', at('shop.jsonl'))
  assert.deepEqual([status, err], [0, ''])
  assert.match(out, /^maths +learned +held out\n(?:(?:nega|posi)tives +\d+ +\d+\n){2}groups +\d+ +\d+\n/)
  assert.match(out, /area under the curve +(1\.000|0\.9\d\d)\n {2}of its length alone +0\.[56]\d\d\n/)
  assert.match(out, /right of the best \d\d +(1\.000|0\.9\d\d)\n/)
  assert.match(out, /heaviest words\n {2}for +.*(theorem|prime|lemma)/)
  assert.match(out, /1 record could not be read: the first is .*maths\.jsonl:151/)
  assert.match(
    out,
    /use it: \.annotate\(classifier\(\{ model: '.*maths\.linear' \}\)\), then the column 'class:maths'\n$/,
  )
  const json = await fit('maths', '--positive', at('maths.jsonl'), '--negative', at('shop.jsonl'), '--json')
  assert.equal(JSON.parse(json.out).unread, 1)
})

test('labels are numbers, or names that no terminal is steered by', async () => {
  const value = await fit('worth', '--labels', at('labels.jsonl'))
  assert.match(value.out, /rank correlation +0\.[5-9]\d\d\n/)
  assert.match(value.out, /1 record could not be read: the first is .*no-label/)
  const topic = await fit('topic', '--labels', at('labels.jsonl'), '--label', 'topic', '--kind', 'class')
  assert.match(topic.out, /mean F1 of classes +(1\.000|0\.9\d\d)\n/)
  assert.ok(!topic.out.includes('\u001b'))
})

test('texts with their words damaged are told from fluent ones', async () => {
  const random = drawFrom(5)
  const pick = (list: readonly string[]) => list[random(list.length)]
  const sentence = () =>
    `the ${pick(words[0])} of a ${pick(words[1])} is on the ${pick(words[0])}, and ${pick(words[1])} to the ${pick(words[1])}`
  const lines = Array.from({ length: 400 }, () => ({
    text: Array.from({ length: 6 }, sentence).join('. '),
    url: `https://host${random(20)}.example/`,
  }))
  await writeFile(at('fluent.jsonl'), lines.map(line => `${JSON.stringify(line)}\n`).join(''))
  const { status, out, err } = await fit('fluent', '--damaged', at('fluent.jsonl'))
  assert.deepEqual([status, err], [0, ''])
  assert.match(out, /area under the curve +(1\.000|0\.9\d\d)\n/)
  assert.match(out, /heaviest words\n {2}for .*(of a|is on|on the|to the).*\n(.*\n)* {2}against .*the the/)
  const heads = at('heads.json')
  const shared = {
    fluent: { damaged: at('fluent.jsonl') },
    maths: { positive: at('maths.jsonl'), negative: at('shop.jsonl') },
  }
  await writeFile(heads, JSON.stringify(shared))
  const both = await fit('both', '--heads', heads, '--json')
  const alone = JSON.parse((await fit('fluent', '--damaged', at('fluent.jsonl'), '--json')).out)
  const own = JSON.parse(both.out).heads.find((head: { head: string }) => head.head === 'fluent')
  assert.equal(own.quality, alone.quality)
})

test('labels that are no numbers, and texts without words, are counted and learned from by no head', async () => {
  const rows = Array.from({ length: 60 }, (_, i) => {
    return {
      text: `${words[i % 2].join(' ')} ${i} ${words[i % 2][i % 6]}`,
      url: `https://h${i % 9}.example/`,
      label: i % 2,
    }
  })
  const odd = ['NaN', 'Infinity', 'good', '', null, true, [], {}].map((label, i) => ({
    text: `sofa price number ${i}`,
    label,
  }))
  const lines = [...odd, { text: '', label: 1 }, { text: ' ... ', label: 0 }, ...rows]
  await writeFile(at('odd.jsonl'), lines.map(row => `${JSON.stringify(row)}\n`).join(''))
  const { status, out, err } = await fit('odd', '--labels', at('odd.jsonl'), '--json')
  assert.deepEqual([status, err], [0, ''])
  const { unread, leftOut, learned, held } = JSON.parse(out)
  // A record without a text is no document; one of signs alone is one without words.
  assert.deepEqual([unread, leftOut.empty, learned.texts + held.texts], [odd.length + 1, 1, rows.length])
  const told = await fit('odd', '--labels', at('odd.jsonl'))
  assert.match(told.out, /9 records could not be read/)
  writeFileSync(at('odd.jsonl'), readFileSync(at('odd.jsonl'), 'utf8').replace('{"text":"","label":1}\n', ''))
  const first = await fit('odd', '--labels', at('odd.jsonl'))
  assert.match(first.out, /8 records .*no-label \(its field 'label' is 'NaN', which is no number\)/)
})

test('a class of one document is refused by its name, and no terminal is steered by it', async () => {
  const rows = Array.from({ length: 60 }, (_, i) => ({
    text: words[i % 2].join(' ') + i,
    url: `https://h${i % 9}.example/`,
    label: i % 2 ? 'maths' : 'shop',
  }))
  await writeFile(
    at('one.jsonl'),
    [...rows, { text: 'alone', label: '\u001b[31mone' }].map(row => `${JSON.stringify(row)}\n`).join(''),
  )
  const { status, err } = await fit('one', '--labels', at('one.jsonl'), '--kind', 'class')
  assert.equal(status, 64)
  assert.match(err, /there are 1 .*one with words in them, and 10 are the least/)
  assert.ok(!err.includes('\u001b'))
})

const refusals: [args: string[], status: number, message: RegExp][] = [
  [['learn', 'x'], 64, /'learn' is not 'fit'/],
  [['fit', 'a:b'], 64, /NAME is 'a:b': use 1 to 64 letters/],
  [['fit', 'x', '--positive', at('maths.jsonl')], 64, /give --positive GLOB and --negative GLOB, or --labels/],
  [['fit', 'x', '--labels', at('labels.jsonl'), '--negative', at('shop.jsonl')], 64, /--labels stands in place of/],
  [['fit', 'x', '--damaged', at('shop.jsonl'), '--negative', at('shop.jsonl')], 64, /--damaged stands in place of/],
  [['fit', 'x', '--damaged', at('shop.jsonl'), '--label', 'topic'], 64, /--label goes with --labels/],
  [['fit', 'x', '--labels', at('labels.jsonl'), '--kind', 'score'], 64, /--kind is 'score': it takes value or class/],
  [['fit', 'x', '--positive', 'a', '--negative', 'b', '--label', 'x'], 64, /--label goes with --labels/],
  [['fit', 'x', '--positive', at('maths.jsonl'), '--negative', at('gone')], 66, /no file matches/],
  [
    ['fit', 'x', '--positive', at('maths.jsonl'), '--negative', at('shop.jsonl'), '--groups', 'topic'],
    64,
    /no whole group can be held out/,
  ],
  [
    ['fit', 'x', '--positive', at('maths.jsonl'), '--negative', at('maths.jsonl')],
    64,
    /there are 0 negatives with words/,
  ],
]
for (const [args, status, message] of refusals)
  test(`refused: ${args.join(' ').replaceAll(dir, '')}`, async () => {
    const refused = await runMain(['classifier', ...args, '--out', at('refused.linear')])
    assert.equal(refused.status, status, refused.err)
    assert.match(refused.err, message)
    assert.ok(!existsSync(at('refused.linear')))
  })
