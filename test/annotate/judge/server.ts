import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as the server had it. */
export interface Asked {
  readonly text: string
  readonly body: Record<string, unknown>
  readonly headers: IncomingMessage['headers']
}
export type Reply = (response: ServerResponse, asked: Asked, count: number) => void

/** A real server of `/v1/chat/completions` on a free port, which answers as it is told: `count` is how often it was asked, from 1 on. */
export async function serveJudge(reply: Reply) {
  const asked: Asked[] = []
  const server = createServer(async (request, response) => {
    let json = ''
    for await (const chunk of request) json += chunk
    const body = JSON.parse(json)
    const text = String(body.messages[1].content).replace('The text:\n\n', '')
    asked.push({ text, body, headers: request.headers })
    reply(response, asked.at(-1)!, asked.length)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/chat/completions`)
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

/** An envelope with these words of the judge. */
export const envelope = (content: string | null, others: object = {}, tokens = 40) =>
  JSON.stringify({
    model: 'judge-served',
    choices: [{ finish_reason: 'stop', message: { role: 'assistant', content }, ...others }],
    usage: { prompt_tokens: tokens - 9, completion_tokens: 9, total_tokens: tokens },
  })

/** Replies with these words. */
export const say =
  (content: string | null, others: object = {}): Reply =>
  response =>
    response.end(envelope(content, others))

/** Replies with a status and headers. */
export const refuse =
  (status: number, headers: Record<string, string> = {}): Reply =>
  response =>
    response.writeHead(status, headers).end('{"error":"..."}')

/** The first replies in their order, then the last one for ever. */
export const inTurn =
  (...replies: readonly Reply[]): Reply =>
  (response, asked, count) =>
    replies[Math.min(count, replies.length) - 1](response, asked, count)
