import type { HeadReport } from '../value/report-head.ts'
import { formatCount, formatTable, sortCounts } from './table.ts'
import { cleanName, formatPairs } from './wrap.ts'

/** The words and pairs of words that move a head most, up and down. */
export interface NamedGrams {
  readonly up: readonly string[]
  readonly down: readonly string[]
}

const qualities: Readonly<Record<HeadReport['kind'], string>> = {
  score: 'area under the curve',
  value: 'rank correlation',
  class: 'mean F1 of classes',
}

/** Sides that are shown. */
const sidesMax = 24

/** What came of a fit, for people. */
export function describeHead(report: HeadReport, grams: NamedGrams | null, width: number): string {
  const { head, kind, learned, held, groups, notDrawn, leftOut } = report
  const sides = sortCounts(learned)
    .slice(0, sidesMax)
    .map(([side]) => [cleanName(side), formatCount(learned[side]), formatCount(held[side])])
  const { empty, repeated, contradicting } = leftOut
  const left = [
    [notDrawn, 'negatives beyond 40 a positive'],
    [repeated, 'with the words of another'],
    [contradicting, 'with the words of another and another label'],
    [empty, 'without words'],
  ].flatMap(([count, what]) => (Number(count) > 0 ? [`${formatCount(Number(count))} ${what}`] : []))
  return [
    formatTable([
      [head, 'learned', 'held out'],
      ...sides,
      ['groups', formatCount(groups.learned), formatCount(groups.held)],
    ]),
    left.length > 0 ? `left out: ${left.join(', ')}\n` : '',
    `\non what was held out\n${formatTable(figuresOf(report, qualities[kind]))}`,
    grams
      ? `\nheaviest words\n${formatPairs([listGrams('for', grams.up), listGrams('against', grams.down)], width)}`
      : '',
  ].join('')
}

function figuresOf(report: HeadReport, quality: string): string[][] {
  const { averagePrecision, precision, calibrationError } = report
  const figures: [name: string, value: number | null | undefined][] = [
    [quality, report.quality],
    ['  of its length alone', report.lengthAlone],
    ['  of its source alone', report.sourceAlone],
    ['average precision', averagePrecision],
    [`right of the best ${precision?.of}`, precision?.share],
    ['calibration error, raw', calibrationError?.[0]],
    ['  calibrated', calibrationError?.[1]],
  ]
  return figures.flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value === null ? 'each source has one label alone' : value.toFixed(3)]],
  )
}

function listGrams(side: string, grams: readonly string[]): [side: string, list: string] {
  return [side, grams.map(gram => cleanName(gram)).join(', ') || 'none']
}
