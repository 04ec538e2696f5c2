import type { ServerResponse } from 'node:http'
import type { ServeCounts } from './counts.ts'

export type Headers = Readonly<Record<string, string>>

/** Answers with a sentence. */
export function say(response: ServerResponse, status: number, text: string, headers: Headers = {}): void {
  const body = `${text}\n`
  response.writeHead(status, {
    'Cache-Control': 'no-store',
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}

/** Tells a client to come again, as there is no room for it now. */
export function sayBusy(response: ServerResponse, counts: ServeCounts): void {
  counts.busy++
  say(response, 503, 'too many at once', { 'Retry-After': '1', Connection: 'close' })
}

export function refuse(
  response: ServerResponse,
  counts: ServeCounts,
  status: number,
  text: string,
  headers?: Headers,
): void {
  counts.refused++
  say(response, status, text, headers)
}
