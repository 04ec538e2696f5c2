import { HeadraceError } from '../errors.ts'

/** Where a server is reached: `[HOST:]PORT`, by default this machine alone; port 0 takes a free one. */
export interface Reach {
  readonly address: string
  /** Names by which others may ask for it besides this machine's own, as a proxy passes them on. Default none. */
  readonly names?: readonly string[]
}

/** `9464`, `0.0.0.0:9464`, `[::1]:9464`. */
export function parseAddress(address: string): { host: string; port: number } {
  const [, ipv6, name, digits] = /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([\w.-]+)):)?(\d{1,5})$/.exec(address) ?? []
  if (digits !== undefined && Number(digits) < 65_536)
    return { host: ipv6 ?? name ?? '127.0.0.1', port: Number(digits) }
  throw new HeadraceError('bad-option', `--http is '${address}'; it takes PORT, HOST:PORT or [ADDRESS]:PORT`)
}
