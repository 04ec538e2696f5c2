import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { HeadraceError } from '../errors.ts'

export interface Broker {
  readonly host: string
  readonly port: number
}

/** A password. Nothing that prints shows it: neither a template, JSON nor inspect. */
export class Secret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  reveal(): string {
    return this.#text
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [inspect.custom](): string {
    return '[secret]'
  }
}

export const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
export const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
const protocols = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'] as const

export interface KafkaOptions {
  readonly brokers: readonly Broker[]
  readonly tls: Tls | null
  readonly sasl: Sasl | null
  readonly compression: (typeof compressions)[number]
  /** The broker aborts a transaction that lasts longer. */
  readonly transactionTimeoutMs: number
  readonly requestTimeoutMs: number
  /** How long what a broker refuses for the moment is tried again before the caller is told. */
  readonly retryTimeoutMs: number
  /** Stands before every topic, group and transactional id. */
  readonly prefix: string
  /** Copies of a topic that is created; -1 is the broker's default. */
  readonly replicationFactor: number
}

export interface Tls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: Secret
  readonly passphrase?: Secret
  readonly checksName: boolean
}

export interface Sasl {
  readonly mechanism: (typeof mechanisms)[number]
  readonly username: string
  readonly password: Secret
}

/** Kafka's names, and the default of each. A file and the environment give them alike. */
const defaults: Readonly<Record<string, string>> = {
  'security.protocol': 'PLAINTEXT',
  'sasl.mechanism': 'PLAIN',
  'sasl.username': '',
  'sasl.password': '',
  'sasl.jaas.config': '',
  'ssl.truststore.location': '',
  'ssl.truststore.type': 'PEM',
  'ssl.keystore.location': '',
  'ssl.keystore.type': 'PEM',
  'ssl.key.password': '',
  'ssl.endpoint.identification.algorithm': 'https',
  'compression.type': 'none',
  'transaction.timeout.ms': '60000',
  'request.timeout.ms': '30000',
  'delivery.timeout.ms': '120000',
  'replication.factor': '-1',
  'topic.prefix': '',
}

/** Where the run's brokers are: `kafka://HOST:PORT[,HOST:PORT]`. `properties` go before what the environment says. */
export function parseKafkaOptions(
  url: string,
  properties: Readonly<Record<string, string>> = {},
  environment: Readonly<Record<string, string | undefined>> = {},
): KafkaOptions {
  const all: Record<string, string> = { ...defaults }
  for (const name of Object.keys(defaults)) all[name] = environment[variableOf(name)] ?? all[name]
  for (const [name, value] of Object.entries(properties)) {
    if (!(name in defaults)) throw unknownOption(name)
    all[name] = value
  }
  const protocol = oneOf(protocols, all, 'security.protocol')
  return Object.freeze({
    brokers: parseBrokers(url),
    tls: protocol.endsWith('SSL') ? readTls(all) : null,
    sasl: protocol.startsWith('SASL') ? readSasl(all) : null,
    compression: oneOf(compressions, all, 'compression.type'),
    transactionTimeoutMs: integer(all, 'transaction.timeout.ms', 1000),
    requestTimeoutMs: integer(all, 'request.timeout.ms', 1000),
    retryTimeoutMs: integer(all, 'delivery.timeout.ms', 0),
    prefix: all['topic.prefix'],
    replicationFactor: integer(all, 'replication.factor', -1),
  })
}

/** The variable of the environment for an option: HEADRACE_KAFKA_SASL_PASSWORD for `sasl.password`. */
export const variableOf = (name: string): string => `HEADRACE_KAFKA_${name.replaceAll('.', '_').toUpperCase()}`

/** A file of `name=value` lines, as Kafka's own client.properties: `#` and `!` begin a comment, a `\` at the end goes on. */
export function parseProperties(text: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const line of text.replace(/\\\r?\n\s*/g, '').split(/\r?\n/)) {
    const match = /^\s*([^#!\s=:][^\s=:]*)\s*[=:\s]\s*(.*?)\s*$/.exec(line)
    if (match) found[match[1]] = match[2]
    else if (/^\s*[^#!\s]/.test(line))
      throw new HeadraceError('bad-option', 'a line of the properties file has no `=`: write name=value')
  }
  return found
}

function parseBrokers(url: string): readonly Broker[] {
  const list = /^kafka:\/\/([^/?#@]+)\/?$/.exec(url)?.[1].split(',')
  const brokers = list?.map(text => /^(?:\[([0-9a-f:]+)\]|([^:]+))(?::(\d{1,5}))?$/i.exec(text))
  if (!brokers?.every(match => match !== null))
    // Not with the text: it may hold a password, and passwords stand elsewhere.
    throw new HeadraceError(
      'bad-option',
      'a log on Kafka is kafka://HOST:PORT[,HOST:PORT], without user, password or path',
    )
  return brokers.map(match => ({ host: match[1] ?? match[2], port: Number(match[3] ?? 9092) }))
}

function readSasl(all: Readonly<Record<string, string>>): Sasl {
  const jaas = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(all['sasl.jaas.config'])?.[1]
  const username = all['sasl.username'] || jaas('username')
  const password = all['sasl.password'] || jaas('password')
  if (!username || !password)
    throw new HeadraceError(
      'bad-option',
      `security.protocol ${all['security.protocol']} needs sasl.username and sasl.password: set ${variableOf('sasl.username')} and ${variableOf('sasl.password')}, or write them in the file of --log-config`,
    )
  return { mechanism: oneOf(mechanisms, all, 'sasl.mechanism'), username, password: new Secret(password) }
}

function readTls(all: Readonly<Record<string, string>>): Tls {
  for (const name of ['ssl.truststore.type', 'ssl.keystore.type']) oneOf(['PEM'], all, name)
  const trusted = readPem(all, 'ssl.truststore.location')
  const own = readPem(all, 'ssl.keystore.location')
  return {
    ...(trusted && { ca: trusted }),
    ...(own && { cert: own, key: new Secret(own) }),
    ...(all['ssl.key.password'] && { passphrase: new Secret(all['ssl.key.password']) }),
    checksName: all['ssl.endpoint.identification.algorithm'] !== '',
  }
}

function readPem(all: Readonly<Record<string, string>>, name: string): string | null {
  if (!all[name]) return null
  try {
    return readFileSync(all[name], 'utf8')
  } catch (error) {
    throw new HeadraceError(
      'bad-option',
      `${name}: ${all[name]} can't be read (${(error as NodeJS.ErrnoException).code})`,
    )
  }
}

function oneOf<T extends string>(allowed: readonly T[], all: Readonly<Record<string, string>>, name: string): T {
  const found = allowed.find(value => value.toLowerCase() === all[name].toLowerCase())
  if (found) return found
  throw new HeadraceError('bad-option', `${name} is '${all[name]}': it is one of ${allowed.join(', ')}`)
}

function integer(all: Readonly<Record<string, string>>, name: string, min: number): number {
  const value = Number(all[name])
  if (Number.isInteger(value) && value >= min && value < 2 ** 31) return value
  throw new HeadraceError('bad-option', `${name} is '${all[name]}': it is a whole number of at least ${min}`)
}

function unknownOption(name: string): HeadraceError {
  const known = Object.keys(defaults).join(', ')
  return new HeadraceError('bad-option', `'${name}' is no option of a log on Kafka; they are ${known}`)
}
