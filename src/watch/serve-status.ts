import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { HeadraceError } from '../errors.ts'
import { isMeant, listen, urlHost } from '../serve/host.ts'
import { escapeControls } from '../text/printable.ts'

/** What a path answers. */
export interface Page {
  readonly status: number
  readonly type: string
  readonly body: string
}

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
 * Serves pages by path over HTTP, read-only, to whoever reaches `address` (`[HOST:]PORT`, by default this machine alone; port 0 takes a
 * free one). Throws `locked` when the port is in use, `bad-option` when it can't be had.
 */
export async function serveStatus(address: string, pages: Readonly<Record<string, () => Page>>): Promise<StatusServer> {
  const { host, port } = parseAddress(address)
  const server = createServer({ keepAlive: false, maxHeaderSize: headerBytesMax }, (request, response) =>
    answer(request, response, pages),
  )
  // What follows the first request on a connection is not read.
  server.maxRequestsPerSocket = 1
  const connections = limitConnections(server)
  await listen(server, host, port, '--http')
  return {
    url: `http://${urlHost(host)}:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        for (const socket of connections) socket.destroy()
      }),
  }
}

/** The connections that are open, oldest first; each for a limited time. */
function limitConnections(server: Server): ReadonlySet<Socket> {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    const timer = setTimeout(() => socket.destroy(), connectionMs).unref()
    open.add(socket)
    socket.on('close', () => {
      clearTimeout(timer)
      open.delete(socket)
    })
    if (open.size > connectionsMax) for (const oldest of open) return oldest.destroy()
  })
  return open
}

/** `9464`, `0.0.0.0:9464`, `[::1]:9464`. */
export function parseAddress(address: string): { host: string; port: number } {
  const [, ipv6, name, digits] = /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([\w.-]+)):)?(\d{1,5})$/.exec(address) ?? []
  if (digits !== undefined && Number(digits) < 65_536)
    return { host: ipv6 ?? name ?? '127.0.0.1', port: Number(digits) }
  throw new HeadraceError('bad-option', `--http is '${address}'; it takes PORT, HOST:PORT or [ADDRESS]:PORT`)
}

function answer(request: IncomingMessage, response: ServerResponse, pages: Readonly<Record<string, () => Page>>): void {
  const page = isMeant(request) ? choosePage(request, pages) : plainPage(421, 'this is not the host that was asked for')
  if (page.status === 405) response.setHeader('Allow', 'GET, HEAD')
  response.writeHead(page.status, {
    'Content-Type': page.type,
    'Content-Length': Buffer.byteLength(page.body),
    'Cache-Control': 'no-store',
    Connection: 'close',
    'X-Content-Type-Options': 'nosniff',
  })
  response.end(request.method === 'HEAD' ? undefined : page.body)
}

function choosePage({ method, url = '' }: IncomingMessage, pages: Readonly<Record<string, () => Page>>): Page {
  if (method !== 'GET' && method !== 'HEAD') return plainPage(405, 'read-only')
  const [path] = url.split('?', 1)
  if (!Object.hasOwn(pages, path)) return plainPage(404, `there is ${Object.keys(pages).join(', ')}`)
  try {
    return pages[path]()
  } catch (error) {
    // A page that fails must not stop the run.
    return plainPage(500, `this is a bug, please report it: ${(error as Error).message}`)
  }
}

function plainPage(status: number, text: string): Page {
  return { status, type: 'text/plain; charset=utf-8', body: escapeControls(`${text}\n`) }
}
