import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { isIP, type Server } from 'node:net'
import { HeadraceError } from '../errors.ts'

/**
 * A page of the web whose name was made to point at this machine sends its own name as the host. What only this machine reaches is asked
 * for by this machine's names, or by `names`; elsewhere a service may have any name.
 */
export function isMeant({ headers, socket }: IncomingMessage, names: readonly string[] = []): boolean {
  if (!isLoopback(socket.localAddress ?? '')) return true
  const [, name = ''] = /^(\[[^\]]*\]|[^:]*)(?::\d*)?$/.exec(headers.host ?? 'localhost') ?? []
  return isOwnName(name.replace(/^\[(.*)\]$/, '$1')) || names.includes(name.toLowerCase())
}

/** Whether a name or address is one that this machine alone reaches. */
export function isOwnName(name: string): boolean {
  return name.toLowerCase() === 'localhost' || isLoopback(name)
}

function isLoopback(address: string): boolean {
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.')) || address.startsWith('::ffff:127.')
}

/** A host as a URL has it. */
export function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** Begins to listen. Throws `locked` when the port is in use, `bad-option` when it can't be had; `option` names what was given. */
export async function listen(server: Server, host: string, port: number, option: string): Promise<void> {
  server.listen({ host, port, exclusive: true })
  await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE')
      throw new HeadraceError(
        'locked',
        `${option}: port ${port} of ${host} is in use: stop who has it, or name another`,
      )
    throw new HeadraceError('bad-option', `${option}: port ${port} of ${host} can't be had (${error.code})`, error)
  })
}
