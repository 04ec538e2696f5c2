import { systemCodeOf } from '../../errors.ts'
import { limits } from '../../limits.ts'

/** Where a judge is asked, and how. */
export interface Endpoint {
  readonly url: URL
  /** Sent as `Authorization: Bearer`, to this URL and nowhere else; null where none is needed. */
  readonly key: string | null
  readonly timeoutMs: number
}

/** How one request has ended. `tokens` is null where the server did not say what it cost. */
export type Sent =
  | {
      readonly kind: 'answer'
      readonly content: string
      readonly isCutOff: boolean
      readonly tokens: number | null
      readonly servedBy: string
    }
  /** It may go better. `afterMs`: how long the server wants to be left alone. `isFree`: it has done nothing. */
  | { readonly kind: 'again'; readonly why: string; readonly afterMs: number; readonly isFree: boolean }
  /** It will not go better: of this text, or of any. */
  | { readonly kind: 'refused'; readonly why: string; readonly ofAll: boolean }

/** Statuses of servers that are busy, too slow or broken: the same request may go through later. All from 500 on are, too. */
const againStatuses = [408, 409, 425, 429]
/** Statuses that say something of this request's text, which is too long, say; the others are of all requests. */
const textStatuses = [400, 413, 422]

/** What a system says where nothing was sent, as nobody was there. */
export const noServerCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
])

/** Sends a request once. Never throws for what a server or a network does. A redirect is not followed: the key is for this server. */
export async function sendQuestion({ url, key, timeoutMs }: Endpoint, body: string): Promise<Sent> {
  const headers = { 'content-type': 'application/json', ...(key === null ? {} : { authorization: `Bearer ${key}` }) }
  const signal = AbortSignal.timeout(timeoutMs)
  let isBegun = false
  try {
    const response = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal })
    isBegun = true
    if (response.status === 200) return readEnvelope(await readBody(response))
    await response.body?.cancel()
    return judgeStatus(response)
  } catch (error) {
    if (signal.aborted) return again('timed-out')
    const code = systemCodeOf((error as Error).cause)
    if (!isBegun && noServerCodes.has(code)) return { kind: 'again', why: code, afterMs: 0, isFree: true }
    return again('cut')
  }
}

const again = (why: string): Sent => ({ kind: 'again', why, afterMs: 0, isFree: false })

function judgeStatus({ status, headers }: Response): Sent {
  const isBusy = againStatuses.includes(status)
  if (isBusy || status >= 500)
    return {
      kind: 'again',
      why: `status-${status}`,
      afterMs: readRetryAfter(headers.get('retry-after')),
      isFree: isBusy,
    }
  return { kind: 'refused', why: `status-${status}`, ofAll: !textStatuses.includes(status) }
}

/** Milliseconds that `Retry-After` asks for, in seconds or until a date (RFC 9110, 10.2.3), but not more than a bound; 0 where it says nothing. */
export function readRetryAfter(value: string | null, now = Date.now()): number {
  if (value === null) return 0
  // Of other texts `Date.parse` makes some date, as of '-7' one in July.
  const at = /^[A-Z][a-z]{2}.* GMT$/.test(value.trim()) ? Date.parse(value) : Number.NaN
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : at - now
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(0, ms), limits.judgeRetryAfterSecondsMax * 1000)
}

async function readBody(response: Response): Promise<string | null> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    if ((bytes += chunk.length) > limits.judgeAnswerBytesMax) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Reads the answer of `/v1/chat/completions`. A body that is none, or half of one, is the server's fault and not the judge's. */
function readEnvelope(body: string | null): Sent {
  if (body === null) return again('body-too-long')
  let found: Envelope | null = null
  try {
    found = JSON.parse(body)
  } catch {
    return again('half-a-body')
  }
  const choice = found?.choices?.[0]
  const content = choice?.message?.content
  // A model that refuses, or thinks to the end of its tokens, says null.
  if (typeof content !== 'string' && content !== null) return again('no-choice')
  const tokens = found?.usage?.total_tokens
  return {
    kind: 'answer',
    content: content ?? '',
    isCutOff: choice?.finish_reason === 'length',
    tokens: Number.isSafeInteger(tokens) && tokens! >= 0 ? tokens! : null,
    servedBy: typeof found?.model === 'string' ? found.model.slice(0, 200) : '',
  }
}

interface Envelope {
  readonly model?: unknown
  readonly choices?: readonly {
    readonly finish_reason?: unknown
    readonly message?: { readonly content?: string | null }
  }[]
  readonly usage?: { readonly total_tokens?: number }
}
