import { assert } from '../../errors.ts'
import { HeldShares } from '../held-shares.ts'
import type { Membership, Share, ShareHandler } from '../log.ts'

/** A member that can be counted as gone while it is at work, as one is that was cut off. */
export interface MemoryMember extends Membership {
  /** The others get its shares at once; it is told, and joins anew. */
  lose(): void
}

interface Member {
  /** None once it leaves. */
  stages: readonly string[]
  readonly shares: HeldShares
}

/** Members in one process, in the order in which they joined. The same members get the same shares. */
export class MemoryGroup {
  readonly #partitionsOf: (stage: string) => number
  readonly #members = new Set<Member>()

  constructor(partitionsOf: (stage: string) => number) {
    this.#partitionsOf = partitionsOf
  }

  join(stages: readonly string[], handler: ShareHandler): MemoryMember {
    assert(stages.length > 0, 'a member takes part in some stage')
    const { promise: failed, reject } = Promise.withResolvers<never>()
    failed.catch(() => {})
    const member = { stages, shares: new HeldShares(handler, { onGiven: () => this.#shareOut(), onError: reject }) }
    this.#enter(member)
    const lose = () => {
      this.#members.delete(member)
      member.shares.lose()
      this.#enter(member)
    }
    let left: Promise<void> | null = null
    return { failed, lose, [Symbol.asyncDispose]: () => (left ??= this.#leave(member)) }
  }

  #enter(member: Member): void {
    this.#members.add(member)
    this.#shareOut()
  }

  async #leave(member: Member): Promise<void> {
    member.stages = []
    this.#shareOut()
    await member.shares.giveAll()
    this.#members.delete(member)
  }

  /** Has everyone give up what is another's, and take what is its own and nobody has any more. */
  #shareOut(): void {
    const wanted = this.#assign()
    for (const member of this.#members) {
      const isFree = (share: Share) => ![...this.#members].some(other => other !== member && holds(other, share))
      const free = wanted.get(member)!.filter(isFree)
      member.shares.assign(free.map(share => ({ share, topicId: share.stage })))
    }
  }

  /** Each share to the member of its stage that has the fewest so far. */
  #assign(): Map<Member, Share[]> {
    const wanted = new Map([...this.#members].map(member => [member, [] as Share[]]))
    for (const stage of new Set([...this.#members].flatMap(({ stages }) => stages)))
      for (let partition = 0; partition < this.#partitionsOf(stage); partition++) {
        const able = [...wanted].filter(([{ stages }]) => stages.includes(stage)).map(([, shares]) => shares)
        able.reduce((a, b) => (b.length < a.length ? b : a)).push({ stage, partition })
      }
    return wanted
  }
}

function holds({ shares }: Member, { stage, partition }: Share): boolean {
  return shares.held.some(({ topicId, partitions }) => topicId === stage && partitions.includes(partition))
}
