import type { Watch } from '../run/events.ts'
import { Progress } from '../run/progress.ts'
import { escapeControls } from '../text/printable.ts'
import { RunCounts } from '../watch/counts.ts'
import type { EventLog } from '../watch/event-log.ts'
import { metricsOf } from '../watch/metrics.ts'
import { formatMetrics, metricsType } from '../watch/prometheus.ts'
import type { Page, StatusServer } from '../watch/serve-status.ts'
import { type Probe, RunStatus } from '../watch/status.ts'
import type { ParsedArgs, Terminal } from './command.ts'
import { readVersion } from './explain.ts'
import { describeLeftOut } from './left-out.ts'
import { type ProgressDisplay, showProgress } from './show-progress.ts'

export const watchOptions = {
  http: { value: '[HOST:]PORT', help: 'serves /metrics, /healthz and /readyz while it runs (default HOST 127.0.0.1)' },
  'log-format': { value: 'FORMAT', help: 'tells events on standard error, a line each, as text or json' },
} as const

/** Who looks on while a run goes. */
export interface RunWatch extends AsyncDisposable {
  readonly display: ProgressDisplay
  readonly watch: Watch
}

/** Begins to show, to log and to serve what the options ask for. Throws when the port can't be had. */
export async function watchRun(
  args: ParsedArgs,
  terminal: Terminal,
  log: EventLog | null,
  run: string,
): Promise<RunWatch> {
  const address = args.text('http')
  const progress = new Progress()
  const counts = new RunCounts()
  const status = new RunStatus()
  const figures = () => progress.figures()
  const server = address === undefined ? null : await serve(address, pagesOf(run, counts, status))
  log?.begin(run, figures)
  const display = log
    ? { note: () => log.tell('info', 'draining'), stop: () => {} }
    : showProgress(figures, args.flag('json') ? terminal.err : terminal.out, terminal.err)
  if (server && log) log.tell('info', 'listening', { url: server.url })
  else if (server) display.note(`headrace: ${server.url} has /metrics, /healthz and /readyz`)
  // What nobody asked for is not counted.
  const watchers = [progress, ...(server ? [counts, status] : []), ...(log ? [log] : [])]
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

async function serve(address: string, pages: Readonly<Record<string, () => Page>>): Promise<StatusServer> {
  // Node's HTTP is loaded when somebody asks for it: every command starts faster without.
  const { serveStatus } = await import('../watch/serve-status.ts')
  return serveStatus(address, pages)
}

function pagesOf(run: string, counts: RunCounts, status: RunStatus): Readonly<Record<string, () => Page>> {
  const info = { run, version: readVersion() }
  return {
    '/healthz': () => pageOf(status.health()),
    '/readyz': () => pageOf(status.readiness()),
    '/metrics': () => ({ status: 200, type: metricsType, body: formatMetrics(metricsOf(counts, info)) }),
  }
}

function pageOf({ isOk, ...body }: Probe): Page {
  return { status: isOk ? 200 : 503, type: 'application/json', body: escapeControls(`${JSON.stringify(body)}\n`) }
}
