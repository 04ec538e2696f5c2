import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ReportFiles } from '../feed/files/report-files.ts'
import { decide } from './conditions.ts'
import type { ServeCounts } from './counts.ts'
import { isMeant } from './host.ts'
import { type Asked, findAsked, type Place } from './places.ts'
import { refuse, say, sayBusy } from './say.ts'
import { type Pace, sendBytes } from './send.ts'
import { openServed, type ServedFile } from './served-file.ts'
import { takeReports } from './take-reports.ts'
import { hasToken } from './token.ts'

export interface Answering {
  readonly places: readonly Place[]
  /** What each request must bear; null where nobody is asked. */
  readonly token: string | null
  /** Takes what trainers report; null where nothing is written. */
  readonly reports: ReportFiles | null
  readonly pace: Pace
  readonly counts: ServeCounts
  /** Told of what whoever runs the server may have to mend. */
  readonly note: (text: string) => void
}

/** Answers a request: a file of the feed, whole or a range, reports that were taken, or why not. */
export async function answer(request: IncomingMessage, response: ServerResponse, answering: Answering): Promise<void> {
  const { places, token, counts, reports, note } = answering
  if (token !== null && !hasToken(request.headers.authorization, token)) {
    counts.unauthorized++
    say(response, 401, 'this takes a token: Authorization: Bearer ...', { 'WWW-Authenticate': 'Bearer' })
    return
  }
  // Who bears the token is no page of the web, and may come by a proxy of another name.
  if (token === null && !isMeant(request))
    return refuse(response, counts, 421, 'this is not the host that was asked for')
  if (request.method === 'POST' && reports) return takeReports(request, response, { reports, counts, note })
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return refuse(response, counts, 405, 'read-only; headrace serve --reports takes reports', { Allow: 'GET, HEAD' })
  const asked = findAsked(places, request.url ?? '')
  if (!asked) return missing(response, counts)
  const file = await openServed(asked)
  if ('missing' in file) return explain(file, asked, response, answering)
  await using _ = file
  await answerFile({ request, response }, file, asked, answering)
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

async function answerFile(
  { request, response }: Exchange,
  file: ServedFile,
  asked: Asked,
  { counts, pace }: Answering,
): Promise<void> {
  const { size, etag } = file
  const isHead = request.method === 'HEAD'
  const { headers } = request
  const decided = decide(isHead ? { ...headers, range: undefined } : headers, file)
  const common = {
    ETag: etag,
    'Accept-Ranges': 'bytes',
    'Cache-Control': asked.isLive ? 'no-store' : 'no-cache',
    'X-Content-Type-Options': 'nosniff',
  }
  if (decided.status === 412) return refuse(response, counts, 412, 'the file is another one now', common)
  if (decided.status === 416)
    return refuse(response, counts, 416, `the file has ${size} bytes`, {
      ...common,
      'Content-Range': `bytes */${size}`,
    })
  if (decided.status === 304) {
    counts.unchanged++
    response.writeHead(304, common).end()
    return
  }
  counts.files++
  const bytes = decided.status === 206 ? decided.range : { first: 0, last: size - 1 }
  const length = bytes.last - bytes.first + 1
  response.writeHead(decided.status, {
    ...common,
    'Content-Type': asked.path.endsWith('.json') ? 'application/json' : 'application/octet-stream',
    'Content-Length': length,
    ...(decided.status === 206 && { 'Content-Range': `bytes ${bytes.first}-${bytes.last}/${size}` }),
  })
  if (decided.status === 206) counts.ranges++
  if (isHead) {
    response.end()
    return
  }
  const sent = await sendBytes(response, file, bytes, pace)
  counts.bytes += sent
  if (sent < length) counts.cut++
}

/** Answers for a file that is not served though its name is one that would be. */
function explain(
  file: Exclude<Awaited<ReturnType<typeof openServed>>, ServedFile>,
  { path }: Asked,
  response: ServerResponse,
  { counts, note }: Answering,
): void {
  if (file.missing !== 'refused') {
    if (file.missing === 'outside') {
      counts.outside++
      note(`${path} is a link out of the folders that are served, so it is not: copy it, or serve where it lies`)
    }
    missing(response, counts)
    return
  }
  note(`${path} can't be read: the system says ${file.code}`)
  // Descriptors that are used up come back.
  if (file.code === 'EMFILE' || file.code === 'ENFILE') sayBusy(response, counts)
  else {
    counts.failed++
    say(response, 500, 'the file can not be read')
  }
}

function missing(response: ServerResponse, counts: ServeCounts): void {
  counts.missing++
  say(response, 404, 'there is no such file')
}
