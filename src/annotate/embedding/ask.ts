import { limits } from '../../limits.ts'
import type { Endpoint } from '../model-server/endpoint.ts'
import { ModelServer, type Patience } from '../model-server/model-server.ts'
import { again, noServerCodes, postJson } from '../model-server/post.ts'
import { readVectors } from './answer.ts'
import { cutBatches } from './batches.ts'

/** How vectors are asked for. */
export interface Asking extends Patience {
  readonly endpoint: Endpoint
  /** As the server calls it. */
  readonly model: string
  /** Numbers of a vector. */
  readonly dimensions: number
  /** Texts of a request at most. */
  readonly textsMax: number
  /** The texts of a request are given up after so long. */
  readonly batchMs: number
}

/** A vector of length 1, or why there is none. */
export type Found = Float32Array | string

/**
 * Asks a server for the vectors of texts, some at a time. Nothing is stored here: a vector costs a server milliseconds, where a judge's answer costs it
 * seconds, and the run stores the column with its slot. So what is asked again after a kill is the slots that were under way.
 */
export class VectorServer {
  readonly #server: ModelServer
  readonly #asking: Asking

  constructor(asking: Asking) {
    this.#asking = asking
    this.#server = new ModelServer(asking.endpoint, asking, () => '; the same command goes on behind what is stored')
  }

  /** Throws `limit` where the server can't be reached, refuses all, fails again and again, or gives other vectors than these. */
  async embed(texts: readonly string[]): Promise<Found[]> {
    const found: Found[] = new Array(texts.length)
    const lengths = texts.map(text => Buffer.byteLength(text))
    const batches = cutBatches(lengths, this.#asking.textsMax, limits.embeddingRequestBytes)
    const all = batches.map(batch => this.#server.inPlace(() => this.#embedBatch(texts, batch, found)))
    await Promise.all(all)
    return found
  }

  /** Where a batch has no answer its halves may: one text that a server can't take must not cost the others their vectors. */
  async #embedBatch(texts: readonly string[], batch: readonly number[], found: Found[]): Promise<void> {
    const end = performance.now() + this.#asking.batchMs
    const open = [batch]
    let why = 'timed-out'
    for (let some = open.pop(); some; some = open.pop()) {
      const vectors = await this.#ask(
        some.map(i => texts[i]),
        end,
        why,
      )
      if (typeof vectors !== 'string') for (const [place, i] of some.entries()) found[i] = vectors[place]
      else if (some.length === 1) found[some[0]] = vectors
      else {
        why = vectors
        open.push(some.slice(some.length >> 1), some.slice(0, some.length >> 1))
      }
    }
  }

  /** The vectors of these texts. Of several that the server does not answer on, nobody knows which is at fault. `why`: what it failed by before. */
  async #ask(texts: readonly string[], end: number, why: string): Promise<readonly Float32Array[] | string> {
    const server = this.#server
    const giveUp = (why: string) => (texts.length > 1 && !noServerCodes.has(why) ? why : server.giveUp(why))
    for (let tries = 0; ; ) {
      server.check()
      if (performance.now() > end) return giveUp(why)
      if (!(await server.isReady(end))) return giveUp('retry-after')
      const sent = await this.#send(texts, server.endpointUntil(end))
      if ('vectors' in sent) {
        server.answered()
        return sent.vectors
      }
      if (sent.kind === 'refused') return texts.length > 1 && !sent.ofAll ? sent.why : server.refuse(sent)
      if (!(await server.mayTryAgain(sent, ++tries, end))) return giveUp(sent.why)
    }
  }

  async #send(texts: readonly string[], endpoint: Endpoint) {
    const { model, dimensions } = this.#asking
    // A number takes 25 bytes at most, and space between them.
    const bytesMax = 65_536 + texts.length * (256 + 40 * dimensions)
    const body = JSON.stringify({ model, input: texts, encoding_format: 'float' })
    const posted = await postJson(endpoint, body, bytesMax)
    if (posted.kind !== 'body') return posted
    const read = readVectors(posted.text, texts.length, dimensions)
    if ('vectors' in read) return read
    if ('fault' in read) return again(read.fault)
    throw this.#server.stop(
      `gives vectors of ${read.dimensions} numbers for model '${model}', and 'dimensions' is ${dimensions}: see which of the two is meant`,
    )
  }
}
