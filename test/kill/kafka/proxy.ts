import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * What a proxy does with what passes: answers of a `black-hole` never come, and with `none` every connection breaks. `lost-end` is a black
 * hole from the moment on in which a client asks to end a transaction: that is done, and the client is not told.
 */
export type Passing = 'all' | 'slow' | 'black-hole' | 'lost-end' | 'none'

/** Kafka's number for EndTxn, which stands behind the length of a request. */
const endTxn = 26

/** Between clients and one broker, on this machine. */
export class FaultyProxy implements AsyncDisposable {
  readonly #server: Server
  readonly #target: number
  readonly #sockets = new Set<Socket>()
  #passing: Passing = 'all'
  #delayMs = 0

  private constructor(target: number) {
    this.#target = target
    this.#server = createServer(client => this.#carry(client))
  }

  static async listen(port: number, target: number): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(target)
    proxy.#server.listen(port, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  /** From now on. A connection that lost bytes, or is not to be, is cut. */
  pass(passing: Passing, delayMs = 0): void {
    const isCut = passing === 'none' || this.#passing === 'black-hole'
    this.#passing = passing
    this.#delayMs = delayMs
    if (isCut) for (const socket of this.#sockets) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.pass('none')
    this.#server.close()
  }

  async #carry(client: Socket): Promise<void> {
    const broker = connect(this.#target, '127.0.0.1')
    const both = [client, broker]
    for (const socket of both) {
      this.#sockets.add(socket.setNoDelay(true))
      // Who waits for an answer finds out by itself.
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket))
    }
    if (this.#passing === 'none') client.destroy()
    const ways = [
      pipeline(client, chunks => this.#let(chunks, false), broker),
      pipeline(broker, chunks => this.#let(chunks, true), client),
    ]
    await Promise.allSettled(ways)
    for (const socket of both) socket.destroy()
  }

  async *#let(chunks: AsyncIterable<Buffer>, isAnswer: boolean): AsyncIterable<Buffer> {
    for await (const chunk of chunks) {
      if (this.#passing === 'slow') await sleep(this.#delayMs)
      const isEnd = !isAnswer && chunk.length > 6 && chunk.readInt16BE(4) === endTxn
      if (isEnd && this.#passing === 'lost-end') this.#passing = 'black-hole'
      if (!(isAnswer && this.#passing === 'black-hole')) yield chunk
    }
  }
}
