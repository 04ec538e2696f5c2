import { hash } from 'node:crypto'
import { type Request, type Reply as ServerReply, serveModel } from '../model-server/server.ts'

export interface Asked extends Request {
  readonly texts: readonly string[]
}
export type Reply = ServerReply<Asked>

/** A real server of `/v1/embeddings`. */
export const serveVectors = (reply: Reply) => serveModel('/v1/embeddings', read, reply)

function read(request: Request): Asked {
  return { ...request, texts: request.body.input as string[] }
}

export const dimensions = 4

/** The vector of a text, which has length 1 in 32 bits, too: a half or minus a half in each direction. */
export function vectorOf(text: string): number[] {
  const [byte] = hash('sha256', text, 'buffer')
  return Array.from({ length: dimensions }, (_, i) => ((byte >> i) & 1 ? 0.5 : -0.5))
}

/** What a server says of one text. */
export interface Item {
  index?: unknown
  embedding?: unknown
}

/** An answer, with the items of all texts as `change` leaves them. */
export const envelope = (texts: readonly string[], change: (items: Item[]) => unknown = items => items) =>
  JSON.stringify({
    object: 'list',
    model: 'served',
    data: change(texts.map((text, index) => ({ object: 'embedding', index, embedding: vectorOf(text) }))),
    usage: { prompt_tokens: 9, total_tokens: 9 },
  })

/** Replies with the vectors of all texts. */
export const good: Reply = (response, { texts }) => response.end(envelope(texts))

/** Replies with these items instead. */
export const say =
  (change: (items: Item[]) => unknown): Reply =>
  (response, { texts }) =>
    response.end(envelope(texts, change))
