import { hash } from 'node:crypto'
import { canonicalJson } from '../../canonical-json.ts'
import { HeadraceError } from '../../errors.ts'

/** Samples `from` to `to` (exclusive) of a block in one epoch. `cut`: see `BlockRef`. */
export interface SampleRange {
  readonly block: number
  readonly epoch: number
  readonly cut?: number
  readonly from: number
  readonly to: number
}
/** The block that a range is of: a `BlockRef`. */
export function blockOf(domain: string, { block, epoch, cut }: Pick<SampleRange, 'block' | 'epoch' | 'cut'>) {
  return { domain, number: block, epoch, ...(cut !== undefined && { cut }) }
}

export interface Total {
  readonly samples: number
  readonly tokens: number
}

/** Steps from `step` on in which domains of the mixture had nothing left, and their tokens. */
export interface OffMixture {
  readonly step: number
  readonly tokens: number
}

/**
 * One step of training. Its samples are those of `domains` in the order of their names, each domain's ranges in turn: sample k belongs
 * to rank k mod world. `blocks` has for each range the SHA-256 of its block's file, where the ledger knows it. `mixture` are the weights
 * in force, by tokens (where a feed mixes by what is ready, those of the last line that says them); `carry` the tokens by which each
 * domain is behind them (below 0: ahead) after this step, where its line says it; `totals` counts each domain up to and with this step;
 * `manifest` and `control` count the entries that it was planned from. `digest` is the SHA-256 of the line's JSON without it; `previous`
 * is the digest before, and of step 0 the feed's id. `length` is the tokens of a sample, where that is not what the head says.
 */
export interface Step {
  readonly step: number
  readonly domains: Readonly<Record<string, readonly SampleRange[]>>
  readonly blocks?: Readonly<Record<string, readonly string[]>>
  readonly samples: number
  readonly tokens: number
  readonly length?: number
  readonly mixture: Readonly<Record<string, number>>
  readonly carry?: Readonly<Record<string, number>>
  readonly totals: Readonly<Record<string, Total>>
  readonly manifest: number
  readonly control: number
  readonly previous: string
  readonly digest: string
}

/** A step's line: canonical JSON, in which the digest comes last. */
export function sealLine(content: object, stepOf: (digest: string) => Step): { step: Step; line: string } {
  const json = canonicalJson(content)
  const digest = hash('sha256', json)
  return { step: stepOf(digest), line: `${json.slice(0, -1)},"digest":"${digest}"}` }
}

const sealLength = ',"digest":""}'.length + 64

/** Reads a ledger's line. One whose digest is not that of its bytes, or that does not follow `previous`, throws `corrupt`. */
export function openLine<T extends Pick<Step, 'step' | 'previous'>>(
  line: string,
  number: number,
  previous: string | null,
): T {
  const json = `${line.slice(0, -sealLength)}}`
  const digest = hash('sha256', json)
  if (!line.endsWith(`,"digest":"${digest}"}`))
    throw new HeadraceError('corrupt', `step ${number} of the ledger is damaged: its digest is not that of its bytes`)
  const step = JSON.parse(line) as T
  if (step.step !== number || (previous !== null && step.previous !== previous))
    throw new HeadraceError(
      'corrupt',
      `step ${number} of the ledger does not follow the step before: it is step ${step.step} after ${step.previous}`,
    )
  return step
}

/** Reads a line that has its step in full. */
export function openStep(line: string, number: number, previous: string | null): Step {
  return openLine<Step>(line, number, previous)
}
