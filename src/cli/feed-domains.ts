import { type FedDomain, type FedDomains, findFedDomains } from '../inspect/fed-domains.ts'
import { measureShuffling, type Shuffling } from '../inspect/shuffling.ts'
import type { ParsedArgs, Terminal } from './command.ts'
import { openFoundFeed } from './find-feed.ts'
import { describeControl } from './show-controls.ts'
import { formatCount, formatPlural, formatShare, formatTable } from './table.ts'
import { cleanName } from './wrap.ts'

/** Domains and control entries that are shown. */
const domainsMax = 40
const entriesMax = 40

/** `headrace feed --domains`: how a feed mixes its domains, and what changed that. */
export async function showFedDomains(args: ParsedArgs, terminal: Terminal): Promise<void> {
  await using feed = await openFoundFeed(args, args.positionals[0])
  const found = await findFedDomains(feed.dir, feed.run)
  const shuffling = await measureShuffling(feed.dir)
  if (args.flag('json')) terminal.out.write(`${JSON.stringify({ feed: feed.dir, ...found, shuffling })}\n`)
  else terminal.out.write(`${describeDomains(found)}${shuffling ? describeShuffling(shuffling) : ''}`)
}

/** What small blocks cost, which begin a feed sooner. */
function describeShuffling({ steps, slots, slotsIfOne }: Shuffling): string {
  const lost = Math.max(0, 1 - slots / slotsIfOne)
  const [mixed, ifOne] = [slots, slotsIfOne].map(count => count.toFixed(1))
  const cost =
    lost < 0.005 ? 'as many as in one block' : `${ifOne} if all were one block (${formatShare(lost, 1)} less)`
  return `\nshuffling: a step is of ${mixed} slots in effect, ${cost}; ${formatPlural(steps, 'step')} looked at\n`
}

function describeDomains(found: FedDomains): string {
  const { steps, tokens, budget, ended, endedBy, domains, entries } = found
  const isChanging = domains.some(({ weight, later }) => weight !== later)
  const hasCuts = domains.some(({ cut }) => cut !== null)
  const hasReplay = domains.some(({ replayed }) => replayed > 0)
  const head = [
    'domain',
    'planned',
    ...(isChanging ? ['later'] : []),
    'tokens',
    'share',
    ...(hasReplay ? ['again'] : []),
    'of late',
    'off by',
    'ready',
    'epoch',
    'padding',
    ...(hasCuts ? ['cut'] : []),
  ]
  const rows = domains.slice(0, domainsMax).map(domain => rowOf(domain, { isChanging, hasCuts, hasReplay }))
  const more = domains.length > domainsMax ? `and ${domains.length - domainsMax} more domains\n` : ''
  const bound = budget === null ? '' : ` of a budget of ${formatCount(budget)}`
  const end = ended ? `; it has ended${endedBy === 'budget' ? ' by its budget' : ''}` : ''
  const sum = `\n${formatPlural(steps, 'step')} hold ${formatCount(tokens)} tokens${bound}${end}; of late: ${formatPlural(found.recentSteps, 'step')}\n`
  return `${formatTable([head, ...rows])}${more}${sum}${describeCuts(domains)}${describeEntries(entries)}`
}

/** Documents of all blocks that were cut though they would fit a sample. */
function describeCuts(domains: readonly FedDomain[]): string {
  const cuts = domains.flatMap(({ cut }) => cut ?? [])
  if (cuts.length === 0) return ''
  const [cut, fitting] = [sum(cuts.map(one => one.cut)), sum(cuts.map(one => one.fitting))]
  const share = formatShare(cut, fitting)
  return `of ${formatPlural(fitting, 'document')} that would fit a sample ${formatCount(cut)} (${share}) were cut to fill gaps\n`
}

/** Columns that some feeds have. */
interface ShownColumns {
  readonly isChanging: boolean
  readonly hasCuts: boolean
  readonly hasReplay: boolean
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0)

function rowOf(row: FedDomain, shown: ShownColumns): string[] {
  const { isChanging, hasCuts, hasReplay } = shown
  const { padding, cut, replayed } = row
  const { domain, weight, later, tokens, share, recentShare, difference, ready, epoch } = row
  const points = difference === null ? '-' : formatPoints(difference)
  const planned = [formatShare(weight, 1), ...(isChanging ? [formatShare(later, 1)] : [])]
  const known = [ready, epoch].map(count => (count === null ? '-' : formatCount(count)))
  return [
    cleanName(domain) || '(none)',
    ...planned,
    formatCount(tokens),
    formatShare(share, 1),
    ...(hasReplay ? [formatCount(replayed)] : []),
    formatShare(recentShare, 1),
    points,
    ...known,
    padding === null ? '-' : formatShare(padding, 1),
    ...(hasCuts ? [cut ? formatShare(cut.cut, cut.fitting || 1) : '-'] : []),
  ]
}

function formatPoints(difference: number): string {
  const size = formatShare(Math.abs(difference), 1)
  return size === '0.0%' ? size : `${difference < 0 ? '-' : '+'}${size}`
}

function describeEntries(entries: FedDomains['entries']): string {
  if (entries.length === 0) return ''
  const left = entries.length - entriesMax
  const more = left > 0 ? `  and ${formatPlural(left, 'change')} before them\n` : ''
  return `\nchanges\n${more}${entries.slice(-entriesMax).map(describeControl).join('')}`
}
