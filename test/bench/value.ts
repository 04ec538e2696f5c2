/**
 * What value models tell apart, and how fast: `npm run bench -- value CORPUS_DIR`. The corpus is JSON Lines, junk among it, with `id`, `text`, `source`
 * and `url`, of which the third part names a package; no package that is tested was seen. AP is average precision, P@k the share of
 * positives among the best k, AUC the odds that a positive scores above a negative; speeds are in CPU time.
 */
import { limits } from '../../src/limits.ts'
import { LanguageModelScorer } from '../../src/text/language-model/model.ts'
import { fitSeed, type Seed, scoreWords, weighBuckets } from '../../src/text/likeness/seed.ts'
import { ShingleBuffer } from '../../src/text/likeness/shingles.ts'
import { cutWords } from '../../src/text/likeness/word-grams.ts'
import { LinearScorer } from '../../src/text/linear/model.ts'
import { combineHeads } from '../../src/value/combine-heads.ts'
import { Examples } from '../../src/value/examples.ts'
import { learnHead } from '../../src/value/fit.ts'
import { LanguageModelFitter } from '../../src/value/fit-language-model.ts'
import { areaUnderCurve, averagePrecision, precisionAt, ranksOf } from '../../src/value/measures.ts'
import { readSamples, type Sample } from './parts/value-corpus.ts'
import { makeRecall, makeTasks, type Task } from './parts/value-tasks.ts'

const [directory] = process.argv.slice(2)
if (directory === undefined) throw new Error('usage: node test/bench/value.ts CORPUS_DIR')
const samples = readSamples(directory)
const tasks = [...[50, 200, 1000].map(pages => makeRecall(samples, pages)), ...makeTasks(samples)]
const words = new ShingleBuffer()
const [cutting] = await timed(samples, () => {
  for (const { bytes } of samples) cutWords(bytes, 0, bytes.length, words)
})
console.log(`cutting words: ${cutting} MB/s`)
for (const task of tasks) {
  const found = task.isPositive.filter(Boolean).length
  console.log(
    `${task.name}: ${task.positives.length} + ${task.negatives.length}, tested on ${found} of ${task.test.length}`,
  )
  const seed = await measureSeed(task)
  console.log(`  seed        ${seed.said}`)
  const classifier = await measureClassifier(task)
  console.log(`  classifier  ${classifier.said}`)
  console.log(`  ranks' mean ${describe(addRanks(seed.scores, classifier.scores), task.isPositive)}`)
  // How well a text is foretold says whether it is one, and not of what it is.
  if (task.name.startsWith('T1c')) {
    console.log(`  lm, a token ${await measureLanguageModel(task)}`)
    // Formulas are no prose, and are foretold as badly as junk.
    console.log(`  lm, but for mathematics ${await measureLanguageModel(without(task, 'math'))}`)
  }
}

function without({ positives, negatives, test, isPositive, name }: Task, source: string): Task {
  const isLeft = (sample: Sample) => sample.source !== source
  return {
    name,
    positives: positives.filter(isLeft),
    negatives: negatives.filter(isLeft),
    test: test.filter(isLeft),
    isPositive: isPositive.filter((_, i) => isLeft(test[i])),
  }
}

interface Measured {
  readonly said: string
  readonly scores: Float64Array
}

async function measureSeed({ positives, negatives, test, isPositive }: Task): Promise<Measured> {
  const textsOf = (list: readonly Sample[]) => list.map(({ bytes }) => bytes)
  const [fitSpeed, seed] = await timed([...positives, ...negatives], () =>
    fitSeed(textsOf(positives), textsOf(negatives), { name: 'bench' }),
  )
  const [speed, scores] = await timed(test, () => scoreSeed(seed, test))
  return { said: `${describe(scores, isPositive)}; fit ${fitSpeed}, score ${speed} MB/s`, scores }
}

async function measureClassifier({ positives, negatives, test, isPositive }: Task): Promise<Measured> {
  await using examples = await Examples.open()
  const learned = [...positives, ...negatives]
  const [addSpeed] = await timed(learned, async () => {
    for (const [target, side] of [negatives, positives].entries())
      for (const { bytes, group, source } of side) await examples.add({ bytes, target, group, source })
  })
  const [fitSpeed, { head, weights }] = await timed(learned, () => learnHead(examples, { name: 'bench', epochs: 5 }))
  const score = (heads: number) => {
    const fitted = Array.from({ length: heads }, (_, i) => ({ head: { ...head, name: `head-${i}` }, weights }))
    const scorer = new LinearScorer(combineHeads(fitted))
    return timed(test, () =>
      Float64Array.from(test, ({ bytes }) => (scorer.score(bytes, 0, bytes.length) ? scorer.outputs[0] : Number.NaN)),
    )
  }
  const [speed, scores] = await score(1)
  const [speedOfEight] = await score(8)
  const speeds = `read ${addSpeed}, train ${fitSpeed}, score ${speed}, by 8 heads ${speedOfEight} MB/s`
  return { said: `${describe(scores, isPositive)}; ${speeds}`, scores }
}

function addRanks(a: Float64Array, b: Float64Array): Float64Array {
  const [one, other] = [ranksOf(a), ranksOf(b)]
  return one.map((rank, i) => rank + other[i])
}

function scoreSeed(seed: Seed, test: readonly Sample[]): Float64Array {
  const weights = weighBuckets(seed)
  return Float64Array.from(test, ({ bytes }) => scoreWords(weights, words.low, cutWords(bytes, 0, bytes.length, words)))
}

async function measureLanguageModel({ positives, test, isPositive }: Task): Promise<string> {
  using fitter = new LanguageModelFitter()
  const [fitSpeed, { model }] = await timed(positives, () => {
    for (const { bytes } of positives) fitter.add(bytes)
    return fitter.finish(limits.trigramsDefault)
  })
  const scorer = new LanguageModelScorer(model)
  const [speed, scores] = await timed(test, () =>
    Float64Array.from(test, ({ bytes }) => {
      scorer.score(bytes, 0, bytes.length)
      return -scorer.tokenBits
    }),
  )
  return `${describe(scores, isPositive)}; fit ${fitSpeed}, score ${speed} MB/s`
}

function describe(scores: Float64Array, isPositive: readonly boolean[]): string {
  const [first, fifth] = [100, 500].map(k => precisionAt(k, scores, isPositive).toFixed(2))
  const [precision, area] = [averagePrecision, areaUnderCurve].map(measure => measure(scores, isPositive).toFixed(3))
  return `AP ${precision}  P@100 ${first}  P@500 ${fifth}  AUC ${area}`
}

/** Megabytes of text a CPU second, and what came of it. */
async function timed<T>(texts: readonly Sample[], work: () => T | Promise<T>): Promise<[speed: string, result: T]> {
  const bytes = texts.reduce((sum, text) => sum + text.bytes.length, 0)
  const before = process.cpuUsage()
  const result = await work()
  const { user, system } = process.cpuUsage(before)
  return [(bytes / (user + system)).toFixed(0), result]
}
