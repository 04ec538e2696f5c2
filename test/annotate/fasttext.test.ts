import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fasttext } from '../../src/annotate/fasttext.ts'
import { numbers, utf8From } from '../../src/batch/batch.ts'
import { checkFields } from '../../src/batch/contract.ts'
import { HeadraceError } from '../../src/errors.ts'
import { makeFolder } from '../temporary.ts'

interface Answer {
  readonly text: string
  readonly answers: Readonly<Record<string, Readonly<Record<string, number>>>>
}
const golden = join(import.meta.dirname, '../golden/fasttext')
const answers: Answer[] = readFileSync(join(golden, 'answers.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map(line => JSON.parse(line))
const directory = makeFolder('fasttext')
const at = (name: string) => join(directory, name)

async function weigh(options: Parameters<typeof fasttext>[0], texts: readonly string[]) {
  const annotator = fasttext(options)
  const columns = await annotator.annotate({ rows: texts.length, columns: { text: utf8From(texts) } })
  checkFields({ rows: texts.length, columns }, annotator.writes, annotator.name)
  return (label: string) => numbers({ rows: texts.length, columns }, `fasttext:${options.name}:${label}`)
}

for (const file of Object.keys(answers[0].answers))
  test(`${file}: the probabilities are those of fastText`, async () => {
    const labels = [...new Set(answers.flatMap(({ answers }) => Object.keys(answers[file])))]
    const column = await weigh(
      { model: join(golden, file), name: 'x', labels },
      answers.map(({ text }) => text),
    )
    const oneUlp = 2 ** -23
    let [equal, all] = [0, 0]
    for (const [row, { text, answers: given }] of answers.entries())
      for (const [label, expected] of Object.entries(given[file])) {
        const found = column(label)[row]
        assert.ok(Math.abs(found - expected) <= oneUlp * expected, `${found} for ${expected}, ${label} of '${text}'`)
        if (found === expected) equal++
        all++
      }
    assert.ok(equal >= 0.98 * all, `only ${equal} of ${all} are equal to the last bit`)
  })

test("a line's end is a space, or nothing", async () => {
  const [left, right] = answers[0].text.split(' ')
  const texts = [`${left} ${right}`, `${left}\n${right}`, `${left}${right}`]
  const model = join(golden, 'softmax.bin')
  const [asSpace, asNothing] = [
    await weigh({ model, name: 'x' }, texts),
    await weigh({ model, name: 'x', newline: 'nothing' }, texts),
  ]
  const [spaced, split, joined] = asSpace('t0')
  assert.equal(split, spaced)
  assert.notEqual(split, joined)
  assert.deepEqual([...asNothing('t0')], [spaced, joined, joined])
})

test('a column depends on the file, on its labels and on line ends, and not on where the file lies', () => {
  const model = join(golden, 'softmax.bin')
  copyFileSync(model, at('copy.bin'))
  const recorded = (options: object) => {
    const { options: all, resources, writes } = fasttext({ model, name: 'x', ...options })
    return JSON.stringify([all, resources, writes])
  }
  const base = recorded({})
  assert.equal(recorded({ model: at('copy.bin') }), base)
  assert.equal(recorded({ labels: ['t1', 't0'] }), base)
  const others = [{ model: join(golden, 'pruned.ftz') }, { labels: ['t1'] }, { newline: 'nothing' }, { name: 'y' }]
  assert.equal(new Set([base, ...others.map(recorded)]).size, 5)
})

test('a file that was replaced after it was looked at is no model of this run', async () => {
  copyFileSync(join(golden, 'softmax.bin'), at('moving.bin'))
  const annotator = fasttext({ model: at('moving.bin'), name: 'x' })
  copyFileSync(join(golden, 'pruned.ftz'), at('moving.bin'))
  assert.throws(() => annotator.annotate({ rows: 1, columns: { text: utf8From(['a']) } }), { code: 'source-changed' })
})

const whole = readFileSync(join(golden, 'softmax.bin'))
const changed = (offset: number, value: number) => {
  const bytes = Buffer.from(whole)
  bytes.writeInt32LE(value, offset)
  return bytes
}
writeFileSync(at('cut.bin'), whole.subarray(0, whole.length - 1))
writeFileSync(at('longer.bin'), Buffer.concat([whole, Buffer.of(0)]))
writeFileSync(at('older.bin'), changed(4, 11))
writeFileSync(at('text.bin'), 'no model at all')
writeFileSync(at('empty.bin'), '')
writeFileSync(at('hashing.bin'), changed(8 + 4 * 10, 1000))

const refusals: [options: object, code: string, says: RegExp][] = [
  [{ model: at('gone.bin') }, 'not-found', /gone\.bin cannot be read; train it/],
  [{ model: at('cut.bin') }, 'corrupt', /cut\.bin: .*ends too early/],
  [{ model: at('longer.bin') }, 'corrupt', /bytes after the end/],
  [{ model: at('older.bin') }, 'corrupt', /a file of format 11: train it again with fastText 0\.9/],
  [{ model: at('text.bin') }, 'corrupt', /this is no file of fastText/],
  [{ model: at('empty.bin') }, 'corrupt', /this is no file of fastText/],
  [{ model: at('hashing.bin') }, 'corrupt', /n-grams of more than 32/],
  [{ model: join(golden, 'skipgram.bin') }, 'corrupt', /vectors of words .*train one with `fasttext supervised`/],
  [{ labels: ['t3'] }, 'bad-option', /has no label 't3'; .*there are t1, t0/],
  [{ labels: ['t0', 't0'] }, 'bad-option', /names one twice \(t0, t0\)/],
  [{ labels: [] }, 'bad-option', /give a list of at least 1/],
  [{ name: 'a:b' }, 'bad-option', /'name' "a:b": give 1 to 64 letters/],
  [{ newline: 'none' }, 'bad-option', /give one of space, nothing/],
  [{ model: join(golden, 'quantized-norms.ftz') }, 'bad-option', /has 260 labels \(.* \.\.\.\): give 'labels'/],
]
for (const [options, code, says] of refusals)
  test(`refused before any work: ${JSON.stringify(options).replaceAll(directory, '').replaceAll(golden, '')}`, () => {
    assert.throws(
      () => fasttext({ model: join(golden, 'softmax.bin'), name: 'x', ...options }),
      error => error instanceof HeadraceError && error.code === code && says.test(error.message),
    )
  })
