import { basename } from 'node:path'
import { codeOf } from '../errors.ts'
import { LiveRun } from '../page/live/serve-live.ts'
import type { RunReader } from '../record/run-reader.ts'
import type { RunEvent } from '../run/events.ts'
import type { Reach } from '../watch/address.ts'
import { RunCounts } from '../watch/counts.ts'
import { OwnLooker } from '../watch/look-at-own.ts'
import { metricsOf } from '../watch/metrics.ts'
import { formatMetrics, metricsType } from '../watch/prometheus.ts'
import { jsonPage, type Page, type Routes, serveStatus } from '../watch/serve-status.ts'
import { type Probe, RunStatus } from '../watch/status.ts'
import type { ParsedArgs } from './command.ts'
import { readVersion } from './explain.ts'
import { openRunAt } from './find-run.ts'

/** What a run's process serves of it. It is told the run's events. */
export interface RunServer extends AsyncDisposable {
  readonly url: string
  see(event: RunEvent): void
}

/** Serves the page of the run of this process, its metrics and its probes. Throws when the port can't be had. */
export async function serveRun(
  reach: Reach & { readonly hasDocuments: boolean },
  dir: string,
  args: Pick<ParsedArgs, 'text'>,
): Promise<RunServer> {
  const [run, counts, status] = [basename(dir), new RunCounts(), new RunStatus()]
  const open = () => openRunAt(dir, args)
  const log = new OwnLog(open)
  const looker = new OwnLooker(counts, status, run, () => log.reader())
  const live = new LiveRun({
    dir,
    hasDocuments: reach.hasDocuments,
    look: () => looker.look(),
    open,
    report: null,
  })
  const server = await serveStatus(reach, { ...live.routes(), ...probesOf(run, counts, status) })
  live.begin()
  return {
    url: server.url,
    see: event => {
      counts.see(event)
      status.see(event)
      if (event.kind === 'opened') log.isThere = true
    },
    [Symbol.asyncDispose]: async () => {
      await live[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      await log[Symbol.asyncDispose]()
    },
  }
}

/** The run's log as it is read for looks, from when it is there. A process that only annotates may have no folder, and then no log. */
class OwnLog implements AsyncDisposable {
  isThere = false
  readonly #open: () => Promise<RunReader>
  #reader: RunReader | null = null

  constructor(open: () => Promise<RunReader>) {
    this.#open = open
  }

  async reader(): Promise<RunReader | null> {
    if (!this.isThere) return null
    try {
      this.#reader ??= await this.#open()
    } catch (error) {
      if (codeOf(error) !== 'not-found') throw error
    }
    return this.#reader
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader?.[Symbol.asyncDispose]()
  }
}

function probesOf(run: string, counts: RunCounts, status: RunStatus): Routes {
  const info = { run, version: readVersion() }
  return {
    '/healthz': () => pageOf(status.health()),
    '/readyz': () => pageOf(status.readiness()),
    '/metrics': () => ({ status: 200, type: metricsType, body: formatMetrics(metricsOf(counts, info)) }),
  }
}

function pageOf({ isOk, ...body }: Probe): Page {
  return jsonPage(body, isOk ? 200 : 503)
}
