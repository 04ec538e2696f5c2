import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { ServeCounts } from './counts.ts'

type Ends = Pick<Socket, 'remoteAddress' | 'remotePort'>

/** A connection as it is named on both sides of its TLS. */
const nameOf = ({ remoteAddress, remotePort }: Ends) => `${remoteAddress} ${remotePort}`

/** Requests of one connection that wait for the one ahead of them: who asks like this asks for a few files. */
const waitingMax = 64

interface Connection {
  readonly socket: Socket
  /** Came when there were too many: its requests are answered by that. */
  readonly isOver: boolean
  /** Since when it has no request, in milliseconds of the process's clock. */
  idleSince: number
  requests: number
  /** The answer to its last request. */
  last: Promise<void>
}

/**
 * The connections of a server, `max` of them. One more makes the one go that is longest without a request; where all have one, the new one is
 * told to come again later, and beyond twice as many nobody is told anything. Each has one answer at a time, so that there are no more files
 * open than connections.
 */
export class Connections {
  readonly #open = new Map<string, Connection>()
  readonly #max: number
  readonly #counts: ServeCounts

  constructor(server: Server, max: number, counts: ServeCounts) {
    this.#max = max
    this.#counts = counts
    server.on('connection', (socket: Socket) => this.#add(socket))
  }

  /** Does the work of a request once those before it on its connection are answered. */
  async take(ends: Ends, work: (isOver: boolean) => Promise<void>): Promise<void> {
    const connection = this.#open.get(nameOf(ends))
    if (!connection) return
    if (connection.requests > waitingMax) {
      this.#counts.closed++
      connection.socket.destroy()
      return
    }
    connection.requests++
    connection.last = connection.last.then(() => work(connection.isOver))
    await connection.last
    connection.requests--
    connection.idleSince = performance.now()
  }

  destroyAll(): void {
    for (const { socket } of this.#open.values()) socket.destroy()
  }

  #add(socket: Socket): void {
    const name = nameOf(socket)
    const isOver = this.#open.size >= this.#max && !this.#makeRoom()
    if (isOver && this.#open.size >= 2 * this.#max) {
      this.#counts.closed++
      socket.destroy()
      return
    }
    const connection = { socket, isOver, idleSince: performance.now(), requests: 0, last: Promise.resolve() }
    this.#open.set(name, connection)
    socket.on('close', () => {
      if (this.#open.get(name) === connection) this.#open.delete(name)
    })
  }

  #makeRoom(): boolean {
    let oldest: Connection | null = null
    for (const one of this.#open.values())
      if (one.requests === 0 && one.idleSince < (oldest?.idleSince ?? Number.POSITIVE_INFINITY)) oldest = one
    if (!oldest) return false
    this.#open.delete(nameOf(oldest.socket))
    this.#counts.closed++
    oldest.socket.destroy()
    return true
  }
}
