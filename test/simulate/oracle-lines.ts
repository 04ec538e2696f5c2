import { createHash } from 'node:crypto'

/** The SHA-256 of a block's file. */
export type HashOfBlock = (domain: string, block: number, epoch: number) => string

interface Range {
  readonly block: number
  readonly epoch: number
  readonly from: number
  readonly to: number
}
interface Total {
  readonly samples: number
  readonly tokens: number
}

/** A step with all that a ledger of form 1 says of it. */
export interface WholeStep {
  readonly step: number
  readonly samples: number
  readonly tokens: number
  readonly manifest: number
  readonly control: number
  readonly previous: string
  readonly domains: Readonly<Record<string, readonly Range[]>>
  readonly mixture: Readonly<Record<string, number>>
  readonly carry: Readonly<Record<string, number>>
  readonly totals: Readonly<Record<string, Total>>
}

/** What the lines of form 2 say of steps, one after another: what is in a snapshot, and what changed since. */
export class ExpectedLines {
  readonly #length: number
  readonly #hashOf: HashOfBlock
  readonly #isSnapshot: (step: number) => boolean
  #since: WholeStep[] = []
  #before: Readonly<Record<string, Total>> = {}
  #weighted = ''

  constructor(length: number, segmentSteps: number, snapshotSteps: number, hashOf: HashOfBlock) {
    this.#length = length
    this.#hashOf = hashOf
    this.#isSnapshot = step => (step % segmentSteps) % snapshotSteps === 0
  }

  of(step: WholeStep): object {
    const { mixture, carry, totals, domains, ...others } = step
    const isSnapshot = this.#isSnapshot(step.step)
    if (isSnapshot) this.#since = []
    const weighted = JSON.stringify([step.control, Object.keys(mixture).sort()])
    const isMixed = isSnapshot || weighted !== this.#weighted
    const fed: Record<string, unknown> = Object.create(null)
    for (const [name, ranges] of Object.entries(domains)) {
      const before = Object.hasOwn(this.#before, name) ? this.#before[name] : { samples: 0, tokens: 0 }
      fed[name] = this.#place(name, ranges, totals[name].tokens - before.tokens)
    }
    const blocks = this.#newBlocks(domains)
    this.#since.push(step)
    this.#before = totals
    this.#weighted = weighted
    return {
      ...others,
      domains: fed,
      ...(Object.keys(blocks).length > 0 ? { blocks } : {}),
      ...(isMixed ? { mixture } : {}),
      ...(isSnapshot ? { carry, totals } : {}),
    }
  }

  #place(name: string, ranges: readonly Range[], tokens: number): unknown {
    const last = this.#since.findLast(({ domains }) => Object.hasOwn(domains, name))?.domains[name].at(-1)
    const [only] = ranges
    const goesOn = last && last.block === only.block && last.epoch === only.epoch && last.to === only.from
    if (ranges.length > 1 || !goesOn) return { ranges, tokens }
    const samples = only.to - only.from
    return samples * this.#length === tokens ? samples : { samples, tokens }
  }

  #newBlocks(domains: WholeStep['domains']): Record<string, object[]> {
    const isKnown = (name: string, { block, epoch }: Range) =>
      this.#since.some(({ domains }) =>
        (Object.hasOwn(domains, name) ? domains[name] : []).some(one => one.block === block && one.epoch === epoch),
      )
    const blocks: Record<string, object[]> = Object.create(null)
    for (const [name, ranges] of Object.entries(domains)) {
      const found = ranges.filter(range => !isKnown(name, range))
      if (found.length === 0) continue
      blocks[name] = found.map(({ block, epoch }) => ({ block, epoch, sha256: this.#hashOf(name, block, epoch) }))
    }
    return blocks
  }
}

/** JSON without spaces, keys in the order of their UTF-16 code units. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  const entries = Object.entries(value).filter(([, part]) => part !== undefined)
  const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${sorted.map(([name, part]) => `${JSON.stringify(name)}:${canonical(part)}`).join(',')}}`
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
