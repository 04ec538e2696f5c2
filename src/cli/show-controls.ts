import { type ReplayOptions, resolveReplay } from '../feed/options.ts'
import type { ControlEntry, SettingsChange } from '../feed/plan/control.ts'
import { formatCount, formatPlural, formatShare } from './table.ts'
import { cleanName } from './wrap.ts'

/** Domains of a mixture that a line names. */
const domainsMax = 12

/** What a change of a feed's options says, in words. */
export function describeChange({ mixture, batch, length, replay, budget }: SettingsChange): string {
  const parts: string[] = []
  if (mixture === null) parts.push('no mixture')
  else if (mixture) parts.push(`mixture ${describeMixture(mixture)}`)
  if (batch !== undefined) parts.push(`${formatPlural(batch, 'sample')} a step`)
  if (length !== undefined) parts.push(`samples of ${formatPlural(length, 'token')}`)
  if (replay === null) parts.push('no replay')
  else if (replay) parts.push(describeReplay(replay))
  if (budget === null) parts.push('no budget')
  else if (budget !== undefined) parts.push(`a budget of ${formatCount(budget)} tokens`)
  return parts.join(', ')
}

function describeReplay(replay: ReplayOptions): string {
  const { share, from, repeatsMax } = resolveReplay(replay)
  const names = from?.slice(0, domainsMax).map(name => cleanName(name)) ?? []
  const more = from && from.length > domainsMax ? ` and ${from.length - domainsMax} more` : ''
  const of = from ? ` of ${names.join(', ')}${more}` : ''
  return `${formatShare(share, 1)} drawn again${of}, a document ${formatPlural(repeatsMax, 'time')} at most`
}

function describeMixture(mixture: Readonly<Record<string, number>>): string {
  const names = Object.keys(mixture)
  const shown = names.slice(0, domainsMax).map(name => `${cleanName(name)}=${mixture[name]}`)
  return `${shown.join(', ')}${names.length > domainsMax ? ` and ${names.length - domainsMax} more` : ''}`
}

/** A control entry as lines: from which step on, what, and who, when and why. */
export function describeControl(entry: ControlEntry): string {
  const { step, promote, join, fork, takeDown, who, at, note } = entry
  const parts = [describeChange(entry)]
  if (promote) parts.push(`goes on with ${cleanName(promote.to.run)}`)
  if (join) parts.push(`takes in ${join.runs.map(({ run }) => cleanName(run)).join(', ')}`)
  if (fork) parts.push(`forks ${fork.feed.slice(0, 12)}${fork.skip ? ` without steps ${fork.skip.join(' to ')}` : ''}`)
  if (takeDown) parts.push(`takes down ${formatPlural(takeDown.documents, 'document')}`)
  const author = [who, at].flatMap(text => (text ? [cleanName(text, 100)] : [])).join(', ')
  const why = note ? cleanName(note, 300) : ''
  const said = [author, why].filter(Boolean).join(': ')
  return `  step ${step}: ${parts.filter(Boolean).join(', ')}\n${said ? `    ${said}\n` : ''}`
}
