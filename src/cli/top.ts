import { setTimeout as sleep } from 'node:timers/promises'
import { HeadraceError } from '../errors.ts'
import type { RunReader } from '../record/run-reader.ts'
import { LogLooker } from '../watch/look-at-log.ts'
import { parseServerUrl, ServerLooker } from '../watch/look-at-server.ts'
import { keepLook, type Pace, paceOf } from '../watch/pace.ts'
import { paceJson } from '../watch/pace-json.ts'
import { joinLooks, type RunLook } from '../watch/run-look.ts'
import { type Command, type ParsedArgs, runOptions, type Terminal } from './command.ts'
import { openGivenRun } from './find-run.ts'
import { takeScreen } from './show-screen.ts'
import { describeFrame } from './top-frame.ts'
import { cleanName, pageWidth } from './wrap.ts'

export const topCommand: Command = {
  name: 'top',
  usage: '[RUN]',
  summary: 'Shows a run while it goes, a screen a second: stages, speed, what is kept, reasons that rise.',
  details:
    'RUN is a name in --dir, or a path; without it the run that was begun or ended last. It is looked at from outside, by what its log has committed; no document is read, and nothing is changed. The status server of its process (headrace run --http) is asked with --url: alone for what it says, or beside RUN or --dir for memory, CPU and the lag of each stage. q or Ctrl-C leaves. In a pipe, and on a terminal that takes no screens, frames follow each other, one each 5 s, until the run is at rest. NO_COLOR is respected.',
  options: {
    ...runOptions,
    url: { value: 'URL', help: 'the address that headrace run --http says, as http://127.0.0.1:9464' },
    once: { help: 'prints one frame and ends; of a run at work from two looks a second apart' },
    json: { help: 'prints each frame as a line of JSON' },
  },
  run: async (args, terminal) => {
    await using target = await openTarget(args)
    const isPlain = args.flag('once') || args.flag('json') || !hasScreen(terminal)
    return isPlain ? await printFrames(target, args, terminal) : await showFrames(target, terminal)
  },
}

/** Between the looks of a screen; those that take long are further apart, so that looking takes a tenth of the time at most. */
const lookMs = 1000
const lookShareMax = 1 / 10
/** Between frames in a pipe. */
const frameMs = 5000

const hasScreen = ({ out }: Terminal) => out.isTTY === true && process.env.TERM !== 'dumb'

/** What is looked at. */
interface Target extends AsyncDisposable {
  /** The run's folder, or null. */
  readonly dir: string | null
  look(): Promise<RunLook>
}

async function openTarget(args: ParsedArgs): Promise<Target> {
  const given = args.text('url')
  const server = given === undefined ? null : new ServerLooker(parseServerUrl(given))
  const [named] = args.positionals
  const isOfServer = server && named === undefined && args.text('run') === undefined && args.text('dir') === undefined
  if (isOfServer)
    return { dir: null, look: () => server.look(), [Symbol.asyncDispose]: async () => server[Symbol.dispose]() }
  const run = await openGivenRun(args)
  const log = new LogLooker(run)
  return {
    dir: run.dir,
    look: async () => (server ? lookAtBoth(run, log, server) : log.look()),
    [Symbol.asyncDispose]: async () => {
      server?.[Symbol.dispose]()
      await run[Symbol.asyncDispose]()
    },
  }
}

async function lookAtBoth({ dir }: RunReader, log: LogLooker, server: ServerLooker): Promise<RunLook> {
  const own = await log.look()
  const other = await server.look()
  if (own.run === other.run) return joinLooks(own, other)
  throw new HeadraceError(
    'bad-option',
    `--url is of the run '${cleanName(other.run)}', and ${dir} is '${cleanName(own.run)}': leave one of them out`,
  )
}

/** Whether nothing more is to be expected. */
const isAtRest = ({ state }: Pace) => ['held', 'ended', 'stopped', 'gone'].includes(state)

async function printFrames(target: Target, args: ParsedArgs, terminal: Terminal): Promise<undefined> {
  const size = { columns: pageWidth(terminal), rows: null }
  let looks = [await target.look()]
  if (!isAtRest(paceOf(looks))) {
    await sleep(lookMs)
    looks = keepLook(looks, await target.look())
  }
  for (let frames = 0; ; frames++) {
    const pace = paceOf(looks)
    const lines = describeFrame(pace, target.dir, size).map(({ text }) => `${text}\n`)
    if (args.flag('json')) terminal.out.write(`${JSON.stringify(paceJson(pace))}\n`)
    else terminal.out.write(`${frames > 0 ? '\n' : ''}${lines.join('')}`)
    if (args.flag('once') || isAtRest(pace)) return
    await sleep(frameMs)
    looks = keepLook(looks, await target.look())
  }
}

async function showFrames(target: Target, { out }: Terminal): Promise<number | undefined> {
  let looks: RunLook[] = [await target.look()]
  const draw = () => {
    const size = { columns: out.columns ?? 80, rows: out.rows ?? 24 }
    screen.draw(describeFrame(paceOf(looks), target.dir, size))
  }
  using screen = takeScreen(out, () => draw())
  for (;;) {
    draw()
    const began = performance.now()
    const next = target.look()
    // One that is still under way when somebody leaves is nobody's concern.
    next.catch(() => {})
    const found = await Promise.race([next, screen.left])
    if (typeof found === 'string') return found === 'signal' ? 130 : undefined
    looks = keepLook(looks, found)
    const took = performance.now() - began
    const left = await waitFor(screen.left, Math.max(lookMs, took / lookShareMax))
    if (left) return left === 'signal' ? 130 : undefined
  }
}

/** What `left` gives, or null where that is not there in time. */
async function waitFor<T>(left: Promise<T>, ms: number): Promise<T | null> {
  const waiting = new AbortController()
  const none = sleep(ms, null, { signal: waiting.signal }).catch(() => null)
  const found = await Promise.race([left, none])
  waiting.abort()
  return found
}
