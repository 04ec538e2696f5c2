import { listTrainers } from '../feed/files/reports.ts'
import { describeTrim, readTrim, trimmedStep } from '../feed/files/trim-file.ts'
import { type FeedBatch, readFeed } from '../feed/read.ts'
import { findUnfed } from '../inspect/unfed.ts'
import { type Command, runOptions, type Terminal } from './command.ts'
import { showFedDomains } from './feed-domains.ts'
import { showTrainers } from './feed-trainers.ts'
import { findFeed } from './find-feed.ts'
import { formatCount, formatPlural, sortCounts } from './table.ts'
import { describeUnfed } from './unfed.ts'
import { cleanName, cleanPath, clipText, displayWidth, pageWidth } from './wrap.ts'

export const feedCommand: Command = {
  name: 'feed',
  usage: '[FOLDER]',
  summary: 'Reads a feed as a trainer does, and prints its steps and the speed.',
  details:
    'FOLDER is a feed, or a run that has one (default: the run of --dir and --run). All steps are read; the first N are printed.',
  options: {
    ...runOptions,
    from: { value: 'STEP', help: 'first step (default 0, or the first that was not let go)' },
    steps: { value: 'N', help: 'steps to print (default 10; all with --follow or --json)' },
    rank: { value: 'N', help: 'reads as this rank (default 0)' },
    world: { value: 'N', help: 'of so many (default 1)' },
    domains: { help: 'shows how the domains are mixed, planned and given, and who changed that; reads no step whole' },
    trainers: { help: 'shows how far trainers are that report to it, and their loss by domain of late' },
    follow: { help: 'waits for further steps until the feed ends' },
    json: { help: 'prints a line of JSON a step, and nothing else' },
  },
  run: async (args, terminal) => {
    if (args.flag('domains')) {
      await showFedDomains(args, terminal)
      return
    }
    const dir = await findFeed(args, args.positionals[0])
    if (args.flag('trainers')) {
      await showTrainers(dir, args.flag('json'), terminal)
      return
    }
    const isJson = args.flag('json')
    const follow = args.flag('follow')
    const stepsMax = args.count('steps', isJson || follow ? Number.POSITIVE_INFINITY : 10)
    const trim = await readTrim(dir)
    if (trim && args.text('from') === undefined) terminal.err.write(`${cleanPath(describeTrim(dir, trim))}\n`)
    const options = {
      from: args.count('from', trimmedStep(trim), 0),
      rank: args.count('rank', 0, 0),
      world: args.count('world', 1),
      follow,
    }
    await printFeed(readFeed(dir, options), stepsMax, isJson, terminal)
    const unfed = isJson ? null : await findUnfed(dir)
    if (unfed) terminal.out.write(describeUnfed(unfed))
    const trainers = isJson ? [] : await listTrainers(dir)
    if (trainers.length > 0)
      terminal.out.write(`\n${formatPlural(trainers.length, 'trainer')} report to it: headrace feed --trainers\n`)
  },
}

/** Reads all batches, prints the first ones as they come, and at the end the speed. */
async function printFeed(batches: AsyncIterable<FeedBatch>, stepsMax: number, isJson: boolean, terminal: Terminal) {
  const started = performance.now()
  const width = pageWidth(terminal)
  let [steps, tokens] = [0, 0]
  for await (const batch of batches) {
    const figures = summarize(batch)
    if (steps === 0 && !isJson) terminal.out.write(stepsHead)
    tokens += figures.tokens
    if (steps++ < stepsMax) terminal.out.write(isJson ? `${JSON.stringify(figures)}\n` : stepLine(figures, width))
  }
  if (isJson) return
  const seconds = Math.max((performance.now() - started) / 1000, 0.001)
  if (steps > stepsMax) terminal.out.write(`... ${formatCount(steps - stepsMax)} more\n`)
  terminal.out.write(
    `\n${formatPlural(steps, 'step')}, ${formatPlural(tokens, 'token')}, read at ${formatCount(tokens / seconds)} tokens/s\n`,
  )
}

const firstSteps = 5

/** The first steps of a feed, for the end of a run. */
export async function showFirstSteps(batches: AsyncIterable<FeedBatch>, stepsInAll: number, terminal: Terminal) {
  terminal.out.write(`\nfirst steps of the feed\n${stepsHead}`)
  let steps = 0
  for await (const batch of batches) {
    terminal.out.write(stepLine(summarize(batch), pageWidth(terminal)))
    if (++steps === firstSteps) break
  }
  if (stepsInAll > steps)
    terminal.out.write(`... ${formatCount(stepsInAll - steps)} more: headrace feed reads them all\n`)
}

/** The line of `--json`: tokens of a sample as `length`, of tokens those of documents, without padding, and samples by domain. */
function summarize({ step, digest, samples, length, documents, domains, cuSeqlens }: FeedBatch) {
  let tokens = 0
  for (const [i, document] of documents.entries()) if (document !== '') tokens += cuSeqlens[i + 1] - cuSeqlens[i]
  const counts = new Map<string, number>()
  for (const domain of domains) counts.set(domain, (counts.get(domain) ?? 0) + 1)
  const byDomain = Object.fromEntries(counts)
  return {
    step,
    samples,
    length,
    tokens,
    documents: new Set(documents.filter(Boolean)).size,
    domains: byDomain,
    digest,
  }
}

const widths = [6, 7, 9, 9]
const columns = (cells: readonly string[]) => cells.map((cell, i) => cell.padStart(widths[i])).join('  ')
const stepsHead = `${columns(['step', 'samples', 'tokens', 'documents'])}  digest        samples by domain\n`

/** Columns of a domain's name in the line of a step, which names several. */
const domainColumnsMax = 30

function stepLine(
  { step, samples, tokens, documents, domains, digest }: ReturnType<typeof summarize>,
  width: number,
): string {
  const names = sortCounts(domains).map(([name, n]) => `${cleanName(name, domainColumnsMax)} ${n}`)
  const figures = columns([String(step), String(samples), formatCount(tokens), formatCount(documents)])
  const line = (shown: number) => {
    const more = names.length > shown ? [`+${names.length - shown}`] : []
    return `${figures}  ${digest.slice(0, 12)}  ${[...names.slice(0, shown), ...more].join(', ')}`
  }
  let shown = names.length
  while (shown > 1 && displayWidth(line(shown)) > width) shown--
  return `${clipText(line(shown), width)}\n`
}
