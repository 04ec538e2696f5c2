/** Where a URL leads, in one spelling: what lists of sites and documents are compared by. */
export interface Address {
  /** Lower case, Punycode where it is international, without port, user, brackets and final dots; or an IP address. */
  readonly host: string
  /** Path and query as the URL standard writes them, from the `/` on; without fragment. */
  readonly path: string
}

/** A domain name has no more characters (RFC 1035, section 2.3.4). */
const hostMax = 253
/** UTF-16 units of host, port and user: Punycode takes time quadratic in a name, 0.1 s for 4,000 letters. */
const authorityMax = 512
/** UTF-16 units of a URL that are looked at: what comes behind is in no list, whose lines are shorter. */
export const addressUnitsMax = 8192

const webSchemes = new Set(['http', 'https', 'ftp', 'ws', 'wss'])

/**
 * Reads a URL by the URL standard (WHATWG), or what stands in lists and corpora for one: `//host/path`, `host`, `host:80/path`. Null for what
 * has no host: other schemes, broken names, and names that are longer than DNS allows. Only the first 8,192 UTF-16 units are looked at.
 */
export function readAddress(url: string): Address | null {
  const rest = findAuthority(url.slice(0, addressUnitsMax).trim())
  if (rest === null) return null
  const end = rest.search(/[/?#\\]/)
  const length = end < 0 ? rest.length : end
  if (length === 0 || length > authorityMax) return null
  const parsed = URL.parse(`http://${rest}`)
  if (parsed === null) return null
  const host = trimHost(parsed.hostname)
  return host === '' || host.length > hostMax ? null : { host, path: parsed.pathname + parsed.search }
}

/** What stands behind the scheme and `//`; null where there is another scheme than the web's. */
function findAuthority(url: string): string | null {
  const at = url.indexOf('://')
  const scheme = url.slice(0, Math.max(at, 0))
  if (/^[a-z][a-z0-9+.-]{0,31}$/i.test(scheme)) return webSchemes.has(scheme.toLowerCase()) ? url.slice(at + 3) : null
  if (url.startsWith('//')) return url.slice(2)
  // `mailto:` and the like; a number is a port.
  return /^[a-z][a-z0-9+-]{0,31}:(?!\d)/i.test(url) ? null : url
}

function trimHost(host: string): string {
  let end = host.length
  while (end > 0 && host.charCodeAt(end - 1) === 0x2e) end--
  return host.startsWith('[') ? host.slice(1, -1) : host.slice(0, end)
}

/** Of a host that `readAddress` gave: IPv6 has colons, and IPv4 ends in a number, which no domain does. */
export function isIpAddress(host: string): boolean {
  return host.includes(':') || /(?:^|\.)\d+$/.test(host)
}

/** The host and each domain that it lies in, longest first, down to two labels; an IP address alone. A name of one label has none. */
export function domainsOf(host: string): string[] {
  if (isIpAddress(host)) return [host]
  const domains: string[] = []
  for (let at = 0, dot = host.indexOf('.'); dot >= 0; at = dot + 1, dot = host.indexOf('.', at))
    domains.push(host.slice(at))
  return domains
}

/** Beginnings of a path that are compared, so that one of dashes and slashes costs no more than another. */
export const pathPartsMax = 32

/** The beginnings of a path that end where a part of it ends, shortest first: `/a`, `/a/b`, `/a/b?c=1`; at most `pathPartsMax`. */
export function pathsOf(path: string): string[] {
  const paths: string[] = []
  const borders = /[/?&]|$/g
  borders.lastIndex = 1
  for (let found = borders.exec(path); found && paths.length < pathPartsMax; found = borders.exec(path)) {
    if (found.index > 1) paths.push(path.slice(0, found.index))
    if (found.index >= path.length) break
    borders.lastIndex = found.index + 1
  }
  return paths
}
