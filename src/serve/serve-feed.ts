import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecure } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { HeadraceError } from '../errors.ts'
import type { ReportFiles } from '../feed/files/report-files.ts'
import { limits } from '../limits.ts'
import { type Answering, answer } from './answer.ts'
import { Connections } from './connections.ts'
import { noCounts, type ServeCounts } from './counts.ts'
import { listen, urlHost } from './host.ts'
import type { Place } from './places.ts'
import { sayBusy } from './say.ts'

export interface FeedServerOptions {
  readonly places: readonly Place[]
  readonly host: string
  readonly port: number
  readonly token: string | null
  /** PEM of a certificate with its chain, and of its key; null for plain HTTP. */
  readonly tls: { readonly cert: string; readonly key: string } | null
  /** Takes what trainers report. Default: none is taken, and nothing is written. */
  readonly reports?: ReportFiles
  readonly connectionsMax?: number
  /** Milliseconds; see `limits`. */
  readonly headMs?: number
  readonly idleMs?: number
  readonly stallMs?: number
  readonly note?: (text: string) => void
}

export interface FeedServer extends AsyncDisposable {
  /** Of the feed: `http://HOST:PORT/feed/`. */
  readonly url: string
  readonly counts: Readonly<ServeCounts>
  /** Takes no further request, and ends what is being answered, for `drainMs` at most. Whether all of it came to its end. */
  stop(drainMs?: number): Promise<boolean>
}

/**
 * Serves the files of a feed over HTTP, read-only but for reports, where these are taken. Throws `locked` where the port is in use, `bad-option` where it can't be had or the
 * certificate is none.
 */
export async function serveFeed(options: FeedServerOptions): Promise<FeedServer> {
  const { host, port, places, token, tls, reports = null, note = () => {} } = options
  const { stallMs = 1000 * limits.serveStallSeconds, connectionsMax = limits.serveConnectionsMax } = options
  const counts = noCounts()
  const pace = { stallMs, bytesMin: (limits.serveStallBytesMin * stallMs) / (1000 * limits.serveStallSeconds) }
  const answering: Answering = { places, token, reports, pace, counts, note }
  const inFlight = new Set<Promise<void>>()
  let isStopping = false
  const server = createFor(options, (request, response) => {
    const task = connections.take(request.socket, async isOver => {
      const ended = new Promise<void>(resolve => response.on('close', resolve))
      if (response.destroyed) return
      if (isOver || isStopping) sayBusy(response, counts)
      else await answer(request, response, answering).catch(error => fail(response, error, answering))
      await ended
    })
    inFlight.add(task)
    task.finally(() => inFlight.delete(task))
  })
  const connections = new Connections(server, connectionsMax, counts)
  countErrors(server, counts)
  await listen(server, host, port, '--port')
  const stop = async (drainMs: number) => {
    isStopping = true
    const closed = new Promise<void>(resolve => server.close(() => resolve()))
    let isWhole = true
    const timer = setTimeout(() => {
      isWhole = inFlight.size === 0
      connections.destroyAll()
    }, drainMs)
    await Promise.allSettled(inFlight)
    clearTimeout(timer)
    // All that was answered is with the system by now, which sends it.
    connections.destroyAll()
    await closed
    return isWhole
  }
  return {
    url: `${tls ? 'https' : 'http'}://${urlHost(host)}:${(server.address() as AddressInfo).port}/feed/`,
    counts,
    stop: (drainMs = 1000 * limits.serveDrainSecondsMax) => stop(drainMs),
    [Symbol.asyncDispose]: async () => void (await stop(0)),
  }
}

function createFor(options: FeedServerOptions, listener: RequestListener): Server {
  const { headMs = 1000 * limits.serveHeadSecondsMax, idleMs = 1000 * limits.serveIdleSecondsMax, tls } = options
  const bounds = {
    maxHeaderSize: limits.serveHeadBytesMax,
    headersTimeout: headMs,
    requestTimeout: headMs,
    keepAliveTimeout: idleMs,
    connectionsCheckingInterval: Math.min(1000, headMs / 2),
  }
  if (!tls) return createServer(bounds, listener)
  try {
    return createSecure({ ...bounds, ...tls, handshakeTimeout: headMs, minVersion: 'TLSv1.2' }, listener)
  } catch (error) {
    const what = `--tls-cert and --tls-key are no certificate and its key in PEM (${(error as Error).message})`
    throw new HeadraceError('bad-option', what, error)
  }
}

/** What is no request is told so, as Node does by itself, and counted. */
function countErrors(server: Server, counts: ServeCounts): void {
  const answers: Readonly<Record<string, string>> = {
    HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
    ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  }
  server.on('clientError', ({ code = '' }: NodeJS.ErrnoException, socket: Socket) => {
    if (code === 'ERR_HTTP_REQUEST_TIMEOUT') counts.closed++
    else if (code !== 'ECONNRESET' && code !== 'EPIPE') counts.refused++
    if (!socket.writable || socket.bytesWritten > 0) return socket.destroy()
    socket.end(`HTTP/1.1 ${answers[code] ?? '400 Bad Request'}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
    // Whoever does not close its side would keep the connection.
    socket.destroySoon()
  })
  server.on('tlsClientError', () => counts.refused++)
}

/** A mistake of ours must not stop the others' files. */
function fail(response: ServerResponse, error: unknown, { counts, note }: Answering): void {
  counts.failed++
  note(`this is a bug, please report it: ${(error as Error).stack}`)
  if (response.headersSent) response.destroy()
  else response.writeHead(500, { 'Content-Length': 0 }).end()
}
