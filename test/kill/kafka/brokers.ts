import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Cluster } from '../../../src/kafka/cluster.ts'
import { parseKafkaOptions } from '../../../src/log/kafka/kafka-log.ts'
import { makeFolder } from '../../temporary.ts'
import { FaultyProxy } from './proxy.ts'

const script = join(import.meta.dirname, '../../kafka/start-kafka.sh')
/** What is fetched once for all runs; out of the temporary folder, which is emptied. */
const cache = join(import.meta.dirname, '../../../node_modules/.cache/headrace')

/**
 * A lone broker of 4.3.0 and 4.4.0 that comes back after SIGKILL takes transactions for ended without marking their records (KAFKA-20734),
 * so that the next one commits them too. With several, some broker always leads.
 */
const loneVersion = '4.2.0'

/** Brokers of the harness's own, each with a proxy before it. Whoever reads to judge goes past the proxies. */
export class Brokers implements AsyncDisposable {
  readonly count: number
  readonly proxies: readonly FaultyProxy[]
  readonly #dir: string
  readonly #port: number

  private constructor(count: number, port: number, dir: string, proxies: readonly FaultyProxy[]) {
    this.count = count
    this.proxies = proxies
    this.#dir = dir
    this.#port = port
  }

  static async start(count: number, port: number): Promise<Brokers> {
    const nodes = Array.from({ length: count }, (_, i) => port + 10 * i)
    const proxies = await Promise.all(nodes.map(node => FaultyProxy.listen(node + 4, node + 3)))
    const brokers = new Brokers(count, port, makeFolder('kafka-kill-brokers'), proxies)
    await brokers.control('start')
    return brokers
  }

  /** Of all brokers, or of one, from 1 on. `start` waits until it serves. */
  async control(command: 'start' | 'stop' | 'kill9', node?: number): Promise<void> {
    const own = { KAFKA_DIR: this.#dir, KAFKA_PORT: `${this.#port}`, KAFKA_NODES: `${this.count}`, KAFKA_PROXIED: '1' }
    const lone = { KAFKA_VERSION: loneVersion, KAFKA_LIBS: `${cache}/kafka-libs-${loneVersion}` }
    const version = this.count === 1 && process.env.KAFKA_VERSION === undefined ? lone : {}
    const args = node === undefined ? [command] : [command, `${node}`]
    await promisify(execFile)(script, args, { env: { ...process.env, ...version, ...own } })
  }

  get proxiedUrl(): string {
    return this.#url(4)
  }

  get directUrl(): string {
    return this.#url(0)
  }

  /** Removes the topics of a run: a broker that was killed checks all that it holds before it serves. */
  async forget(run: string): Promise<void> {
    await using cluster = await Cluster.open(parseKafkaOptions(this.directUrl))
    const names = (await cluster.topicNames()).filter(name => name.startsWith(`${run}.`))
    const topics = names.map(name => ({ name }))
    const { api } = cluster.client.deleteTopicsV6
    await cluster.retry(async () => cluster.call(await cluster.controller(), api, [topics, 30_000]))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.control('kill9')
    await Promise.all(this.proxies.map(proxy => proxy[Symbol.asyncDispose]()))
    await rm(this.#dir, { recursive: true })
  }

  #url(portAfter: number): string {
    const all = Array.from({ length: this.count }, (_, i) => `127.0.0.1:${this.#port + 10 * i + portAfter}`)
    return `kafka://${all}`
  }
}
