import { HeadraceError } from '../errors.ts'
import { featureBuckets } from '../text/linear/features.ts'
import { type Head, outputsOf, sumWeights } from '../text/linear/model.ts'
import { type Example, type Loss, trainHead } from '../text/linear/train.ts'
import { cleanName } from '../text/printable.ts'
import type { ExampleFacts, Examples, HeadExamples } from './examples.ts'
import type { HeadOrder } from './head-order.ts'
import { type HeadReport, reportHead } from './report-head.ts'
import { splitByGroups } from './split.ts'

export interface FittedHead {
  readonly head: Head
  /** As `LinearModel` has them, of this head alone. */
  readonly weights: Float32Array
  readonly report: HeadReport
  /** For each bucket how much more of it texts have whose label is above the mean: its covariance with the label, over what was learned. */
  readonly tilts: Float64Array
}

/** Texts of a side, below which nothing is learned of it. */
const textsMin = 10
/** Negatives for each positive, above which few positives drown: 50 of them found .53 with 40, and .37 with 120 (average precision). */
const negativesMax = 40

/** Learns one head of texts that are added already, measures it on groups that it did not see, and calibrates it on half of them. */
export async function fitHead(added: Examples, order: HeadOrder, head = 0): Promise<FittedHead> {
  const examples = added.of(head)
  const { facts } = examples
  const { sides, sideOf } = sidesOf(order)
  checkSides(facts, sides, sideOf)
  const split = splitByGroups(facts, sides, sideOf)
  const isLearned = chooseLearned(facts, split.isHeld, order)
  const spread = order.kind === 'value' ? spreadOf(facts, isLearned) : { scale: 1, shift: 0 }
  const weights = await train(examples, isLearned, order, spread)
  const { sums, tilts } = await lookAtAll(examples, { weights, outputs: outputsOf(order), isLearned })
  const { report, scaling } = reportHead({ order, facts, split, isLearned, sums, leftOut: examples.leftOut })
  const { name, kind, classes } = order
  return { head: { name, kind, classes, ...(scaling ?? spread) }, weights, report, tilts }
}

/** A head of a score that nothing was held out from: it is neither measured nor calibrated, so that its outputs rank texts and are no odds. */
export interface LearnedHead extends Pick<FittedHead, 'head' | 'weights'> {
  readonly learned: { readonly positives: number; readonly negatives: number }
}

/** Learns a score from all texts that are added, for who measures it otherwise: on what it finds, or on texts of their own. */
export async function learnHead(added: Examples, order: Pick<HeadOrder, 'name' | 'epochs'>): Promise<LearnedHead> {
  const examples = added.of()
  const { facts } = examples
  const whole: HeadOrder = { ...order, kind: 'score', classes: [] }
  const { sides, sideOf } = sidesOf(whole)
  checkSides(facts, sides, sideOf)
  const isLearned = chooseLearned(
    facts,
    facts.map(() => false),
    whole,
  )
  const weights = await train(examples, isLearned, whole, { scale: 1, shift: 0 })
  const positives = facts.filter(({ target }) => target === 1).length
  const learned = { positives, negatives: isLearned.filter(Boolean).length - positives }
  return { head: { name: order.name, kind: 'score', classes: [], scale: 1, shift: 0 }, weights, learned }
}

function sidesOf({ kind, classes }: HeadOrder) {
  const sides = kind === 'score' ? ['negatives', 'positives'] : kind === 'class' ? classes : ['texts']
  return { sides, sideOf: ({ target }: ExampleFacts) => (kind === 'value' ? 0 : target) }
}

function checkSides(facts: readonly ExampleFacts[], sides: readonly string[], sideOf: (fact: ExampleFacts) => number) {
  const counts = sides.map(() => 0)
  for (const fact of facts) counts[sideOf(fact)]++
  const side = counts.findIndex(count => count < textsMin)
  if (side < 0) return
  throw new HeadraceError(
    'bad-option',
    `there are ${counts[side]} ${cleanName(sides[side])} with words in them, and ${textsMin} are the least that anything can be learned of: check the paths`,
  )
}

/** What is neither held out nor one of too many negatives, of which those are taken that their content's hash puts first. */
function chooseLearned(facts: readonly ExampleFacts[], isHeld: readonly boolean[], { kind }: HeadOrder): boolean[] {
  const isLearned = isHeld.map(is => !is)
  if (kind !== 'score') return isLearned
  const of = (target: number) => facts.flatMap((fact, i) => (isLearned[i] && fact.target === target ? [i] : []))
  const most = negativesMax * of(1).length
  for (const i of of(0)
    .sort((a, b) => facts[a].hash - facts[b].hash || a - b)
    .slice(most))
    isLearned[i] = false
  return isLearned
}

/** Labels are learned with a mean of 0 and a spread of 1. */
function spreadOf(facts: readonly ExampleFacts[], isLearned: readonly boolean[]): Pick<Head, 'scale' | 'shift'> {
  const targets = facts.flatMap(({ target }, i) => (isLearned[i] ? [target] : []))
  const shift = targets.reduce((sum, target) => sum + target, 0) / targets.length
  const variance = targets.reduce((sum, target) => sum + (target - shift) ** 2, 0) / targets.length
  if (variance === 0)
    throw new HeadraceError('bad-option', `all labels are ${targets[0]}: nothing can be learned of that`)
  return { scale: Math.sqrt(variance), shift }
}

const losses: Readonly<Record<Head['kind'], Loss>> = { score: 'logistic', value: 'squared', class: 'softmax' }

function train(
  examples: HeadExamples,
  isLearned: readonly boolean[],
  order: HeadOrder,
  { scale, shift }: Pick<Head, 'scale' | 'shift'>,
): Promise<Float32Array> {
  const weightOf = weighSides(examples.facts, isLearned, order)
  const load = async (part: number): Promise<Example[]> => {
    const { numbers, offsets, buckets, values } = await examples.load(part)
    return [...numbers].flatMap((number, i) => {
      if (number < 0 || !isLearned[number]) return []
      const [from, to] = [offsets[i], offsets[i + 1]]
      const { target } = examples.facts[number]
      const learned = order.kind === 'value' ? (target - shift) / scale : target
      return [
        {
          buckets: buckets.subarray(from, to),
          values: values.subarray(from, to),
          target: learned,
          weight: weightOf(target),
        },
      ]
    })
  }
  return trainHead(examples.parts, load, {
    loss: losses[order.kind],
    outputs: outputsOf(order),
    epochs: order.epochs,
  })
}

/** Both sides of a score, and all classes, count the same in all. */
function weighSides(
  facts: readonly ExampleFacts[],
  isLearned: readonly boolean[],
  { kind, classes }: HeadOrder,
): (target: number) => number {
  if (kind === 'value') return () => 1
  const counts = new Array<number>(kind === 'class' ? classes.length : 2).fill(0)
  for (const [i, { target }] of facts.entries()) if (isLearned[i]) counts[target]++
  const all = counts.reduce((sum, count) => sum + count, 0)
  return target => all / (counts.length * counts[target])
}

/** What the weights say of every text, and how buckets go with the label of what was learned from. */
async function lookAtAll(
  examples: HeadExamples,
  { weights, outputs, isLearned }: { weights: Float32Array; outputs: number; isLearned: readonly boolean[] },
): Promise<{ sums: Float64Array[]; tilts: Float64Array }> {
  const sums: Float64Array[] = []
  const tilts = new Float64Array(featureBuckets)
  const learned = examples.facts.filter((_, i) => isLearned[i])
  const mean = learned.reduce((sum, { target }) => sum + target, 0) / learned.length
  for (let part = 0; part < examples.parts; part++) {
    const { numbers, offsets, buckets, values } = await examples.load(part)
    for (const [i, number] of numbers.entries()) {
      if (number < 0) continue
      const [from, to] = [offsets[i], offsets[i + 1]]
      const own = { buckets: buckets.subarray(from, to), values: values.subarray(from, to) }
      sums[number] = new Float64Array(outputs)
      sumWeights(weights, own, to - from, sums[number])
      const beyond = isLearned[number] ? examples.facts[number].target - mean : 0
      if (beyond !== 0) for (let at = from; at < to; at++) tilts[buckets[at]] += beyond * values[at]
    }
  }
  return { sums, tilts }
}
