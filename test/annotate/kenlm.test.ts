import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { kenlm } from '../../src/annotate/kenlm.ts'
import { numbers, utf8From } from '../../src/batch/batch.ts'
import { checkFields } from '../../src/batch/contract.ts'
import { makeFolder } from '../temporary.ts'

interface Answer {
  readonly text: string
  readonly answers: Readonly<Record<string, { logarithm: number; words: number; unknown: number }>>
}
const golden = join(import.meta.dirname, '../golden/kenlm')
const answers: Answer[] = readFileSync(join(golden, 'answers.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map(line => JSON.parse(line))
const directory = makeFolder('kenlm')
const at = (name: string) => join(directory, name)

const texts = answers.map(({ text }) => text)

async function measure(model: string, texts: readonly string[]) {
  const annotator = kenlm({ model, name: 'x' })
  const batch = { rows: texts.length, columns: { text: utf8From(texts) } }
  const columns = await annotator.annotate(batch)
  checkFields({ rows: texts.length, columns }, annotator.writes, annotator.name)
  const [perplexity, unknown] = ['kenlm:x', 'kenlm:x:unknown'].map(name =>
    numbers({ rows: texts.length, columns }, name),
  )
  return { perplexity, unknown }
}

for (const file of Object.keys(answers[0].answers))
  test(`${file}: perplexity and unknown words are those of KenLM`, async () => {
    const { perplexity, unknown } = await measure(join(golden, file), texts)
    for (const [row, { text, answers: all }] of answers.entries()) {
      const { logarithm, words, unknown: count } = all[file]
      const expected = text === '' ? Number.NaN : 10 ** (-logarithm / (words + text.split('\n').length))
      const difference = Math.abs(Math.log10(perplexity[row]) - Math.log10(expected))
      assert.ok(
        text === '' ? Number.isNaN(perplexity[row]) : difference < 1e-12,
        `${perplexity[row]} for ${expected}: '${text}'`,
      )
      assert.equal(unknown[row], words === 0 ? Number.NaN : count / words, text)
    }
  })

test('its columns depend on what is in the file, which may not change under a run', () => {
  copyFileSync(join(golden, 'two.arpa'), at('moving.arpa'))
  const annotator = kenlm({ model: at('moving.arpa'), name: 'x' })
  assert.deepEqual(annotator.resources, kenlm({ model: join(golden, 'two.arpa'), name: 'x' }).resources)
  copyFileSync(join(golden, 'four.arpa'), at('moving.arpa'))
  const batch = { rows: 1, columns: { text: utf8From(['a']) } }
  assert.throws(() => annotator.annotate(batch), { code: 'source-changed' })
})

const whole = readFileSync(join(golden, 'two.arpa'), 'utf8')
const count = Number(/ngram 2=(\d+)/.exec(whole)?.[1])
const lines = whole.split('\n')
const bigram = lines.indexOf('\\2-grams:') + 1
const withLine = (line: number, text: string) => lines.with(line, text).join('\n')
const damages: [name: string, file: string | Uint8Array, says: RegExp, seenAtOnce?: 'at once'][] = [
  ['a packed one that is cut', gzipSync(whole).subarray(0, 200), /damaged or cut where it is packed/],
  [
    'a packed one that is damaged',
    gzipSync(whole).map((byte, i) => (i === 500 ? byte ^ 1 : byte)),
    /damaged or cut where it is packed/,
  ],
  [
    'another text, packed',
    gzipSync('the mill\n'),
    /neither a binary file of KenLM nor a model in the ARPA format.*give/,
    'at once',
  ],
  ['nothing', '', /neither a binary file of KenLM nor a model in the ARPA format.*give/, 'at once'],
  ['another text', 'the mill\n', /neither a binary file of KenLM nor a model in the ARPA format.*give/, 'at once'],
  ['orders that are missing', '\\data\\\nngram 1=1\nngram 3=1\n\n', /does not count n-grams of 1, 2, 3/, 'at once'],
  [
    'orders beyond 6',
    `\\data\\\n${[1, 2, 3, 4, 5, 6, 7].map(n => `ngram ${n}=1\n`).join('')}\n`,
    /at most 6/,
    'at once',
  ],
  ['a file that is cut', whole.slice(0, -8), /ends without \\end\\/],
  [
    'a count too few',
    whole.replace(`ngram 2=${count}`, `ngram 2=${count - 1}`),
    /more n-grams of 2 words than it counts/,
  ],
  ['a count too many', whole.replace(`ngram 2=${count}`, `ngram 2=${count + 1}`), /1 n-grams of 2 words fewer/],
  ['an n-gram twice', withLine(bigram, lines[bigram + 1]), /line \d+: an n-gram that stands twice/],
  ['a word that is none', withLine(bigram, '-1 the \u001b[31m -1'), /is none of its single words/],
  ['no number', withLine(bigram, 'x the mill'), /'x' is no number/],
  ['too many fields', withLine(bigram, '-1 the mill and of'), /no logarithm, 2 words and a backoff/],
  ['a probability above 1', withLine(bigram, '0.5 mill mill'), /probability above 1/],
  ['a section that is missing', whole.replace('\\2-grams:', '\\3-grams:'), /\\3-grams: stands where \\2-grams: should/],
  [
    'no start of a line',
    '\\data\\\nngram 1=2\n\n\\1-grams:\n-1\ta\n-1\t</s>\n\n\\end\\\n',
    /'<s>' is none of its single words/,
  ],
]
for (const [name, file, says, seenAtOnce] of damages)
  test(`refused: ${name}`, () => {
    writeFileSync(at('damaged.arpa'), file)
    const make = () => kenlm({ model: at('damaged.arpa'), name: 'x' })
    const work = () => make().annotate({ rows: 1, columns: { text: utf8From(['a']) } })
    assert.throws(seenAtOnce ? make : work, error => {
      const { code, message } = error as { code: string; message: string }
      return (
        code === 'corrupt' && says.test(message) && message.includes(at('damaged.arpa')) && !message.includes('\u001b')
      )
    })
  })

test('an ARPA file may be packed by gzip', async () => {
  for (const file of [gzipSync(whole), Buffer.concat([gzipSync(whole.slice(0, 900)), gzipSync(whole.slice(900))])]) {
    writeFileSync(at('two.arpa.gz'), file)
    assert.deepEqual(await measure(at('two.arpa.gz'), texts), await measure(join(golden, 'two.arpa'), texts))
  }
})

test('a file that is not there is refused with what to do', () => {
  assert.throws(() => kenlm({ model: at('gone'), name: 'x' }), {
    code: 'not-found',
    message: /give a binary file of KenLM, or an ARPA file/,
  })
})
