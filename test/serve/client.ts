import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { placesOf } from '../../src/serve/places.ts'
import { type FeedServerOptions, serveFeed } from '../../src/serve/serve-feed.ts'

/** Serves the feed of a folder like a run's, on a free port of this machine. */
export function serve(dir: string, options: Partial<FeedServerOptions> = {}) {
  const places = placesOf(`${dir}/feed`, '../shards')
  return serveFeed({ places, host: '127.0.0.1', port: 0, token: null, tls: null, ...options })
}

/** A connection to a server that says what it is told to, and nothing else. */
export async function open(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** A request as it is, which `fetch` would put in order first. */
export const request = (path: string, headers = '', method = 'GET') =>
  `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`

/** All that a server says until it closes. */
export async function sayAndHear(url: string, text: string): Promise<string> {
  const socket = await open(url)
  socket.write(text)
  return hear(socket)
}

export async function hear(socket: Socket): Promise<string> {
  const parts: Buffer[] = []
  socket.on('data', part => parts.push(part))
  if (!socket.closed) await new Promise(resolve => socket.on('close', resolve))
  return Buffer.concat(parts).toString('latin1')
}

/** Waits for something that is so sooner or later. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(resolve => setImmediate(resolve))
}
