import { canonicalJson } from '../../canonical-json.ts'
import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import {
  type OffMixture,
  openLine,
  openStep,
  type SampleRange,
  type Step,
  sealLine,
  type Total,
} from '../files/steps.ts'

export type { OffMixture, Step, Total }

/**
 * The lines of a ledger of form 2 say what changed. In full they would cost kilobytes with a score of domains, most of it what the line before
 * says too. Each 256th line of a file (`snapshotSteps`), from its first on, is a snapshot, which needs no line before it: it has `mixture`,
 * `carry`, `totals`, and where the samples of each of its domains lie. Another has a number for a domain whose samples go on where they ended
 * in a line since the snapshot, and `mixture` where other domains have a weight, or another control entry is in force. `blocks` has the
 * SHA-256 of each block's file that no line since the snapshot has named: a reader of any step finds those of all its blocks on the way from
 * the snapshot.
 */
export interface LineForm {
  /** 2 is the form of now. A ledger that was begun before has each step in full, and knows no hash of a block; it goes on so. */
  readonly ledger?: 2
  /** Tokens of a full sample. */
  readonly length: number
  /** Steps in one file of the ledger. */
  readonly segmentSteps?: number
  /** Lines from one snapshot of a file to the next. */
  readonly snapshotSteps?: number
}

/** What a step takes of a domain. */
export interface FedInStep {
  readonly ranges: FedRange[]
  tokens: number
}
/** `sha256` is of the block's file; null where nobody asked. */
export type FedRange = SampleRange & { readonly sha256: string | null }

/** What a line says of a domain: samples that go on, each full; the same where some are not; or where they lie. */
type Fed = number | { readonly samples: number; readonly tokens: number } | Placed
interface Placed {
  readonly ranges: readonly SampleRange[]
  readonly tokens: number
}

interface Line
  extends Pick<Step, 'step' | 'samples' | 'tokens' | 'length' | 'manifest' | 'control' | 'previous' | 'digest'> {
  readonly domains: Readonly<Record<string, Fed>>
  readonly blocks?: Readonly<Record<string, readonly NamedBlock[]>>
  readonly mixture?: Step['mixture']
  readonly carry?: Step['carry']
  readonly totals?: Step['totals']
}

type NamedBlock = Pick<SampleRange, 'block' | 'epoch' | 'cut'> & { readonly sha256: string }

/** The last step up to `step` whose line needs no other before it. */
export function snapshotUpTo(step: number, { segmentSteps, snapshotSteps }: LineForm): number {
  const inSegment = step % (segmentSteps ?? limits.ledgerSegmentSteps)
  return step - (inSegment % (snapshotSteps ?? limits.snapshotSteps))
}

const isSnapshot = (step: number, form: LineForm) => snapshotUpTo(step, form) === step

type Facts = Omit<Step, 'digest' | 'domains' | 'blocks'>

const namesOf = ({ block, epoch, cut }: SampleRange) => ({ block, epoch, ...(cut !== undefined && { cut }) })
const rangeOf = (range: SampleRange): SampleRange => ({ ...namesOf(range), from: range.from, to: range.to })

/** Seals steps one after another, from step 0 on. */
export class StepSealer {
  readonly #form: LineForm
  /** What the lines since the snapshot have said. */
  #ends = new Map<string, SampleRange>()
  #named = new Map<string, string>()
  #mixture: Step['mixture'] = {}
  #control = 0

  constructor(form: LineForm) {
    this.#form = form
  }

  seal(fed: Readonly<Record<string, FedInStep>>, facts: Facts): { step: Step; line: string } {
    const domains = mapNamed(fed, ({ ranges }) => ranges.map(rangeOf))
    if (this.#form.ledger === undefined) {
      const content = { ...facts, domains }
      return sealLine(content, digest => ({ ...content, digest }))
    }
    const isWhole = isSnapshot(facts.step, this.#form)
    if (isWhole) this.#forget()
    const isMixed = isWhole || facts.control !== this.#control || !hasSameKeys(facts.mixture, this.#mixture)
    if (isMixed) this.#mixture = facts.mixture
    this.#control = facts.control
    const { mixture, carry, totals, ...counts } = facts
    const blocks = this.#nameNew(fed)
    const line = {
      ...counts,
      domains: mapNamed(fed, (one, name) => this.#place(name, one, facts.length ?? this.#form.length)),
      ...(Object.keys(blocks).length > 0 && { blocks }),
      ...(isMixed && { mixture }),
      ...(isWhole && { carry, totals }),
    }
    const whole = { ...counts, totals, mixture: this.#mixture, domains, blocks: hashesOf(domains, this.#named) }
    return sealLine(line, digest => ({ ...whole, ...(isWhole && { carry }), digest }))
  }

  #forget(): void {
    this.#ends = new Map()
    this.#named = new Map()
  }

  #nameNew(fed: Readonly<Record<string, FedInStep>>): Record<string, NamedBlock[]> {
    const blocks: Record<string, NamedBlock[]> = Object.create(null)
    for (const [domain, { ranges }] of Object.entries(fed))
      for (const { sha256, ...range } of ranges) {
        if (sha256 === null) throw new TypeError(`block ${range.block} of '${domain}' has no hash`)
        if (this.#named.get(nameOf(domain, range)) === sha256) continue
        this.#named.set(nameOf(domain, range), sha256)
        ;(blocks[domain] ??= []).push({ ...namesOf(range), sha256 })
      }
    return blocks
  }

  /** `length`: of the step's samples. */
  #place(name: string, { ranges, tokens }: FedInStep, length: number): Fed {
    const end = this.#ends.get(name)
    const last = rangeOf(ranges.at(-1)!)
    this.#ends.set(name, last)
    if (ranges.length > 1 || !end || !goesOn(end, last)) return { ranges: ranges.map(rangeOf), tokens }
    const samples = last.to - last.from
    return tokens === samples * length ? samples : { samples, tokens }
  }
}

/** Opens lines one after another, from a snapshot on. */
export class StepOpener {
  readonly #form: LineForm
  #ends = new Map<string, SampleRange>()
  #named = new Map<string, string>()
  #mixture: Step['mixture'] = {}
  #totals = new Map<string, Total>()
  /** The step whose line comes next; null after one that could not be opened. */
  #next: number | null = null

  constructor(form: LineForm) {
    this.#form = form
  }

  /** Whether a step can be opened now: its line is whole by itself, or those since the snapshot were opened. */
  canOpen(step: number): boolean {
    return this.#form.ledger === undefined || step === this.#next || isSnapshot(step, this.#form)
  }

  /** Opens a line. One that was altered, or that does not follow `previous`, throws `corrupt`. */
  open(text: string, number: number, previous: string | null): Step {
    if (this.#form.ledger === undefined) return openStep(text, number, previous)
    if (!this.canOpen(number)) throw new RangeError(`step ${number} is opened after step ${this.#next}`)
    this.#next = null
    const line = openLine<Line>(text, number, previous)
    if (isSnapshot(number, this.#form)) this.#begin(line)
    try {
      const step = this.#whole(line)
      this.#next = number + 1
      return step
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      throw new HeadraceError('corrupt', `step ${number} of the ledger is not as Headrace writes it: ${error.message}`)
    }
  }

  #begin({ totals = {}, domains, length }: Line): void {
    this.#ends = new Map()
    this.#named = new Map()
    this.#totals = new Map(Object.entries(totals))
    // The snapshot's own samples are in its totals, and are counted with those of all steps below.
    for (const [name, fed] of Object.entries(domains)) this.#count(name, fed, -1, length)
  }

  #whole(line: Line): Step {
    const { step, samples, tokens, length, manifest, control, previous, digest, carry, blocks = {}, mixture } = line
    if (mixture) this.#mixture = mixture
    for (const [domain, list] of Object.entries(blocks))
      for (const { sha256, ...block } of list) this.#named.set(nameOf(domain, block), sha256)
    const domains = mapNamed(line.domains, (fed, name) => this.#placeOf(name, fed))
    for (const [name, fed] of Object.entries(line.domains)) this.#count(name, fed, 1, length)
    const [totals, hashes] = [Object.fromEntries(this.#totals), hashesOf(domains, this.#named)]
    const facts = { step, samples, tokens, manifest, control, previous, digest, mixture: this.#mixture }
    const said = { ...(length !== undefined && { length }), ...(carry && { carry }) }
    return { ...facts, domains, totals, blocks: hashes, ...said }
  }

  #placeOf(name: string, fed: Fed): readonly SampleRange[] {
    if (typeof fed === 'object' && 'ranges' in fed) {
      const last = fed.ranges.at(-1)
      if (!last) throw new TypeError(`its domain '${name}' has no samples`)
      this.#ends.set(name, last)
      return fed.ranges
    }
    const end = this.#ends.get(name)
    if (!end) throw new TypeError(`no line since the snapshot says where the samples of '${name}' lie`)
    const next = { ...end, from: end.to, to: end.to + samplesOf(fed) }
    this.#ends.set(name, next)
    return [next]
  }

  #count(name: string, fed: Fed, sign: 1 | -1, length = this.#form.length): void {
    const { samples, tokens } = this.#totals.get(name) ?? { samples: 0, tokens: 0 }
    const own = typeof fed === 'number' ? fed * length : fed.tokens
    this.#totals.set(name, { samples: samples + sign * samplesOf(fed), tokens: tokens + sign * own })
  }
}

const goesOn = (end: SampleRange, { block, epoch, cut, from }: SampleRange) =>
  end.block === block && end.epoch === epoch && end.cut === cut && end.to === from
const nameOf = (domain: string, { block, epoch, cut = 0 }: Pick<SampleRange, 'block' | 'epoch' | 'cut'>) =>
  `${block} ${epoch} ${cut} ${domain}`

function samplesOf(fed: Fed): number {
  if (typeof fed === 'number') return fed
  if ('samples' in fed) return fed.samples
  return fed.ranges.reduce((sum, { from, to }) => sum + to - from, 0)
}

/** Of each block of these ranges, its hash. */
function hashesOf(domains: Step['domains'], named: ReadonlyMap<string, string>): NonNullable<Step['blocks']> {
  return mapNamed(domains, (ranges, domain) =>
    ranges.map(range => {
      const sha256 = named.get(nameOf(domain, range))
      if (sha256 === undefined) throw new TypeError(`no line since the snapshot has the hash of a block of '${domain}'`)
      return sha256
    }),
  )
}

/** Takes any name as a key, `__proto__` too. */
function mapNamed<T, U>(record: Readonly<Record<string, T>>, map: (value: T, name: string) => U): Record<string, U> {
  const mapped: Record<string, U> = Object.create(null)
  for (const [name, value] of Object.entries(record)) mapped[name] = map(value, name)
  return mapped
}

function hasSameKeys(a: object, b: object): boolean {
  return canonicalJson(Object.keys(a).sort()) === canonicalJson(Object.keys(b).sort())
}
