import { HeadraceError } from '../errors.ts'
import { readControls } from '../feed/files/control-file.ts'
import { type Head, readHead, sharedSteps } from '../feed/files/head.ts'
import { LedgerReader } from '../feed/files/ledger.ts'
import { type ConsumedStep, listTrainers, readReports } from '../feed/files/reports.ts'
import type { Mixture } from '../feed/options.ts'
import { type ControlEntry, settingsAt } from '../feed/plan/control.ts'
import { placeEntries, placeStep } from '../feed/plan/fork.ts'
import { addRewards, boundShares, type Shares, sharesAt } from './odm.ts'

export interface ControlOptions {
  /** Whose losses are followed; null: the only trainer that reports. */
  readonly trainer: string | null
  /** Of the moving average of rewards, below 1: the paper's code and those after it take 0.9. */
  readonly alpha: number
  /** The least and the most that a domain is given, from 0 to 1. */
  readonly shareMin: number
  readonly shareMax: number
  /** Steps from one change of the mixture to the next, at least. */
  readonly everySteps: number
  /** Steps between the last that the trainer reported and the first that is changed, at least. */
  readonly leadSteps: number
}

/** A domain as it was and as it is to be. */
export interface DomainDecision {
  readonly domain: string
  /** Mean loss of its targets in the steps that were looked at, and the moving average behind the last. */
  readonly loss: number
  readonly reward: number
  readonly before: number
  /** The share by the formula, and within the bounds. */
  readonly asked: number
  readonly after: number
}

/** Steps whose losses were used, and whose they are. */
export interface Evidence {
  readonly trainer: string
  readonly firstStep: number
  readonly lastStep: number
  readonly domains: readonly DomainDecision[]
}

/** What is to be done: the mixture from a step on, or why it stays as it is. `evidence`: null where there is none. */
export interface ControlDecision {
  readonly change: { readonly step: number; readonly mixture: Mixture } | null
  readonly why: string
  readonly evidence: Evidence | null
  /** Lines of the trainer's reports that can't be read and are left out. */
  readonly damagedLines: number
}

/** A mean loss above this is none of a language model: that of a uniform guess among 2^32 tokens is 22 nats. */
const lossMax = 100

/** Steps behind which a moving average knows nothing of what was before, to the last bit of a double. */
export const stepsOf = (alpha: number): number => Math.ceil((53 * Math.LN2) / -Math.log(alpha))

/** Why the mixture stays as it is. */
class Leave extends Error {}

/**
 * Decides on the mixture of a feed by online data mixing over the losses that a trainer reports. A pure function of the feed and the reports:
 * losses of its last steps, each under the share that was in force then, in their order. Reports that are missing, old, no numbers, or not of
 * this feed leave the mixture as it is. Throws `bad-option` for options that no mixture satisfies, and a feed that has none.
 */
export async function decideMixture(dir: string, options: ControlOptions): Promise<ControlDecision> {
  const head = await readHead(dir)
  if (!head) throw new HeadraceError('not-found', `there is no feed in ${dir}, or no step of it yet`)
  const entries = await readControls(dir)
  const now = sharesOf(settingsAt(Number.MAX_SAFE_INTEGER, head, entries).mixture)
  checkMixture(dir, now, options)
  const trainer = await chooseTrainer(dir, options.trainer)
  if (trainer === null) return { change: null, why: 'no trainer reports to it', evidence: null, damagedLines: 0 }
  const { feed, consumed, damagedLines } = await readReports(dir, trainer, stepsOf(options.alpha))
  let evidence: Evidence | null = null
  try {
    if (feed !== null && sharedSteps(head, feed) < 0) throw new Leave(`${trainer} read another feed`)
    const steps = consumed.filter(({ losses }) => losses !== null).reverse()
    if (steps.length === 0) throw new Leave(`${trainer} has reported no losses`)
    await checkSteps(dir, head, trainer, steps)
    evidence = weigh({ head, entries, now, trainer, options }, steps)
    const step = placeChange(head, entries, evidence.lastStep, options)
    const mixture = Object.fromEntries(evidence.domains.map(({ domain, after }) => [domain, after]))
    if (evidence.domains.every(({ before, after }) => round(before) === after)) throw new Leave('it is as it should be')
    return { change: { step, mixture }, why: `from step ${step} on`, evidence, damagedLines }
  } catch (error) {
    if (!(error instanceof Leave)) throw error
    return { change: null, why: error.message, evidence, damagedLines }
  }
}

function checkMixture(dir: string, now: Shares, { shareMin, shareMax }: ControlOptions): void {
  const refuse = (what: string) => new HeadraceError('bad-option', what)
  if (now.size < 2)
    throw refuse(`the feed in ${dir} has no mixture of several domains: give it the first one by headrace mix`)
  if (shareMin * now.size > 1 || shareMax * now.size < 1)
    throw refuse(
      `${now.size} domains can't have ${shareMin} to ${shareMax} each: the least is ${1 / now.size} or less, and the most that or more`,
    )
}

async function chooseTrainer(dir: string, given: string | null): Promise<string | null> {
  const trainers = await listTrainers(dir)
  if (given === null && trainers.length < 2) return trainers[0] ?? null
  if (given !== null && trainers.includes(given)) return given
  throw new HeadraceError(
    'bad-option',
    `name one of the trainers that report, by --trainer: ${trainers.slice(0, 20).join(', ') || 'none does yet'}`,
  )
}

/** Shares by weights; those of 0 are fed no more, and have none. */
function sharesOf(mixture: Mixture | null): Shares {
  const weights = Object.entries(mixture ?? {}).filter(([, weight]) => weight > 0)
  const sum = weights.reduce((total, [, weight]) => total + weight, 0)
  return new Map(weights.map(([domain, weight]): [string, number] => [domain, weight / sum]).sort(byName))
}

const byName = ([a]: readonly [string, number], [b]: readonly [string, number]) => (a < b ? -1 : a > b ? 1 : 0)

/** Each must be a step of this feed, with losses of no more targets than it has tokens. */
async function checkSteps(dir: string, head: Head, trainer: string, steps: readonly ConsumedStep[]): Promise<void> {
  const ledger = new LedgerReader(dir, head)
  for (const { step, digest, losses } of steps) {
    if (step >= head.steps) throw new Leave(`${trainer} reports step ${step}, and the feed has ${head.steps}`)
    const found = await ledger.open(step)
    if (found.digest !== digest) throw new Leave(`${trainer} reports step ${step} of another history of this feed`)
    for (const [domain, { sum, targets }] of losses!) {
      const ranges = Object.hasOwn(found.domains, domain) ? found.domains[domain] : []
      const tokens = (found.length ?? head.length) * ranges.reduce((count, { from, to }) => count + to - from, 0)
      const refuse = (what: string) => new Leave(`${trainer} reports of '${domain}' in step ${step} ${what}`)
      if (targets > tokens) throw refuse(`${targets} targets, and that has ${tokens} tokens`)
      if (targets === 0) continue
      if (sum === null || !Number.isFinite(sum)) throw refuse('a loss that is no number')
      if (sum < 0 || sum > lossMax * targets)
        throw refuse(`a loss of ${sum / targets}, which is not from 0 to ${lossMax}`)
    }
  }
}

interface Weighing {
  readonly head: Head
  readonly entries: readonly ControlEntry[]
  readonly now: Shares
  readonly trainer: string
  readonly options: ControlOptions
}

/** Follows the steps, the oldest first, and asks the formula for the shares behind the last. */
function weigh({ head, entries, now, trainer, options }: Weighing, steps: readonly ConsumedStep[]): Evidence {
  let rewards: Shares = new Map(Array.from(now.keys(), domain => [domain, 0]))
  const sums = new Map(Array.from(now.keys(), domain => [domain, { sum: 0, targets: 0 }]))
  for (const { step, losses } of steps) {
    const means = new Map<string, number>()
    for (const [domain, { sum, targets }] of losses!) {
      const total = sums.get(domain)
      if (!total || targets === 0) continue
      means.set(domain, sum! / targets)
      total.sum += sum!
      total.targets += targets
    }
    const shares = sharesOf(settingsAt(placeStep(step, entries), head, entries).mixture)
    rewards = addRewards(rewards, means, shares, options.alpha)
  }
  const missing = [...sums].find(([, { targets }]) => targets === 0)
  if (missing) throw new Leave(`${trainer} has reported no loss of '${missing[0]}' of late`)
  const lastStep = steps.at(-1)!.step
  const asked = sharesAt(lastStep + 1, rewards)
  const bounded = boundShares(asked, options.shareMin, options.shareMax)
  const domains = Array.from(now, ([domain, before]): DomainDecision => {
    const { sum, targets } = sums.get(domain)!
    const known = { loss: sum / targets, reward: rewards.get(domain)!, before, asked: asked.get(domain)! }
    return { domain, ...known, after: round(bounded.get(domain)!) }
  })
  return { trainer, firstStep: steps[0].step, lastStep, domains }
}

/** Six digits: as many as anybody tells apart in a mixture. */
const round = (share: number) => Math.round(share * 1e6) / 1e6

/** The first step that may be changed, if the last change is far enough behind and its effect was seen. */
function placeChange(
  head: Head,
  entries: readonly ControlEntry[],
  lastStep: number,
  { everySteps, leadSteps }: ControlOptions,
): number {
  if (head.ended) throw new Leave(`the feed has ended, and its ${head.steps} steps never change`)
  // The step behind the published ones was tried under the mixture of now.
  const step = Math.max(head.steps + 1, lastStep + 1 + leadSteps)
  const changes = placeEntries(entries).filter(([{ mixture }]) => mixture !== undefined)
  const changed = Math.max(-1, ...changes.map(([entry]) => entry.step))
  if (changed > lastStep)
    throw new Leave(`the mixture of step ${changed} is not seen yet: the last step with losses is ${lastStep}`)
  if (changed >= 0 && step < changed + everySteps)
    throw new Leave(
      `the mixture was changed at step ${changed}, and the next change is at ${changed + everySteps} or later`,
    )
  return step
}
