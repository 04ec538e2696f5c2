import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { API } from '@platformatic/kafka'
import { assert, HeadraceError } from '../../errors.ts'
import type { Cluster, Lane } from '../../kafka/cluster.ts'
import { isCode, isPassing, wrapKafkaError } from '../../kafka/errors.ts'
import { HeldShares, type TopicPartitions } from '../held-shares.ts'
import type { Membership, ShareHandler } from '../log.ts'
import type { Names } from './names.ts'

/** How long the group waits for a member that is silent. Brokers do not tell: group.consumer.session.timeout.ms is this by default. */
const sessionMs = 45_000
/** How long the group waits until a member gave up a share, before it counts it as gone. Longer than a slot's commit may take. */
const giveMsMax = 60_000
/** A heartbeat without an answer is sent anew on another connection, well within the session. */
const beatMsMax = 10_000
/** Leaving is a courtesy: without it the group notices when the session is over. */
const leaveMsMax = 3000
const pauseMsMax = 500
/** The epoch with which a member says that it leaves. */
const leaveEpoch = -1

interface Given {
  readonly cluster: Cluster
  readonly names: Names
  readonly stages: readonly string[]
  readonly handler: ShareHandler
  /** Default 45 s, as the brokers'. */
  readonly sessionMs?: number
}

type Answer = Cluster['requests']['heartbeat'] extends API<never, infer R> ? R : never

/**
 * A member of the group that shares out a run's work (KIP-848). The group assigns partitions of the topics of positions, and each stands
 * for a share. Every heartbeat says all that the member has and every answer all that it should have, so none depends on another having
 * arrived. A share is reported until it was given up; the group assigns it to nobody else before.
 */
export class Member implements Membership {
  readonly failed: Promise<never>
  readonly #fail: (error: unknown) => void
  readonly #given: Given
  readonly #shares: HeldShares
  /** Topics of positions by id. An id that is missing here is looked up. */
  readonly #stages = new Map<string, string>()
  #lane: Lane
  #id: string = randomUUID()
  #epoch = 0
  #intervalMs = 0
  #assignment: readonly TopicPartitions[] = []
  #isLearning = false
  #isLeaving = false
  #isOver = false
  #hurry: () => void = () => {}
  #isHurried = false
  #running: Promise<void> = Promise.resolve()
  #left: Promise<void> | null = null

  private constructor(given: Given) {
    const { promise, reject } = Promise.withResolvers<never>()
    // A rejection that nobody waits for would end the process.
    promise.catch(() => {})
    this.failed = promise
    this.#fail = error => reject(this.#explain(error))
    this.#given = given
    this.#lane = given.cluster.lane(beatMsMax)
    this.#shares = new HeldShares(given.handler, { onGiven: () => this.#beatSoon(), onError: this.#fail })
  }

  /** Joins; rejects with what the brokers refuse. */
  static async open(given: Given): Promise<Member> {
    assert(given.stages.length > 0, 'a member takes part in some stage')
    if (!given.cluster.hasMembers) throw tooOldError()
    const member = new Member(given)
    try {
      await member.#beat()
    } catch (error) {
      await given.cluster.closeLane(member.#lane)
      throw member.#explain(error)
    }
    member.#running = member.#run()
    return member
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#left ??= this.#leave()
    return this.#left
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        await this.#pause()
        if (this.#isOver) return
        await this.#beat()
      }
    } catch (error) {
      this.#fail(error)
    }
  }

  /** One heartbeat, sent again until it is answered or nobody can be expected to answer any more. */
  async #beat(): Promise<void> {
    const { cluster } = this.#given
    const end = performance.now() + Math.max(this.#given.sessionMs ?? sessionMs, cluster.options.retryTimeoutMs)
    for (let pauseMs = 20; ; pauseMs = Math.min(2 * pauseMs, pauseMsMax)) {
      try {
        return this.#heed(await this.#send(this.#epoch))
      } catch (error) {
        if (this.#isOver) return
        if (this.#epoch > 0 && isGone(error)) this.#startAnew()
        else if (cluster.isClosed || !isPassing(error) || performance.now() > end) throw error
        else this.#reconnect()
      }
      await sleep(pauseMs)
    }
  }

  async #send(epoch: number): Promise<Answer> {
    const { cluster, names, stages } = this.#given
    const node = await cluster.coordinator('group', names.members, this.#lane)
    const topics = stages.map(stage => names.positions(stage))
    const held = epoch > 0 ? this.#shares.held : []
    return cluster.call(
      node,
      cluster.requests.heartbeat,
      // 'uniform' spreads the shares of all topics evenly; the other one, 'range', gives the first of each to one member.
      [names.members, this.#id, epoch, null, null, giveMsMax, topics, null, 'uniform', held],
      this.#lane,
    )
  }

  #heed({ memberEpoch, heartbeatIntervalMs, assignment }: Answer): void {
    this.#epoch = memberEpoch
    this.#intervalMs = heartbeatIntervalMs
    if (assignment) this.#assignment = assignment.topicPartitions
    this.#reconcile()
  }

  #reconcile(): void {
    if (this.#isLeaving) return
    const isKnown = ({ topicId }: TopicPartitions) => this.#stages.has(topicId)
    if (!this.#assignment.every(isKnown)) void this.#learn()
    const assigned = this.#assignment.filter(isKnown).flatMap(({ topicId, partitions }) => {
      const stage = this.#stages.get(topicId)!
      return partitions.map(partition => ({ topicId, share: { stage, partition } }))
    })
    this.#shares.assign(assigned)
  }

  /** Looks up the ids of the topics of positions, beside the heartbeats. What fails here is tried again after the next one. */
  async #learn(): Promise<void> {
    if (this.#isLearning) return
    this.#isLearning = true
    const { cluster, names, stages } = this.#given
    try {
      cluster.forget()
      for (const stage of stages) {
        const topic = await cluster.topic(names.positions(stage))
        if (!topic) continue
        for (const [id, other] of this.#stages) if (other === stage) this.#stages.delete(id)
        this.#stages.set(topic.id, stage)
      }
      this.#reconcile()
    } catch (error) {
      if (!isPassing(error)) this.#fail(error)
    } finally {
      this.#isLearning = false
    }
  }

  /** The group counts this member as gone. A new one joins. */
  #startAnew(): void {
    this.#id = randomUUID()
    this.#epoch = 0
    this.#assignment = []
    this.#shares.lose()
  }

  #reconnect(): void {
    const { cluster } = this.#given
    const broken = this.#lane
    this.#lane = cluster.lane(beatMsMax)
    cluster.forget()
    // A connection that hangs may take long to close.
    cluster.closeLane(broken).catch(() => {})
  }

  async #leave(): Promise<void> {
    this.#isLeaving = true
    // Heartbeats go on meanwhile.
    await this.#shares.giveAll()
    this.#isOver = true
    this.#beatSoon()
    const leave = async () => {
      await this.#running
      if (this.#epoch > 0) await this.#send(leaveEpoch)
      await this.#given.cluster.closeLane(this.#lane)
    }
    await Promise.race([leave().catch(() => {}), sleep(leaveMsMax, undefined, { ref: false })])
    this.#given.cluster.closeLane(this.#lane).catch(() => {})
  }

  #beatSoon(): void {
    this.#isHurried = true
    this.#hurry()
  }

  /** Until the next heartbeat is due. */
  async #pause(): Promise<void> {
    if (!this.#isHurried) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, this.#intervalMs)
      this.#hurry = resolve
      await promise
      clearTimeout(timer)
    }
    this.#isHurried = false
  }

  #explain(error: unknown): unknown {
    if (isCode(error, 'UNSUPPORTED_VERSION')) return tooOldError()
    const group = this.#given.names.members
    if (isCode(error, 'GROUP_MAX_SIZE_REACHED'))
      return new HeadraceError(
        'limit',
        `group ${group} takes no more members: raise group.consumer.max.size of the brokers`,
      )
    return wrapKafkaError(error, `being a member of group ${group}`)
  }
}

/** The group does not know this member any more, and has given its shares to others. */
const isGone = (error: unknown) => isCode(error, 'UNKNOWN_MEMBER_ID') || isCode(error, 'FENCED_MEMBER_EPOCH')

const tooOldError = () =>
  new HeadraceError(
    'bad-option',
    'these brokers do not share out work among processes: Kafka 4.0 or later is needed for that; run without --spread',
  )
