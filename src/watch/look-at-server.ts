import { HeadraceError, systemCodeOf } from '../errors.ts'
import { limits } from '../limits.ts'
import { emptyCounts } from '../record/totals.ts'
import { type Metric, readMetrics } from './read-metrics.ts'
import type { LookState, RunLook, StageLook } from './run-look.ts'

/** The address of a status server as `--url` gives it. Throws 'bad-option'. */
export function parseServerUrl(given: string): URL {
  const url = URL.canParse(given) ? new URL(given) : null
  const advice = 'it takes the address that headrace run --http says, as http://127.0.0.1:9464'
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:'
  // A password is never repeated.
  if (url?.password || url?.username) throw new HeadraceError('bad-option', `--url has a user or a password: ${advice}`)
  if (!url || !isHttp) throw new HeadraceError('bad-option', `--url is '${given}': ${advice}`)
  return url
}

/** Looks at a run by what the status server of its process answers. */
export class ServerLooker implements Disposable {
  readonly #url: URL
  readonly #closing = new AbortController()
  #last: RunLook | null = null

  constructor(url: URL) {
    this.#url = url
  }

  /** Throws 'not-found' where nobody answers at all; one that did and does not any more is `gone`, with what it said last. */
  async look(): Promise<RunLook> {
    try {
      const { body } = await this.#ask('/metrics', [200])
      const status = await this.#ask('/readyz', [200, 503])
      this.#last = lookOf(readMetrics(body), status.body, this.#url.host)
      return this.#last
    } catch (error) {
      if (!this.#last || !(error instanceof HeadraceError)) throw error
      return { ...this.#last, at: performance.now(), state: 'gone', why: error.message, seconds: null }
    }
  }

  /** A question that is under way ends unanswered. */
  [Symbol.dispose](): void {
    this.#closing.abort()
  }

  async #ask(path: string, statuses: readonly number[]): Promise<{ body: string }> {
    const url = new URL(path, this.#url)
    const signal = AbortSignal.any([AbortSignal.timeout(limits.statusMsMax), this.#closing.signal])
    try {
      const response = await fetch(url, { redirect: 'manual', signal })
      if (statuses.includes(response.status)) return { body: await readBody(response, url) }
      await response.body?.cancel()
      throw refuse(url, `answers with status ${response.status} and is no status server of a run`)
    } catch (error) {
      if (error instanceof HeadraceError) throw error
      if (signal.aborted) throw refuse(url, `did not answer within ${limits.statusMsMax / 1000} s`)
      const code = systemCodeOf((error as Error).cause) || 'cut off'
      throw refuse(url, `does not answer (${code}): is the run going on, with --http?`)
    }
  }
}

const refuse = (url: URL, what: string) => new HeadraceError('not-found', `${url.href} ${what}`)

async function readBody(response: Response, url: URL): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    if ((bytes += chunk.length) > limits.statusBytesMax)
      throw refuse(url, `answers with more than ${limits.statusBytesMax} bytes and is no status server of a run`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function lookOf(metrics: readonly Metric[], status: string, host: string): RunLook {
  const one = (name: string) => metrics.find(metric => metric.name === name)?.value ?? null
  const by = (name: string, label: string) =>
    metrics.flatMap(metric => (metric.name === name ? [[metric.labels[label] ?? '', metric.value] as const] : []))
  const info = metrics.find(({ name }) => name === 'headrace_run_info')
  if (!info && !metrics.some(({ name }) => name.startsWith('headrace_')))
    throw new HeadraceError('not-found', `http://${host}/metrics has no metrics of a run`)
  const fates = new Map(by('headrace_rows_total', 'fate'))
  const began = one('process_start_time_seconds')
  const { state, why } = readStatus(status)
  const dropped = emptyCounts<number>()
  for (const [reason, count] of by('headrace_dropped_rows_total', 'reason')) dropped[reason] = count
  return {
    at: performance.now(),
    run: info?.labels.run ?? host,
    state,
    why,
    seconds: began === null ? null : Math.max(0, Date.now() / 1000 - began),
    stages: stagesOf(new Map(by('headrace_slots_total', 'stage')), new Map(by('headrace_lag_slots', 'stage')), one),
    readBytes: one('headrace_read_bytes_total'),
    inputBytes: one('headrace_input_bytes'),
    documents: fates.size > 0 ? fates.values().reduce((sum, count) => sum + count, 0) : null,
    kept: fates.get('kept') ?? 0,
    dead: fates.get('dead') ?? 0,
    dropped,
    byDomain: null,
    tokens: one('headrace_tokens_total'),
    steps: one('headrace_steps_total'),
    slowest: null,
    hold: null,
    bytes: null,
    freeBytes: null,
    first: 0,
    memoryBytes: one('process_resident_memory_bytes'),
    cpuSeconds: one('process_cpu_seconds_total'),
  }
}

const stageOrder = ['load', 'annotate', 'decide', 'shard'] as const

function stagesOf(
  slots: ReadonlyMap<string, number>,
  lags: ReadonlyMap<string, number>,
  one: (name: string) => number | null,
): (StageLook & { stage: (typeof stageOrder)[number] })[] {
  return stageOrder.flatMap(stage => {
    const slot = slots.get(stage)
    if (slot === undefined) return []
    // What is in open shards is done, too; it is not committed.
    const open = stage === 'shard' ? (one('headrace_unsealed_slots') ?? 0) : 0
    // Nothing is before the stage that loads.
    return [{ stage, slot: slot + open, lag: stage === 'load' ? null : (lags.get(stage) ?? null) }]
  })
}

/** What `/readyz` says. */
function readStatus(body: string): { state: LookState; why: string | null } {
  let told: { status?: unknown; reason?: unknown } | null = null
  try {
    told = JSON.parse(body)
  } catch {
    return { state: 'running', why: null }
  }
  const why = typeof told?.reason === 'string' ? told.reason : null
  if (told?.status === 'ended') return { state: 'ended', why: null }
  return { state: told?.status === 'failed' ? 'stopped' : 'running', why }
}
