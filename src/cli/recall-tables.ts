import { dirname, join } from 'node:path'
import type { Line } from '../recall/line.ts'
import type { Share, Tally } from '../recall/tally.ts'
import { domainOf } from '../record/recalled.ts'
import { formatCount, formatMeasured, formatPlural, formatShare, formatTable } from './table.ts'
import { cleanName, wrapText } from './wrap.ts'

interface Shown {
  readonly found: Line | null
  readonly sample: { readonly count: number; readonly file: string } | null
}

/** A recall as a line of JSON has it, beside the figures of its run. */
export function tallyJson(tally: Tally, { found, sample }: Shown): object {
  const { recall, byReason, byDomain, ...counts } = tally
  const { name, column, line, top = null, perHost = null, perSource = null, source } = recall
  return {
    domain: domainOf(name),
    column,
    line,
    top,
    perHost,
    perSource,
    source,
    ...counts,
    byReason: Object.fromEntries(byReason),
    byDomain: Object.fromEntries(byDomain),
    ...(found && { lineFoundFrom: found }),
    sample: sample && counts.recalled > 0 ? sample.file : null,
  }
}

/** A recall for people. */
export function describeTally(
  tally: Tally,
  { dir, found, sample }: Shown & { readonly dir: string },
  width: number,
): string {
  const { recall, seen, recalled, tokens } = tally
  const parts = [
    `\nrecalled from ${cleanName(join(dir, tally.of), 200)} to ${cleanName(dir, 200)}\n`,
    `${wrapText(describeLine(tally, found), width).join('\n')}\n`,
    formatTable([
      ['seen', formatCount(seen), ''],
      ...rowsOf(tally).map(([name, count]) => [`  ${name}`, formatCount(count), formatShare(count, seen)]),
    ]),
  ]
  if (recalled === 0) return `${parts.join('\n')}\n`
  parts.push(`${formatPlural(tokens, 'token')} in ${cleanName(domainOf(recall.name))}\n`)
  parts.push(formatShares('dropped for', tally.byReason), formatShares('domain', tally.byDomain))
  const where = dirname(dir) === '.headrace' ? '' : ` --dir ${dirname(dir)}`
  const advice = `headrace trace ID --run ${cleanName(dir.slice(dirname(dir).length + 1))}${where} shows why one was dropped before; headrace unite makes a feed of both runs.`
  const drawn = sample
    ? `${formatPlural(Math.min(sample.count, recalled), 'document')} of these are in ${cleanName(sample.file, 200)}.\n`
    : ''
  return `${parts.join('\n')}\n${drawn}${advice}\n`
}

function describeLine({ recall: { column, line, top } }: Tally, found: Line | null): string {
  const below = line < 0 ? ' (below 0 a document is more like what the model was told apart from)' : ''
  const reached = `${cleanName(column)} of ${formatMeasured(line)} and more${below}`
  if (top === undefined) return reached
  const share = `the best ${top} % of what was dropped`
  if (!found) return `${reached}: ${share}, as it was found before`
  const { scored, dropped } = found
  return scored === dropped
    ? `${reached}: ${share}, of all ${formatCount(dropped)}`
    : `${reached}: ${share}, by ${formatCount(scored)} of ${formatCount(dropped)}, drawn by hash`
}

/** Where every row that was seen is counted; what is nothing and was not asked for is left out. */
function rowsOf(tally: Tally): [string, number][] {
  const { recall, duplicates, recalled } = tally
  const duplicate: [string, number][] = Object.entries(duplicates).map(([reason, count]) => [cleanName(reason), count])
  const always: [string, number][] = [
    ['already kept', tally.alreadyKept],
    ['already recalled', tally.alreadyRecalled],
    ['dead', tally.dead],
    ['without a word', tally.unscored],
    ['below the line', tally.below],
  ]
  if (recall.perHost !== undefined) always.push([`over ${recall.perHost} of a host`, tally.overHostCap])
  if (recall.perSource !== undefined)
    always.push([`over ${recall.perSource} of a ${cleanName(recall.source)}`, tally.overSourceCap])
  if (tally.empty > 0) always.push(['of no text after edits', tally.empty])
  return [...always, ...duplicate, ['recalled', recalled]]
}

const rowsMax = 15

function formatShares(what: string, shares: ReadonlyMap<string, Share>): string {
  const wanted = [...shares].filter(([, { above }]) => above > 0)
  const sorted = wanted.sort(
    (a, b) => b[1].recalled - a[1].recalled || b[1].above - a[1].above || (a[0] < b[0] ? -1 : 1),
  )
  const row = (name: string, { dropped, above, recalled, tokens }: Share) => [
    name,
    ...[dropped, above, recalled, tokens].map(formatCount),
  ]
  const rows = sorted.slice(0, rowsMax).map(([name, share]) => row(cleanName(name) || '(none)', share))
  const rest = sorted.slice(rowsMax).map(([, share]) => share)
  if (rest.length > 0) rows.push(row(`${rest.length} others`, rest.reduce(addShares)))
  return formatTable([[what, 'dropped', 'above', 'recalled', 'tokens'], ...rows])
}

const addShares = (a: Share, b: Share): Share => ({
  dropped: a.dropped + b.dropped,
  above: a.above + b.above,
  recalled: a.recalled + b.recalled,
  tokens: a.tokens + b.tokens,
})

/** Why nothing was recalled, with what there was. */
export function describeNothing(
  { recall, seen, dead, alreadyKept, alreadyRecalled, best, ...counts }: Tally,
  dir: string,
): string {
  const scored = seen - dead - alreadyKept - alreadyRecalled - counts.unscored
  const score =
    best === null
      ? 'none was left to score'
      : `the best of ${formatPlural(scored, 'document')} left scores ${formatMeasured(best)}`
  const above = scored - counts.below
  const known = [`${formatCount(alreadyKept)} already kept`, `${formatCount(alreadyRecalled)} already recalled`]
  const copies = above > 0 ? `; ${formatPlural(above, 'document')} above the line repeat others, or are over a cap` : ''
  return `nothing was recalled (${known.join(', ')}): ${score}, and the line is ${formatMeasured(recall.line)}${copies}. ${dir} has no document: headrace remove takes it away`
}
