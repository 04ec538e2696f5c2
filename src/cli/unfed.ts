import type { LeftoverReason, Unfed } from '../inspect/unfed.ts'
import { formatCount, formatPlural, formatShare, formatTable } from './table.ts'
import { cleanName } from './wrap.ts'

/** Domains that are shown, of those with something left and of those that there are. */
const rowsMax = 8

/** What no step holds, how much and why, and names of the mixture that nothing is called; empty where all is fed. */
export function describeUnfed(unfed: Unfed): string {
  const { ended, tokens, fedTokens, domains } = unfed
  const rows = domains.slice(0, rowsMax).map(({ domain, tokens, reason }) => {
    return [`  ${cleanName(domain)}`, formatCount(tokens), explainReason(reason, unfed)]
  })
  const more = domains.length > rowsMax ? `  and ${formatCount(domains.length - rowsMax)} more domains\n` : ''
  const share = formatShare(tokens, tokens + fedTokens)
  const left = `\n${formatCount(tokens)} tokens (${share}) are in no step\n${formatTable(rows, [0, 2])}${more}`
  return (
    describeBudget(unfed) +
    (ended && tokens > 0 ? left : '') +
    describeMissing(unfed) +
    describeOff(unfed) +
    describeReplayed(unfed)
  )
}

function describeBudget({ endedByBudget, fedTokens, steps }: Unfed): string {
  if (endedByBudget === null) return ''
  const held = `${formatPlural(steps, 'step')} hold ${formatCount(fedTokens)}`
  return `\nThe feed has ended by its budget of ${formatCount(endedByBudget)} tokens: ${held}.\n`
}

function explainReason(reason: LeftoverReason, { batch, length }: Unfed): string {
  return {
    'held-out': 'held out: fed only where a mixture names it',
    'not-in-mixture': 'the mixture does not name it',
    'beyond-budget': 'the budget of tokens is reached: headrace budget raises it',
    'waits-for-others': "a step needs samples of every domain of the mixture (dry: 'stop')",
    'no-full-step': `fewer than a step takes: ${formatCount(batch)} samples of ${formatCount(length)} tokens`,
  }[reason]
}

function describeOff({ offMixture, fedTokens }: Unfed): string {
  if (!offMixture) return ''
  const { step, tokens } = offMixture
  const share = `${formatCount(tokens)} tokens (${formatShare(tokens, fedTokens)} of those fed)`
  return `\nFrom step ${formatCount(step)} on ${share} came under other weights than the mixture's: domains of it had nothing left.\n`
}

function describeReplayed({ replayedTokens, fedTokens }: Unfed): string {
  if (replayedTokens === 0) return ''
  const share = `${formatCount(replayedTokens)} tokens (${formatShare(replayedTokens, fedTokens)} of those fed)`
  return `\n${share} were drawn again from documents that steps before had given.\n`
}

function describeMissing({ missing, notReplayed, present, ended }: Unfed): string {
  const list = (names: readonly string[]) => {
    const more = names.length > rowsMax ? ` and ${formatCount(names.length - rowsMax)} more` : ''
    return `${names
      .slice(0, rowsMax)
      .map(name => `'${cleanName(name)}'`)
      .join(', ')}${more}`
  }
  const when = ended ? 'no kept document' : 'no kept document so far'
  const tell = (who: string, names: readonly string[]) =>
    names.length === 0
      ? ''
      : `\n${who} names ${list(names)}, which ${when} has as its domain; there is ${list(present) || 'none'}.\n`
  return tell('The mixture', missing) + tell('Replay', notReplayed)
}
