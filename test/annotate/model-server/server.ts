import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as the server had it. */
export interface Request {
  readonly body: Record<string, unknown>
  readonly headers: IncomingMessage['headers']
}
export type Reply<A = Request> = (response: ServerResponse, asked: A, count: number) => void

/** A real server of models on a free port, which answers as it is told: `count` is how often it was asked, from 1 on. */
export async function serveModel<A>(path: string, read: (request: Request) => A, reply: Reply<A>) {
  const asked: A[] = []
  const server = createServer(async (request, response) => {
    let json = ''
    for await (const chunk of request) json += chunk
    asked.push(read({ body: JSON.parse(json), headers: request.headers }))
    reply(response, asked.at(-1)!, asked.length)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`)
  return {
    url,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Replies with a status and headers. */
export const refuse =
  (status: number, headers: Record<string, string> = {}): Reply<unknown> =>
  response =>
    response.writeHead(status, headers).end('{"error":"..."}')

/** The first replies in their order, then the last one for ever. */
export const inTurn =
  <A>(...replies: readonly Reply<A>[]): Reply<A> =>
  (response, asked, count) =>
    replies[Math.min(count, replies.length) - 1](response, asked, count)

/** The beginning of an answer, and no more of it. */
export const half: Reply<unknown> = response => {
  response.writeHead(200, { 'content-length': '500' })
  response.write('{"choices":')
  setImmediate(() => response.destroy())
}
export const cutConnection: Reply<unknown> = response => response.socket!.destroy()
/** A byte at a time, and never the last one. */
export const drip: Reply<unknown> = response => {
  const timer = setInterval(() => response.write(' '), 5)
  response.on('close', () => clearInterval(timer))
}
export const silent: Reply<unknown> = () => {}
