import { basename } from 'node:path'
import type { Watch } from '../run/events.ts'
import { Progress } from '../run/progress.ts'
import type { EventLog } from '../watch/event-log.ts'
import type { ParsedArgs, Terminal } from './command.ts'
import { describeLeftOut } from './left-out.ts'
import { reachOptions, readReach } from './reach.ts'
import { type ProgressDisplay, showProgress } from './show-progress.ts'

export const watchOptions = {
  http: {
    value: '[HOST:]PORT',
    help: 'serves a page of the run at /, /api, /metrics, /healthz and /readyz while it runs (default HOST 127.0.0.1)',
  },
  ...reachOptions,
  'log-format': { value: 'FORMAT', help: 'tells events on standard error, a line each, as text or json' },
} as const

/** Who looks on while a run goes. */
export interface RunWatch extends AsyncDisposable {
  readonly display: ProgressDisplay
  readonly watch: Watch
}

/** Begins to show, to log and to serve what the options ask for. `dir` is the run's folder. Throws when the port can't be had. */
export async function watchRun(
  args: ParsedArgs,
  terminal: Terminal,
  log: EventLog | null,
  dir: string,
): Promise<RunWatch> {
  const run = basename(dir)
  const reach = readReach(args)
  const progress = new Progress()
  const figures = () => progress.figures()
  // Node's HTTP, and the page, are loaded when somebody asks for them: every command starts faster without.
  const server = reach && (await (await import('./serve-run.ts')).serveRun(reach, dir, args))
  log?.begin(run, figures)
  const display = log
    ? { note: () => log.tell('info', 'draining'), stop: () => {} }
    : showProgress(figures, args.flag('json') ? terminal.err : terminal.out, terminal.err)
  if (server && log) log.tell('info', 'listening', { url: server.url })
  else if (server)
    display.note(`headrace: ${server.url} has a page of the run, /api/run, /metrics, /healthz and /readyz`)
  // What nobody asked for is not counted.
  const watchers = [progress, ...(server ? [server] : []), ...(log ? [log] : [])]
  return {
    display,
    watch: event => {
      if (event.kind === 'source-waits' && !log) display.note(`headrace: ${event.waiting}`)
      for (const watcher of watchers) watcher.see(event)
      if (event.kind === 'passed-over' && !log) display.note(`headrace: ${event.split}: ${event.what}`)
      if (event.kind === 'left-out' && event.leftOut.length > 0 && !log)
        display.note(`headrace: ${describeLeftOut(event.leftOut)}`)
      if (event.kind === 'split-changed' && !log)
        display.note(
          `headrace: ${event.split} changed after it was read: what was read of it stays, the rest is not read`,
        )
    },
    [Symbol.asyncDispose]: async () => {
      display.stop()
      await server?.[Symbol.asyncDispose]()
    },
  }
}
