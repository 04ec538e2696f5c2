import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type ErrorCode, HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'
import { isMeant, listen, urlHost } from '../serve/host.ts'
import { escapeControls } from '../text/printable.ts'
import { parseAddress, type Reach } from './address.ts'
import { EventStreams } from './event-streams.ts'

/** What a path answers. */
export interface Page {
  readonly status: number
  readonly type: string
  readonly body: string
}

/** A request as its route gets it. */
export interface Asked {
  /** What the path has in the place of the route's `*`. */
  readonly rest: string
  readonly parameters: URLSearchParams
  /** Of a POST. */
  readonly body: string
}

/** Answers a path. A promise may take `limits.pageSecondsMax`; streams go on until either side ends them. */
export type Route = (asked: Asked) => Page | Promise<Page> | EventStreams

/** Routes by what is asked: `/a` that path by GET or HEAD, `/a/*` all below it, `POST /a` with a body. */
export type Routes = Readonly<Record<string, Route>>

export interface StatusServer extends AsyncDisposable {
  /** `http://HOST:PORT` */
  readonly url: string
}

/**
 * A probe or a scraper asks one thing on a connection, and has its answer in milliseconds. Whoever says nothing, says it slowly or does
 * not read is cut off after `connectionMs` however far it is; when there are more than `connectionsMax`, the oldest makes room, so that
 * they keep no probe waiting.
 */
const connectionsMax = 64
const connectionMs = 5000
const headerBytesMax = 8 * 1024

/**
 * Serves pages by path over HTTP, read-only, to whoever reaches it. Throws `locked` when the port is in use, `bad-option` when it can't
 * be had.
 */
export async function serveStatus({ address, names = [] }: Reach, routes: Routes): Promise<StatusServer> {
  const { host, port } = parseAddress(address)
  const connections = new Connections()
  const server = createServer({ keepAlive: false, maxHeaderSize: headerBytesMax }, (request, response) => {
    if (!isMeant(request, names)) return send(request, response, plainPage(421, notMeant))
    void answer(request, response, routes, connections)
  })
  // What follows the first request on a connection is not read.
  server.maxRequestsPerSocket = 1
  server.on('connection', (socket: Socket) => connections.take(socket))
  await listen(server, host, port, '--http')
  return {
    url: `http://${urlHost(host)}:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () => closeServer(server, connections),
  }
}

const notMeant = 'this is not the host that was asked for: --http-host NAME takes the name that a proxy passes on'

function closeServer(server: Server, connections: Connections): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    connections.close()
  })
}

/** The connections that are open, oldest first; each for a limited time, but for streams, which are bounded by themselves. */
class Connections {
  readonly #timers = new Map<Socket, NodeJS.Timeout>()
  readonly #streams = new Set<Socket>()

  take(socket: Socket): void {
    this.giveTime(socket, connectionMs)
    socket.on('close', () => {
      clearTimeout(this.#timers.get(socket))
      this.#timers.delete(socket)
      this.#streams.delete(socket)
    })
    if (this.#timers.size > connectionsMax) this.#timers.keys().next().value?.destroy()
  }

  giveTime(socket: Socket, ms: number): void {
    clearTimeout(this.#timers.get(socket))
    this.#timers.set(socket, setTimeout(() => socket.destroy(), ms).unref())
  }

  /** It stays open for as long as its stream. */
  release(socket: Socket): void {
    clearTimeout(this.#timers.get(socket))
    this.#timers.delete(socket)
    this.#streams.add(socket)
  }

  close(): void {
    for (const socket of [...this.#timers.keys(), ...this.#streams]) socket.destroy()
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  routes: Routes,
  connections: Connections,
): Promise<void> {
  try {
    const found = findRoute(request, routes)
    if ('status' in found) return send(request, response, found)
    const body = request.method === 'POST' ? await readBody(request) : ''
    const made = found.route({ rest: found.rest, parameters: found.parameters, body })
    if (made instanceof EventStreams) return begin(request, response, made, connections)
    if (made instanceof Promise) connections.giveTime(request.socket, 1000 * limits.pageSecondsMax)
    send(request, response, await made)
  } catch (error) {
    send(request, response, explain(error))
  }
}

function begin(request: IncomingMessage, response: ServerResponse, streams: EventStreams, connections: Connections) {
  if (streams.isFull) return send(request, response, plainPage(503, `${streams.size} pages are open: close one`))
  if (request.method === 'HEAD') return send(request, response, { status: 200, type: EventStreams.type, body: '' })
  connections.release(request.socket)
  streams.open(response)
}

type Found = { readonly route: Route; readonly rest: string; readonly parameters: URLSearchParams } | Page

function findRoute({ method = '', url = '' }: IncomingMessage, routes: Routes): Found {
  const [path, query = ''] = url.split(/\?(.*)/s, 2)
  const asked = method === 'POST' ? `POST ${path}` : path
  const below = Object.keys(routes).find(name => name.endsWith('/*') && asked.startsWith(name.slice(0, -1)))
  const name = Object.hasOwn(routes, asked) ? asked : below
  const isRead = method === 'GET' || method === 'HEAD'
  if (!isRead && !(method === 'POST' && name !== undefined)) return plainPage(405, 'read-only')
  if (name === undefined) return plainPage(404, `there is ${Object.keys(routes).join(', ')}`)
  const rest = name === below && name !== asked ? asked.slice(name.length - 1) : ''
  return { route: routes[name], rest, parameters: new URLSearchParams(query) }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    if ((bytes += chunk.length) > limits.pageBodyBytesMax)
      throw new HeadraceError('limit', `a question may have ${limits.pageBodyBytesMax} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function send(request: IncomingMessage, response: ServerResponse, page: Page): void {
  if (response.headersSent || response.destroyed) return
  if (page.status === 405) response.setHeader('Allow', 'GET, HEAD')
  response.writeHead(page.status, {
    'Content-Type': page.type,
    'Content-Length': Buffer.byteLength(page.body),
    'Cache-Control': 'no-store',
    Connection: 'close',
    'X-Content-Type-Options': 'nosniff',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Content-Security-Policy': "frame-ancestors 'none'",
  })
  response.end(request.method === 'HEAD' ? undefined : page.body)
}

const statuses: Partial<Readonly<Record<ErrorCode, number>>> = {
  'bad-option': 400,
  'not-found': 404,
  trimmed: 410,
  limit: 429,
}

/** What came of a question that could not be answered. A page that fails must not stop the run. */
function explain(error: unknown): Page {
  const status = error instanceof HeadraceError ? (statuses[error.code] ?? 500) : 500
  const isKnown = error instanceof HeadraceError
  return plainPage(status, isKnown ? error.message : `this is a bug, please report it: ${(error as Error).message}`)
}

export function plainPage(status: number, text: string): Page {
  return { status, type: 'text/plain; charset=utf-8', body: escapeControls(`${text}\n`) }
}

/** A value as JSON. What comes from documents steers no terminal that prints it. */
export function jsonPage(value: unknown, status = 200): Page {
  return { status, type: 'application/json', body: escapeControls(`${JSON.stringify(value)}\n`) }
}
