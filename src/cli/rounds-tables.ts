import type { RoundFigures, RoundsEnd, RoundsRecord } from '../value/rounds-file.ts'
import { formatCount, formatPlural, formatShare, formatTable } from './table.ts'
import { wrapText } from './wrap.ts'

/** The rounds of a loop, a line each. */
export function describeRounds({ rounds }: RoundsRecord): string {
  if (rounds.length === 0) return ''
  const head = ['round', 'positives', 'background', 'found', 'hosts', 'sources', 'largest', 'pure', 'at least', '']
  const rows = rounds.map(one => [
    String(one.round),
    formatCount(one.positives),
    formatCount(one.background),
    formatCount(one.chosen),
    formatCount(one.hosts),
    formatCount(one.sources),
    formatShare(one.largestSource, one.chosen),
    `${one.right} of ${one.judged}`,
    one.purityLow.toFixed(2),
    one.isAdded ? 'added' : 'not added',
  ])
  return formatTable([head, ...rows], [0, 9])
}

/** Why a loop has ended, and what its models are fitted on. */
export function describeEnd({ rounds, end }: RoundsRecord, purityMin: number, width: number): string {
  const last = rounds.at(-1)
  const why: Readonly<Record<RoundsEnd, string>> = {
    impure: `Round ${last?.round} is pure to ${last?.purity.toFixed(2)}, below ${purityMin}: it was not added, as what is impure teaches the next round to find more of it. This is where it ends.`,
    'rounds-max': `${formatPlural(rounds.length, 'round')} of --rounds-max ${rounds.length} added: a larger one goes on.`,
    'nothing-left': 'No row is left that is not in already, and that its host and source have room for.',
  }
  const unanswered = rounds.reduce((sum, round) => sum + round.unanswered, 0)
  const told = unanswered > 0 ? ` The judge said nothing of ${unanswered} rows, which count as wrong.` : ''
  return `${wrapText(`${why[end!]}${told}`, width).join('\n')}\n`
}

/** Positives that the models are fitted on that a loop leaves. */
export function countPositives(rounds: readonly RoundFigures[]): number {
  const last = rounds.at(-1)
  return last ? last.positives + (last.isAdded ? last.chosen : 0) : 0
}
