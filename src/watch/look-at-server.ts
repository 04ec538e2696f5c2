import { HeadraceError, systemCodeOf } from '../errors.ts'
import { limits } from '../limits.ts'
import { lookOf, stateOf } from './look-of-metrics.ts'
import { readMetrics } from './read-metrics.ts'
import type { RunLook } from './run-look.ts'

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
      this.#last = lookOf(readMetrics(body), stateOf(parseOrNull(status.body)), this.#url.host)
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

function parseOrNull(text: string) {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
