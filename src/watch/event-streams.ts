import type { ServerResponse } from 'node:http'
import { limits } from '../limits.ts'

/**
 * Pages that are told what happens as it happens: server-sent events, as HTML's standard has them. Each begins with what `beginWith` says,
 * so that one that comes back after a restart or a lost connection knows all again. One that does not read what it is sent is cut off.
 */
export class EventStreams implements Disposable {
  static readonly type = 'text/event-stream; charset=utf-8'
  readonly #open = new Set<ServerResponse>()
  readonly #beginWith: () => readonly [event: string, value: unknown][]

  constructor(beginWith: () => readonly [event: string, value: unknown][]) {
    this.#beginWith = beginWith
  }

  get size(): number {
    return this.#open.size
  }

  get isFull(): boolean {
    return this.#open.size >= limits.eventStreamsMax
  }

  open(response: ServerResponse): void {
    this.#open.add(response)
    response.on('close', () => this.#open.delete(response))
    response.writeHead(200, {
      'Content-Type': EventStreams.type,
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      'Cross-Origin-Resource-Policy': 'same-origin',
      // nginx would hold back what is sent until it has some kilobytes.
      'X-Accel-Buffering': 'no',
    })
    const events = this.#beginWith().map(([event, value]) => formatEvent(event, value))
    response.write(`retry: ${retryMs}\n\n${events.join('')}`)
  }

  send(event: string, value: unknown): void {
    if (this.#open.size === 0) return
    const text = formatEvent(event, value)
    for (const response of this.#open)
      if (response.writableLength > limits.eventBytesMax) response.destroy()
      else response.write(text)
  }

  [Symbol.dispose](): void {
    for (const response of this.#open) response.end()
  }
}

/** After so long a page asks again. */
const retryMs = 1000

/** JSON has no line end, which would end an event's data. */
const formatEvent = (event: string, value: unknown) => `event: ${event}\ndata: ${JSON.stringify(value)}\n\n`
