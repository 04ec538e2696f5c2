import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { HeadraceError } from '../errors.ts'

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

/** A probe or a scraper asks one thing at a time; who holds more connections is cut off. */
const connectionsMax = 16
const requestMs = 5000
const headerBytesMax = 8 * 1024

/**
 * Serves pages by path over HTTP, read-only, to whoever reaches `address` (`[HOST:]PORT`, by default this machine alone; port 0 takes a
 * free one). Throws `locked` when the port is in use, `bad-option` when it can't be had.
 */
export async function serveStatus(address: string, pages: Readonly<Record<string, () => Page>>): Promise<StatusServer> {
  const { host, port } = parseAddress(address)
  const options = {
    headersTimeout: requestMs,
    requestTimeout: requestMs,
    keepAliveTimeout: requestMs,
    connectionsCheckingInterval: requestMs,
    maxHeaderSize: headerBytesMax,
  }
  const server = createServer(options, (request, response) => answer(request, response, pages))
  server.maxConnections = connectionsMax
  await listen(server, host, port)
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** `9464`, `0.0.0.0:9464`, `[::1]:9464`. */
export function parseAddress(address: string): { host: string; port: number } {
  const [, ipv6, name, digits] = /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([\w.-]+)):)?(\d{1,5})$/.exec(address) ?? []
  if (digits !== undefined && Number(digits) < 65_536)
    return { host: ipv6 ?? name ?? '127.0.0.1', port: Number(digits) }
  throw new HeadraceError('bad-option', `--http is '${address}'; it takes PORT, HOST:PORT or [ADDRESS]:PORT`)
}

function answer(request: IncomingMessage, response: ServerResponse, pages: Readonly<Record<string, () => Page>>): void {
  const page = choosePage(request, pages)
  if (page.status === 405) response.setHeader('Allow', 'GET, HEAD')
  response.writeHead(page.status, {
    'Content-Type': page.type,
    'Content-Length': Buffer.byteLength(page.body),
    'Cache-Control': 'no-store',
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
  return { status, type: 'text/plain; charset=utf-8', body: `${text}\n` }
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen({ host, port, exclusive: true })
  await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE')
      throw new HeadraceError('locked', `--http: port ${port} of ${host} is in use: stop who has it, or name another`)
    throw new HeadraceError('bad-option', `--http: port ${port} of ${host} can't be had (${error.code})`, error)
  })
}
