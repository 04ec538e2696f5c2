import type { Comparison } from '../diff/compare.ts'
import { type Witnessed, witness } from '../diff/evidence.ts'
import type { Threshold } from '../diff/threshold.ts'
import type { Terminal } from './command.ts'
import { describeEnd } from './diff-tables.ts'
import { describeRule } from './reasons.ts'
import { formatMeasured, formatPlural } from './table.ts'
import { cleanName, cleanPath, clipText, pageWidth, printable } from './wrap.ts'

/** Writes the samples of each move, with what both runs say of them. */
export async function writeSamples({ sides, tally }: Comparison, terminal: Terminal): Promise<void> {
  const width = pageWidth(terminal)
  const line = (text: string) => terminal.out.write(`${clipText(printable(text).replaceAll('\n', ' '), width)}\n`)
  for (const { kind, from, to, amounts, samples } of tally.cells) {
    const { pairs } = samples
    if (pairs.length === 0) continue
    line(`── ${describeEnd(from)} → ${describeEnd(to)} (${kind}): ${formatPlural(amounts.documents, 'record')}`)
    for (const pair of pairs) {
      const [a, b] = await witness(sides, pair)
      const { id, outcome } = (a ?? b)!
      line(`  ${cleanName(id) || '(no document)'}  ${cleanPath(outcome.file)}:${outcome.line}`)
      line(`    A  ${describeSide(a)}`)
      line(`    B  ${describeSide(b)}`)
    }
    terminal.out.write('\n')
  }
}

/** What one run says: `too-few-words, measured 48, 2 beyond gopherWords < 50`. */
function describeSide(side: Witnessed | null): string {
  if (!side) return describeEnd(null)
  const { outcome, duplicateOf, measured, threshold, distance } = side
  const parts = [
    outcome.fate === 'kept' ? `kept in ${cleanName(outcome.domain) || '(no domain)'}` : describeEnd(outcome),
  ]
  if (duplicateOf !== null) parts.push(`repeats ${cleanName(duplicateOf)}`)
  if (measured !== null) parts.push(`measured ${cleanName(formatMeasured(measured))}`)
  const text = threshold.known || outcome.fate === 'dropped' ? describeThreshold(threshold) : ''
  if (text !== '') parts.push(distance === null ? text : `${describeDistance(distance)} ${text}`)
  return parts.join(', ')
}

function describeDistance(distance: number): string {
  return `${formatMeasured(Math.abs(distance))} ${distance < 0 ? 'within' : 'beyond'}`
}

function describeThreshold(threshold: Threshold): string {
  if (!threshold.known) return threshold.why === 'not-recorded' ? 'its threshold is not recorded' : ''
  if ('similarity' in threshold) return `similarity ${threshold.similarity}`
  return threshold.rules.map(describeRule).join(' or ')
}
