import type { IncomingMessage, ServerResponse } from 'node:http'
import { HeadraceError } from '../errors.ts'
import { RefusedReports, type ReportFiles } from '../feed/files/report-files.ts'
import { limits } from '../limits.ts'
import type { ServeCounts } from './counts.ts'
import { refuse, say } from './say.ts'

/** What takes the reports of trainers, and where that is counted and told. */
export interface TakingReports {
  readonly reports: ReportFiles
  readonly counts: ServeCounts
  readonly note: (text: string) => void
}

const path = /^\/feed\/trainers\/([A-Za-z0-9][A-Za-z0-9._-]{0,63})$/
const statusOf = { bad: 400, conflict: 409, full: 403 } as const

/**
 * Takes the body of a POST, lines as they stand in a file of reports, and answers 200 once they last: `{"last": n}`. The same again is
 * answered the same. A page of the web can send no body of this type elsewhere without asking first, which is refused.
 */
export async function takeReports(
  request: IncomingMessage,
  response: ServerResponse,
  { reports, counts, note }: TakingReports,
): Promise<void> {
  const [, trainer] = path.exec(request.url ?? '') ?? []
  if (trainer === undefined)
    return refuse(response, counts, 405, 'only reports are taken, at /feed/trainers/NAME', { Allow: 'GET, HEAD' })
  if (request.headers['content-type'] !== 'application/x-ndjson')
    return refuse(response, counts, 415, 'reports are application/x-ndjson')
  const body = await readBody(request)
  if (body === 'cut') {
    counts.cut++
    response.destroy()
    return
  }
  if (body === 'long')
    return refuse(response, counts, 413, `a request has ${limits.reportBodyBytesMax} bytes of reports at most`, {
      Connection: 'close',
    })
  try {
    const { last, added } = await reports.take(trainer, body)
    counts.reports++
    counts.reportLines += added
    const answer = `${JSON.stringify({ last })}\n`
    const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }
    response.writeHead(200, { ...headers, 'Content-Length': Buffer.byteLength(answer) }).end(answer)
  } catch (error) {
    if (error instanceof RefusedReports) return refuse(response, counts, statusOf[error.kind], error.message)
    if (!(error instanceof HeadraceError)) throw error
    note(error.message)
    counts.failed++
    say(
      response,
      error.retry ? 503 : 500,
      'the reports could not be written',
      error.retry ? { 'Retry-After': '5' } : {},
    )
  }
}

/** A body, unless it is too long or its sender goes or is too slow. */
async function readBody(request: IncomingMessage): Promise<Uint8Array | 'cut' | 'long'> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of request) {
      bytes += chunk.length
      if (bytes > limits.reportBodyBytesMax) return 'long'
      chunks.push(chunk)
    }
  } catch {
    return 'cut'
  }
  return Buffer.concat(chunks)
}
