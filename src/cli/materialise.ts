import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'
import { type Materialised, type MaterialiseOrder, materialise } from '../rows/materialise.ts'
import { type Command, type ParsedArgs, runOptions, type Terminal } from './command.ts'
import { locateFeed } from './find-feed.ts'
import { showParts } from './show-progress.ts'
import { readSteps } from './steps.ts'
import { stopOnSignal } from './stop-signal.ts'
import { formatBar, formatBytes, formatCount, formatPlural, formatSeconds, formatShort } from './table.ts'
import { cleanPath, formatPairs, pageWidth } from './wrap.ts'

export const materialiseCommand: Command = {
  name: 'materialise',
  usage: '[FEED]',
  summary:
    "Writes a feed's steps into files in which each rank's part of a step is one stretch, for disks that are slow to seek.",
  details:
    "FEED is a feed's folder, or a run's name or folder (default: the run of --dir and --run). The files are in rows/ below it; the Python client reads steps from there where they stand, and whoever has no Headrace by numpy.memmap: python/README.md shows both. A file appears when all of its steps are published and it lasts; the same command goes on where it stopped, and leaves what stands. Files with documents that were taken down since are made again.",
  outlivesReader: true,
  options: {
    ...runOptions,
    steps: {
      value: 'A:B',
      help: 'from step A up to B, without B; either may be left out (default all that are published, in whole files)',
    },
    follow: { help: 'goes on as steps are published, until the feed ends' },
    'keep-steps': { value: 'N', help: 'removes files that are wholly before the last N steps (default keeps all)' },
    'file-steps': {
      value: 'N',
      help: `steps of a file (default ${limits.rowFileSteps}); a file also ends where the batch size changes`,
    },
    json: { help: 'ends with one line of JSON, and prints nothing else' },
  },
  run: async (args, terminal) => {
    const order = { ...orderOf(args), feed: await locateFeed(args) }
    const stopping = stopOnSignal(() => terminal.err.write('headrace: stopping; the file at work is begun again\n'))
    const started = performance.now()
    try {
      const done = await materialiseShowing({ ...order, signal: stopping.signal }, args.flag('json'), terminal)
      if (args.flag('json')) terminal.out.write(`${JSON.stringify(done)}\n`)
      else show(done, order, (performance.now() - started) / 1000, terminal)
      return stopping.signal.aborted ? 130 : 0
    } finally {
      stopping.end()
    }
  },
}

function orderOf(args: ParsedArgs): Omit<MaterialiseOrder, 'feed'> {
  const steps = args.text('steps')
  for (const name of ['follow', 'keep-steps'])
    if (steps !== undefined && (args.flag(name) || args.text(name) !== undefined))
      throw refuse(`--steps and --${name} are given: steps that are named are written once, and kept`)
  const range = steps === undefined ? { from: null, to: null } : readSteps(steps, 'materialise')
  const fileSteps = args.count('file-steps', limits.rowFileSteps, 1, limits.rowFileStepsMax)
  const keepSteps = args.text('keep-steps') === undefined ? null : args.count('keep-steps', 0)
  return { ...range, fileSteps, keepSteps, follow: args.flag('follow') }
}

function refuse(what: string): HeadraceError {
  return new HeadraceError('bad-option', `${what}. See: headrace materialise --help`)
}

/** Materialises, and shows how far it is unless the output is for machines. */
async function materialiseShowing(order: MaterialiseOrder, isJson: boolean, terminal: Terminal): Promise<Materialised> {
  if (isJson) return materialise(order)
  let [first, step, end] = [-1, 0, 0]
  const describe = (seconds: number) => {
    if (first < 0) return [{ rank: 0, text: order.follow ? 'waiting for steps' : 'looking at what stands' }]
    const [share, rate] = [(step + 1 - first) / (end - first), (step + 1 - first) / Math.max(seconds, 0.001)]
    return [
      { rank: 3, text: formatBar(share, 12) },
      { rank: 0, text: `step ${formatCount(step)} of ${formatCount(end)}` },
      { rank: 1, text: `${formatShort(rate)} steps/s` },
      { rank: 0, text: `${formatSeconds((end - step - 1) / rate)} left` },
    ]
  }
  const display = showParts(describe, terminal.out, terminal.err)
  try {
    return await materialise(order, (written, upTo) => {
      if (first < 0) first = written
      step = written
      end = upTo
    })
  } finally {
    display.stop()
  }
}

function show(done: Materialised, { feed, keepSteps }: MaterialiseOrder, seconds: number, terminal: Terminal): void {
  const { files, steps, tokens, bytes, stood, renewed, strange, removed, waiting } = done
  const rows: [string, string, boolean?][] = [
    ['rows', `${cleanPath(feed)}/rows`],
    ['written', `${formatPlural(steps, 'step')} in ${formatPlural(files, 'file')}, ${formatBytes(bytes)}`],
    ['stood before', formatPlural(stood, 'step')],
    ['made again', `${formatPlural(renewed, 'file')}, as documents were taken down`, renewed > 0],
    ['not of this feed', `${formatPlural(strange, 'file')} of other steps than the feed has, removed`, strange > 0],
    [
      'removed',
      `${formatPlural(removed, 'file')} before the last ${formatPlural(keepSteps ?? 0, 'step')}`,
      removed > 0,
    ],
    ['waiting', `${formatPlural(waiting, 'step')} for a file to be full`, waiting > 0],
  ]
  const shown = rows.filter(([, , isShown = true]) => isShown).map(([name, text]) => [name, text] as const)
  terminal.out.write(formatPairs(shown, pageWidth(terminal), 0))
  const rate = tokens / Math.max(seconds, 0.001)
  terminal.out.write(`\nin ${formatSeconds(seconds)}${steps > 0 ? ` (${formatShort(rate)} tokens/s)` : ''}\n`)
}
