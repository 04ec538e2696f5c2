import { formatCount, formatPlural } from '../text/figures.ts'
import { cleanName } from '../text/printable.ts'
import type { Comparison } from './compare.ts'

/** What a reader must know to take the figures for what they are. */
export function diffNotes(comparison: Comparison): string[] {
  const { sides, ranges, label } = comparison
  const joined = label === null ? [] : labelNotes(comparison)
  const each = sides.flatMap((side, i) => {
    const name = cleanName(side.name)
    const { first, run } = side.run
    const { uncounted } = comparison.tally.sums[i]
    const unchecked = comparison.unchecked[i]
    return [
      side.decide.ended ? '' : `${name} has not ended: it has decided the slots before ${side.decided}`,
      first > 0 ? `${name} was trimmed: it keeps the slots from ${first} on` : '',
      side.decided > ranges[i].to ? `compared are the slots before ${ranges[i].to}, of which both are decided` : '',
      run.tokenizer === null ? `${name} has no tokenizer, so its tokens are not known` : '',
      run.tokenizer !== null && uncounted > 0
        ? `tokens of ${formatPlural(uncounted, 'kept document')} of ${name} are not known yet: no shard has them`
        : '',
      unchecked === null ? '' : `not held against what ${name} has counted: ${unchecked}`,
    ]
  })
  return [...joined, ...each, textNote(comparison), tokenizerNote(comparison)].filter(Boolean)
}

function labelNotes({ label, labels }: Comparison): string[] {
  const { repeated, records, unlabelled, passes } = labels
  return [
    `records are joined by their ${label}`,
    repeated > 0
      ? `${formatPlural(repeated, label === 'id' ? 'id' : 'URL')} of ${formatCount(records)} records repeat: their records are joined in the order in which they come`
      : '',
    unlabelled > 0 ? `${formatPlural(unlabelled, 'record')} without it are joined by file and line` : '',
    passes > 1 ? `the runs were read ${passes} times, as their labels are too many to hold at once` : '',
  ]
}

function textNote({ tally: { unknownTexts } }: Comparison): string {
  if (unknownTexts === 0) return ''
  return `whether ${formatPlural(unknownTexts, 'document')} that both keep have the same text is not known, as a run does not store texts: their lengths are the same`
}

function tokenizerNote({ sides }: Comparison): string {
  const [a, b] = sides.map(({ run }) => run.run.tokenizer)
  if (a === null || b === null || JSON.stringify(a) === JSON.stringify(b)) return ''
  return 'the runs have different tokenizers: their tokens are not the same unit'
}
