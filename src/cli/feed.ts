import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type FeedBatch, readFeed } from '../feed/read.ts'
import { type Command, runOptions, type Terminal } from './command.ts'
import { openRun } from './find-run.ts'
import { formatCount, formatTable } from './table.ts'

export const feedCommand: Command = {
  name: 'feed',
  usage: '[DIR]',
  summary:
    "Reads a feed as a trainer does and prints its steps and the speed. DIR is a feed folder (default the run's).",
  positionals: { min: 0, max: 1 },
  options: {
    ...runOptions,
    from: { value: 'STEP', help: 'first step (default 0)' },
    steps: { value: 'N', help: 'steps to print (default 10; all are read)' },
    rank: { value: 'N', help: 'reads as this rank (default 0)' },
    world: { value: 'N', help: 'of so many (default 1)' },
    follow: { help: 'waits for further steps until the feed ends' },
    json: { help: 'prints a line of JSON a step' },
  },
  run: async (args, terminal) => {
    const dir = await feedFolder(args)
    const from = args.count('from', 0, 0)
    const rank = args.count('rank', 0, 0)
    const world = args.count('world', 1)
    const batches = readFeed(dir, { from, rank, world, follow: args.flag('follow') })
    await printSteps(
      batches,
      args.flag('json') ? Number.POSITIVE_INFINITY : args.count('steps', 10),
      terminal,
      args.flag('json'),
    )
    return 0
  },
}

async function feedFolder(args: Parameters<Command['run']>[0]): Promise<string> {
  const [given] = args.positionals
  if (given !== undefined) return existsSync(join(given, 'feed', 'head.json')) ? join(given, 'feed') : given
  await using run = await openRun(args)
  return join(run.dir, 'feed')
}

/** Reads all batches, prints the first ones and the speed. */
export async function printSteps(
  batches: AsyncIterable<FeedBatch>,
  stepsMax: number,
  terminal: Terminal,
  isJson = false,
): Promise<void> {
  const started = performance.now()
  const rows = [['step', 'samples', 'tokens', 'documents', 'digest', 'samples by domain']]
  let [steps, tokens] = [0, 0]
  for await (const batch of batches) {
    const real = countTokens(batch)
    tokens += real
    if (isJson) terminal.out.write(`${JSON.stringify(summarize(batch, real))}\n`)
    else if (steps < stepsMax) rows.push(describe(batch, real))
    steps++
  }
  if (isJson) return
  const seconds = (performance.now() - started) / 1000
  terminal.out.write(formatTable(rows, [5]))
  if (steps > stepsMax) terminal.out.write(`... ${formatCount(steps - stepsMax)} more\n`)
  terminal.out.write(
    `\n${formatCount(steps)} steps, ${formatCount(tokens)} tokens, read at ${formatCount(tokens / seconds)} tokens/s\n`,
  )
}

/** Tokens of documents, without padding. */
function countTokens({ cuSeqlens, documents }: FeedBatch): number {
  let tokens = 0
  for (const [i, document] of documents.entries()) if (document !== '') tokens += cuSeqlens[i + 1] - cuSeqlens[i]
  return tokens
}

function summarize({ step, digest, samples, documents, domains }: FeedBatch, tokens: number) {
  const counts: Record<string, number> = {}
  for (const domain of domains) counts[domain] = (counts[domain] ?? 0) + 1
  return { step, samples, tokens, documents: new Set(documents.filter(Boolean)).size, domains: counts, digest }
}

function describe(batch: FeedBatch, tokens: number): string[] {
  const { step, samples, documents, domains, digest } = summarize(batch, tokens)
  const shares = Object.entries(domains).sort((a, b) => b[1] - a[1])
  const shown = shares
    .slice(0, 4)
    .map(([name, n]) => `${name} ${n}`)
    .join(', ')
  const more = shares.length > 4 ? `, +${shares.length - 4}` : ''
  return [String(step), String(samples), formatCount(tokens), formatCount(documents), digest.slice(0, 12), shown + more]
}
