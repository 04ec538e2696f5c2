import { HeadraceError } from '../../errors.ts'
import { cleanName } from '../../text/printable.ts'

/** Where a server of models is asked, and how. */
export interface Endpoint {
  readonly url: URL
  /** Sent as `Authorization: Bearer`, to this URL and nowhere else; null where none is needed. */
  readonly key: string | null
  readonly timeoutMs: number
}

/** What of it is asked: the path behind `/v1`. */
export type Service = 'chat/completions' | 'embeddings'

/** What a caller says of a server. */
export interface EndpointGiven {
  /** `http://host:8000`, with `/v1` or the path of the service behind it or not. */
  readonly endpoint: string
  /** The environment variable that holds the key; undefined where the server needs none. */
  readonly keyFrom: string | undefined
  readonly timeoutSeconds: number
}

/** Reads it before any work; throws `bad-option`. The key is in no message. */
export function readEndpoint(
  who: string,
  service: Service,
  { endpoint, keyFrom, timeoutSeconds }: EndpointGiven,
): Endpoint {
  const refuse = (what: string) => new HeadraceError('bad-option', `${who}: ${what}`)
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null
  if (!url || !['http:', 'https:'].includes(url.protocol))
    throw refuse(`the endpoint is '${cleanName(endpoint)}': give a URL as http://localhost:8000`)
  if (url.username || url.password)
    throw refuse(
      'the endpoint has a name or password in it, which runs would record: put the key into an environment variable',
    )
  const path = url.pathname.replace(/\/+$/, '')
  if (path === '' || path.endsWith('/v1')) url.pathname = `${path || '/v1'}/${service}`
  return { url, key: keyFrom === undefined ? null : readKey(keyFrom, refuse), timeoutMs: timeoutSeconds * 1000 }
}

function readKey(variable: string, refuse: (what: string) => HeadraceError): string {
  const key = process.env[variable]?.trim()
  if (!key) throw refuse(`the environment has no ${cleanName(variable)}, which is to hold the key: export it`)
  if (!/^[\x21-\x7e]+$/.test(key))
    throw refuse(`what is in ${cleanName(variable)} is no key: it has spaces or other signs`)
  return key
}
