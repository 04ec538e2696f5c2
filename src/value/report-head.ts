import type { Head } from '../text/linear/model.ts'
import type { ExampleFacts, LeftOutTexts } from './examples.ts'
import type { HeadOrder } from './head-order.ts'
import {
  areaUnderCurve,
  averagePrecision,
  calibrationError,
  fitPlatt,
  precisionAt,
  rankCorrelation,
  type Scaling,
} from './measures.ts'
import type { Split } from './split.ts'

/**
 * How a head does on texts of groups that it did not see. `quality` is the area under the curve of a score, Spearman's rank correlation of a
 * value, and the mean F1 of classes. `lengthAlone` and `sourceAlone` are the same of what knows the number of words, or what texts of that
 * source were labelled among those learned from, and nothing else: a head that is not above them has not learned what it is for. Where each
 * source has one label alone, source and content can't be told apart, and `sourceAlone` is null.
 */
export interface HeadReport {
  readonly head: string
  readonly kind: Head['kind']
  readonly learned: Readonly<Record<string, number>>
  readonly held: Readonly<Record<string, number>>
  readonly groups: Split['groups']
  /** Negatives beyond 40 a positive. */
  readonly notDrawn: number
  readonly leftOut: Readonly<LeftOutTexts>
  readonly quality: number
  readonly lengthAlone: number
  readonly sourceAlone: number | null
  /** Of a score alone. `calibrationError`: before and after calibration by one half of what was held out, on the other. */
  readonly averagePrecision?: number
  /** The share of positives among the best `of`: 100, or as many as there are positives. */
  readonly precision?: { readonly of: number; readonly share: number }
  readonly calibrationError?: readonly [before: number, after: number]
}

interface Looked {
  readonly order: HeadOrder
  readonly facts: readonly ExampleFacts[]
  readonly split: Split
  readonly isLearned: readonly boolean[]
  /** For each text what each output says. */
  readonly sums: readonly Float64Array[]
  readonly leftOut: Readonly<LeftOutTexts>
}

/** Measures a head; of a score it is calibrated, too. */
export function reportHead(looked: Looked): { report: HeadReport; scaling: Scaling | null } {
  const { order, facts, split, isLearned, leftOut } = looked
  const held = facts.flatMap((_, i) => (split.isHeld[i] ? [i] : []))
  const known = facts.filter((_, i) => isLearned[i])
  const bySource = labelsBySource(known)
  const measure = measures[order.kind](
    order,
    held.map(i => facts[i].target),
  )
  const alone = (numberOf: (fact: ExampleFacts) => number) => measure.ofOne(held.map(i => numberOf(facts[i])))
  const scores = order.kind === 'score' ? reportScores(looked, held) : null
  const report = {
    head: order.name,
    kind: order.kind,
    learned: countSides(order, known),
    held: countSides(
      order,
      held.map(i => facts[i]),
    ),
    groups: split.groups,
    notDrawn: facts.length - held.length - known.length,
    leftOut: { ...leftOut },
    quality: measure.ofAll(held.map(i => looked.sums[i])),
    lengthAlone: alone(({ words }) => words),
    sourceAlone: bySource && alone(({ source }) => bySource(source)),
    ...scores?.report,
  }
  return { report, scaling: scores?.scaling ?? null }
}

/** The mean label of what was learned of a source; of one that was not met, of all. Null where each has one label alone. */
function labelsBySource(known: readonly ExampleFacts[]): ((source: string) => number) | null {
  const sums = new Map<string, [sum: number, count: number]>()
  const first = new Map<string, number>()
  let [total, isMixed] = [0, false]
  for (const { source, target } of known) {
    const [sum, count] = sums.get(source) ?? [0, 0]
    sums.set(source, [sum + target, count + 1])
    total += target
    isMixed ||= target !== (first.get(source) ?? target)
    if (!first.has(source)) first.set(source, target)
  }
  if (!isMixed) return null
  return source => {
    const [sum, count] = sums.get(source) ?? [total, known.length]
    return sum / count
  }
}

function reportScores({ facts, sums }: Looked, held: readonly number[]) {
  const [fitting, checking] = [held.filter((_, i) => i % 2 === 0), held.filter((_, i) => i % 2 === 1)]
  const scoresOf = (texts: readonly number[]) => texts.map(i => sums[i][0])
  const labelsOf = (texts: readonly number[]) => texts.map(i => facts[i].target === 1)
  const best = Math.min(100, labelsOf(held).filter(Boolean).length)
  const scaling = fitPlatt(scoresOf(fitting), labelsOf(fitting))
  const scaled = scoresOf(checking).map(score => score * scaling.scale + scaling.shift)
  const report = {
    averagePrecision: averagePrecision(scoresOf(held), labelsOf(held)),
    precision: { of: best, share: precisionAt(best, scoresOf(held), labelsOf(held)) },
    calibrationError: [scoresOf(checking), scaled].map(scores => calibrationError(scores, labelsOf(checking))) as [
      number,
      number,
    ],
  }
  return { report, scaling }
}

interface Measuring {
  ofAll(sums: readonly Float64Array[]): number
  /** Of one number a text, whichever way it tells. */
  ofOne(values: readonly number[]): number
}

const measures: Readonly<Record<Head['kind'], (order: HeadOrder, targets: readonly number[]) => Measuring>> = {
  score: (_, targets) => {
    const labels = targets.map(target => target === 1)
    const area = (values: readonly number[]) => areaUnderCurve(values, labels)
    return { ofAll: sums => area(sums.map(([sum]) => sum)), ofOne: values => Math.max(area(values), 1 - area(values)) }
  },
  value: (_, targets) => ({
    ofAll: sums =>
      rankCorrelation(
        sums.map(([sum]) => sum),
        targets,
      ),
    ofOne: values => Math.abs(rankCorrelation(values, targets)) || 0,
  }),
  class: ({ classes }, targets) => ({
    ofAll: sums =>
      meanF1(
        sums.map(sum => sum.indexOf(Math.max(...sum))),
        targets,
        classes.length,
      ),
    // One number tells no class: the best that it can say is the most frequent one.
    ofOne: () =>
      meanF1(
        targets.map(() => mostFrequent(targets, classes.length)),
        targets,
        classes.length,
      ),
  }),
}

function meanF1(said: readonly number[], targets: readonly number[], classes: number): number {
  const scores = Array.from({ length: classes }, (_, one) => {
    const right = said.filter((own, i) => own === one && targets[i] === one).length
    const both = said.filter(own => own === one).length + targets.filter(target => target === one).length
    return both === 0 ? 0 : (2 * right) / both
  })
  return scores.reduce((sum, score) => sum + score, 0) / classes
}

function mostFrequent(targets: readonly number[], classes: number): number {
  const counts = Array.from({ length: classes }, (_, one) => targets.filter(target => target === one).length)
  return counts.indexOf(Math.max(...counts))
}

function countSides({ kind, classes }: HeadOrder, facts: readonly ExampleFacts[]): Record<string, number> {
  if (kind === 'value') return { texts: facts.length }
  const names = kind === 'class' ? classes : ['negatives', 'positives']
  return Object.fromEntries(names.map((name, side) => [name, facts.filter(({ target }) => target === side).length]))
}

/** Area under the curve, or correlation, below which a head is of no use. */
const qualityMin: Readonly<Record<Head['kind'], number>> = { score: 0.6, value: 0.2, class: 0 }

/** Why a head should not be used, or null. */
export function findFault({ kind, quality, lengthAlone, sourceAlone }: HeadReport): string | null {
  if (Number.isNaN(quality))
    return 'all that was held out has one label, and so nothing is known of it; give texts of more groups, or --groups a field that parts them'
  const said = (figure: number) => figure.toFixed(3)
  const alone = Math.max(lengthAlone, sourceAlone ?? 0)
  const what = lengthAlone === alone ? 'length' : 'source'
  if (!(quality > alone))
    return `on what was held out it is ${said(quality)}, and the ${what} of a text alone is ${said(alone)}`
  if (quality < qualityMin[kind]) return `on what was held out it is ${said(quality)}, below ${qualityMin[kind]}`
  return null
}
