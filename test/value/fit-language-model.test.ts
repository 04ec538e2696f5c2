import assert from 'node:assert/strict'
import { test } from 'node:test'
import { writeArpa } from '../../src/text/language-model/arpa.ts'
import { encodeLanguageModel } from '../../src/text/language-model/model-file.ts'
import { loadEncoding } from '../../src/text/tokens/bpe.ts'
import { LanguageModelFitter } from '../../src/value/fit-language-model.ts'
import { drawFrom } from '../random.ts'
import { type Arpa, logarithmOf, readArpa } from '../text/language-model/arpa-reader.ts'

const words = [
  'the',
  ' mill',
  ' wheel',
  ' turns',
  ' a',
  ' river',
  ' and',
  '.',
  ' x',
  '\n',
  'é',
  ' 水',
  ' of',
  ' stone',
  ' runs',
]
/** Each word likes some that follow it, so that counts differ. */
function makeTexts(seed: number, count: number): string[] {
  const draw = drawFrom(seed)
  return Array.from({ length: count }, () => {
    let at = draw(words.length)
    return Array.from({ length: 1 + draw(30) }, () => words[(at = (3 * at + draw(2 + (at % 5))) % words.length)]).join(
      '',
    )
  })
}

function fit(texts: readonly string[], { held, trigramsMax = 1e6 }: { held?: number; trigramsMax?: number } = {}) {
  using fitter = new LanguageModelFitter(held)
  for (const text of texts) fitter.add(new TextEncoder().encode(text))
  const { model, report } = fitter.finish(trigramsMax)
  return { model, report, arpa: readArpa(Buffer.concat([...writeArpa(model)]).toString()) }
}

const encoding = loadEncoding('gpt2')
function tokensOf(text: string): string[] {
  const bytes = new TextEncoder().encode(text)
  const ids = new Int32Array(bytes.length)
  const count = encoding.encode(bytes, 0, bytes.length, ids, 0)
  return ['<s>', ...Array.from(ids.subarray(0, count), String), '</s>']
}

/** Interpolated modified Kneser-Ney from its definition: probabilities by n-gram, with Chen and Goodman's discounts, of trigrams that stood `countMin` times. */
class Definition {
  readonly counts: Map<string, number>[] = [new Map(), new Map(), new Map(), new Map()]
  readonly #countMin: number
  readonly #discounts: readonly number[][]

  constructor(texts: readonly string[], countMin: number) {
    this.#countMin = countMin
    const [, ones, twos, threes] = this.counts
    const add = (to: Map<string, number>, gram: string) => to.set(gram, (to.get(gram) ?? 0) + 1)
    for (const tokens of texts.map(tokensOf)) {
      for (let i = 2; i < tokens.length; i++) add(threes, tokens.slice(i - 2, i + 1).join(' '))
      add(twos, tokens.slice(0, 2).join(' '))
    }
    for (const gram of threes.keys()) add(twos, gram.split(' ').slice(1).join(' '))
    for (const gram of twos.keys()) add(ones, gram.split(' ')[1])
    this.#discounts = this.counts.map(counts => {
      const n = [0, 1, 2, 3, 4].map(count => [...counts.values()].filter(value => value === count).length)
      const y = n[1] / (n[1] + 2 * n[2])
      const values = [0, 1, 2, 3].map(i => (i === 0 ? 0 : i - ((i + 1) * y * n[i + 1]) / n[i]))
      return values.every((value, i) => value >= 0 && value <= i) ? values : [0, 0.5, 1, 1.5]
    })
  }

  probabilityOf(gram: readonly string[]): number {
    const counts = this.counts[gram.length]
    const discount = (count: number) => this.#discounts[gram.length][Math.min(3, count)]
    const isKept = (count: number) => gram.length < 3 || count >= this.#countMin
    const context = gram.slice(0, -1).join(' ')
    const same = [...counts].filter(([other]) => other.split(' ').slice(0, -1).join(' ') === context)
    const sum = same.reduce((total, [, count]) => total + count, 0)
    const lower = gram.length === 1 ? 1 / 50_257 : this.probabilityOf(gram.slice(1))
    if (sum === 0) return lower
    const left = same.reduce((total, [, count]) => total + (isKept(count) ? discount(count) : count), 0)
    const own = counts.get(gram.join(' ')) ?? 0
    return (isKept(own) ? own - discount(own) : 0) / sum + (left / sum) * lower
  }
}

for (const [name, seed, count, trigramsMax] of [
  ['all trigrams', 1, 60, 1e6],
  ['few texts', 2, 3, 1e6],
  ['the most frequent trigrams', 3, 60, 60],
] as const)
  test(`probabilities are those of the definition: ${name}`, () => {
    const texts = makeTexts(seed, count)
    const { arpa, report } = fit(texts, { trigramsMax })
    const definition = new Definition(texts, report.trigramCountMin)
    assert.equal(report.trigramCountMin > 1, name.startsWith('the most'))
    assert.ok(report.trigrams <= trigramsMax && report.trigramsMet === definition.counts[3].size)
    const tokens = [...new Set(texts.flatMap(tokensOf))]
    const draw = drawFrom(seed)
    const pick = () => tokens[draw(tokens.length)]
    const grams = [...definition.counts[3].keys()].map(gram => gram.split(' '))
    for (let i = 0; i < 300; i++) grams.push(['<s>', pick(), pick()], [pick(), pick(), pick()], [pick(), '17', '18'])
    for (const gram of grams.filter(gram => !gram.slice(1).includes('<s>') && !gram.slice(0, -1).includes('</s>'))) {
      const expected = Math.log10(definition.probabilityOf(gram))
      const found = logarithmOf(arpa, gram)
      assert.ok(Math.abs(found - expected) < 2e-6, `${found} for ${expected} of ${gram}`)
    }
  })

test('behind any two tokens the probabilities of all come to 1', () => {
  const { arpa } = fit(makeTexts(4, 40), { trigramsMax: 50 })
  const sumBehind = (arpa: Arpa, ...before: string[]) =>
    arpa.words
      .filter(word => word !== '<s>' && word !== '<unk>')
      .reduce((sum, word) => sum + 10 ** logarithmOf(arpa, [...before, word]), 0)
  const [first, second] = tokensOf(' mill wheel').slice(1)
  for (const before of [['<s>'], [first], [first, second], ['<s>', first], ['17', '18'], [second, '17'], ['17', first]])
    assert.ok(Math.abs(sumBehind(arpa, ...before) - 1) < 1e-4, `${sumBehind(arpa, ...before)} behind ${before}`)
})

test('the order of texts, and what is spilled to disk, change no byte', () => {
  const texts = makeTexts(5, 80)
  const bytesOf = ({ model, report }: ReturnType<typeof fit>) =>
    Buffer.concat([...encodeLanguageModel({ name: 'x', model, report })])
  const whole = bytesOf(fit(texts))
  assert.ok(bytesOf(fit(texts.toReversed())).equals(whole))
  assert.ok(bytesOf(fit(texts, { held: 50 })).equals(whole))
  assert.ok(!bytesOf(fit(texts.slice(1))).equals(whole))
})

test('what was read is counted; without a text there is no model', () => {
  const { report } = fit(['the mill', '', 'the'])
  const { texts, empty, bytes, tokens, bigrams, trigramsMet, trigrams } = report
  assert.deepEqual([texts, empty, bytes, tokens], [2, 1, 11, 3])
  assert.deepEqual([bigrams, trigramsMet, trigrams], [4, 3, 3])
  assert.ok(report.discounts.every(({ areUsual }) => areUsual))
  assert.throws(() => fit(['', '']), { code: 'bad-option', message: /no text to learn from/ })
})
