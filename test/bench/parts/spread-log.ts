import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster } from '../../../src/kafka/cluster.ts'
import { KafkaLog, parseKafkaOptions } from '../../../src/log/kafka/kafka-log.ts'
import { type Log, readCommitted } from '../../../src/log/log.ts'
import { topics } from '../../../src/record/layout.ts'
import { openLogToRead } from '../../../src/record/open-log.ts'
import { readRunFile } from '../../../src/record/run-file.ts'
import { annotatedSlot, readBySlot } from '../../../src/record/slots.ts'

const optionsFor = (brokers: string) => parseKafkaOptions(`kafka://${brokers}`, {}, process.env)

/** The log of a spread run, to look into. */
export const openSpread = (brokers: string, run: string): Promise<KafkaLog> =>
  KafkaLog.open(optionsFor(brokers), { run, spread: ['annotate'] })

/** Returns once all partitions of a run are annotated up to a slot. */
export async function waitForAnnotated(log: Log, partitions: number, slot: number): Promise<void> {
  while ((await annotatedSlot(log, { partitions, lanes: 1, spread: true })) < slot) await sleep(50)
}

/** Slots that stand twice in a topic of slots, or not at all between its first and its last, or out of order. */
export interface SlotFaults {
  readonly slots: number
  readonly doubled: number
  readonly missing: number
  readonly disordered: number
}

export async function findSlotFaults(log: Log, topic: string, partitions: number): Promise<SlotFaults> {
  const faults = { slots: 0, doubled: 0, missing: 0, disordered: 0 }
  for (let partition = 0; partition < partitions; partition++) {
    const { first } = await log.bounds(topic, partition)
    const seen = new Set<number>()
    let last = -1
    for await (const { headers } of readCommitted(log, topic, partition, first)) {
      const slot = Number(headers.slot)
      faults.slots++
      if (seen.has(slot)) faults.doubled++
      if (slot < last || slot % partitions !== partition) faults.disordered++
      seen.add(slot)
      last = Math.max(last, slot)
    }
    const begin = first === 0n ? partition : Math.min(...seen)
    faults.missing += seen.size > 0 ? (last - begin) / partitions + 1 - seen.size : 1
  }
  return faults
}

/** SHA-256 over which rows were kept, slot after slot: equal for runs of equal input, however their topics are cut. */
export async function hashKept(dir: string): Promise<string> {
  const run = (await readRunFile(dir))!
  await using log = await openLogToRead(dir, run)
  const hash = createHash('sha256')
  for await (const { headers, value } of readBySlot(log, topics.kept, run.partitions))
    if (headers.end !== '1') hash.update(`${headers.slot} ${value.length}\n`).update(value)
  return hash.digest('hex')
}

/** For how long the brokers wait for a member that is silent, in seconds. */
export async function readSessionSeconds(brokers: string): Promise<number> {
  await using cluster = await Cluster.open(optionsFor(brokers))
  const node = await cluster.anyBroker()
  const name = 'group.consumer.session.timeout.ms'
  const resources = [{ resourceType: 4 as const, resourceName: String(node), configurationKeys: [name] }]
  const { results } = await cluster.call(node, cluster.requests.describeConfigs, [resources, false, false])
  return Number(results[0].configs[0].value) / 1000
}

/** How far the deciding stage is. */
export interface Decided {
  readonly at: number
  readonly slot: number
  readonly kept: number
}

/** Looks at the position of the deciding stage every 50 ms. `at` is when it was found, in milliseconds since 1970. */
export class DecideWatch {
  readonly #log: Log
  readonly #changes: Decided[] = [{ at: 0, slot: 0, kept: 0 }]
  #isStopped = false

  constructor(log: Log) {
    this.#log = log
    void this.#look()
  }

  get last(): Decided {
    return this.#changes.at(-1)!
  }

  async until(isReached: (decided: Decided) => boolean): Promise<void> {
    while (!isReached(this.last)) await sleep(10)
  }

  /** The first change that was found after a moment. */
  async moved(after: number): Promise<Decided> {
    for (;;) {
      const found = this.#changes.find(({ at }) => at > after)
      if (found) return found
      await sleep(10)
    }
  }

  stop(): void {
    this.#isStopped = true
  }

  async #look(): Promise<void> {
    while (!this.#isStopped) {
      const { slot, note } = await this.#log.position('decide', 0)
      if (slot !== this.last.slot) this.#changes.push({ at: Date.now(), slot, kept: JSON.parse(note).totals.kept })
      await sleep(50)
    }
  }
}
