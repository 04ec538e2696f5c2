import type { Broker } from './options.ts'

/** A broker that no connection could be made to. */
export class UnreachableError extends Error {
  readonly broker: Broker

  constructor(broker: Broker, cause: unknown) {
    super(`${broker.host}:${broker.port}`, { cause })
    this.broker = broker
  }
}

/** Why, by the system's code. */
const reasons: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no such host is known',
  EAI_AGAIN: 'the name server does not answer',
  ECONNREFUSED: 'nothing listens at this port',
  ECONNRESET: 'it closed the connection: another protocol may be spoken at this port',
  EHOSTUNREACH: 'no way leads to this host',
  ENETUNREACH: 'no way leads to its network',
  ETIMEDOUT: 'it does not answer',
  PLT_KFK_TIMEOUT: 'it does not answer',
}

interface Nested {
  readonly code?: string
  readonly errors?: readonly unknown[]
  readonly cause?: unknown
}

/** The brokers within an error that could not be reached, each with the reason by the innermost code that is known: `HOST:PORT: REASON (CODE)`. */
export function describeUnreachable(error: unknown): string[] {
  const { errors = [], cause } = (error ?? {}) as Nested
  if (!(error instanceof UnreachableError))
    return [...errors, cause].flatMap(one => (one ? describeUnreachable(one) : []))
  const { host, port } = error.broker
  const code = systemCodes(cause).findLast(one => one in reasons)
  return code ? [`${host}:${port}: ${reasons[code]} (${code})`] : []
}

function systemCodes(error: unknown): string[] {
  const { code, errors = [], cause } = (error ?? {}) as Nested
  return [...(code ? [code] : []), ...[...errors, cause].flatMap(one => (one ? systemCodes(one) : []))]
}
