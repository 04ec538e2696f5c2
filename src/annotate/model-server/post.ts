import { systemCodeOf } from '../../errors.ts'
import { limits } from '../../limits.ts'
import type { Endpoint } from './endpoint.ts'

/** A request that brought no answer. */
export type Unanswered =
  /** It may go better. `afterMs`: how long the server wants to be left alone. `isFree`: it has done nothing. */
  | { readonly kind: 'again'; readonly why: string; readonly afterMs: number; readonly isFree: boolean }
  /** It will not go better: of this text, or of any. */
  | { readonly kind: 'refused'; readonly why: string; readonly ofAll: boolean }

/** Statuses of servers that are busy, too slow or broken: the same request may go through later. All from 500 on are, too; 424 is TEI's for those. */
const againStatuses = [408, 409, 424, 425, 429]
/** Of these, those of a server that has done nothing. */
const freeStatuses = [408, 409, 425, 429]
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

/**
 * Sends a request once and gives the body of what was answered, of so many bytes at most. Never throws for what a server or a network does. A
 * redirect is not followed: the key is for this server.
 */
export async function postJson(
  { url, key, timeoutMs }: Endpoint,
  body: string,
  answerBytesMax: number,
): Promise<{ readonly kind: 'body'; readonly text: string } | Unanswered> {
  const headers = { 'content-type': 'application/json', ...(key === null ? {} : { authorization: `Bearer ${key}` }) }
  const signal = AbortSignal.timeout(timeoutMs)
  let isBegun = false
  try {
    const response = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal })
    isBegun = true
    if (response.status === 200) {
      const text = await readBody(response, answerBytesMax)
      return text === null ? again('body-too-long') : { kind: 'body', text }
    }
    await response.body?.cancel()
    return judgeStatus(response)
  } catch (error) {
    if (signal.aborted) return again('timed-out')
    const code = systemCodeOf((error as Error).cause)
    if (!isBegun && noServerCodes.has(code)) return { kind: 'again', why: code, afterMs: 0, isFree: true }
    return again('cut')
  }
}

/** Of an answer that is none, or half of one: the server's fault, and another may be whole. */
export const again = (why: string): Unanswered => ({ kind: 'again', why, afterMs: 0, isFree: false })

function judgeStatus({ status, headers }: Response): Unanswered {
  if (againStatuses.includes(status) || status >= 500)
    return {
      kind: 'again',
      why: `status-${status}`,
      afterMs: readRetryAfter(headers.get('retry-after')),
      isFree: freeStatuses.includes(status),
    }
  return { kind: 'refused', why: `status-${status}`, ofAll: !textStatuses.includes(status) }
}

/** Milliseconds that `Retry-After` asks for, in seconds or until a date (RFC 9110, 10.2.3), but not more than a bound; 0 where it says nothing. */
export function readRetryAfter(value: string | null, now = Date.now()): number {
  if (value === null) return 0
  // Of other texts `Date.parse` makes some date, as of '-7' one in July.
  const at = /^[A-Z][a-z]{2}.* GMT$/.test(value.trim()) ? Date.parse(value) : Number.NaN
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : at - now
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(0, ms), limits.serverRetryAfterSecondsMax * 1000)
}

async function readBody(response: Response, bytesMax: number): Promise<string | null> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    if ((bytes += chunk.length) > bytesMax) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
