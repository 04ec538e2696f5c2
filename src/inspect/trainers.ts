import { HeadraceError } from '../errors.ts'
import { type Head, readHead, rootOf, sharedSteps } from '../feed/files/head.ts'
import { LedgerReader } from '../feed/files/ledger.ts'
import { type Checkpoint, type ConsumedStep, listTrainers, readReports } from '../feed/files/reports.ts'

/** Steps that a trainer's loss of late is of. */
const recentSteps = 256

/** Mean loss of a domain's targets; null where some loss was no number, or nothing was learned. */
export interface RecentLoss {
  readonly domain: string
  readonly loss: number | null
  readonly targets: number
}

/** How far a trainer is that reports to a feed. */
export interface Trainer {
  readonly trainer: string
  /** The last step that has changed its model; null before the first. */
  readonly consumed: number | null
  /** Steps that are published behind it. */
  readonly behind: number
  readonly checkpoint: Pick<Checkpoint, 'step' | 'oldest' | 'at'> | null
  /** When it reported last, by its own clock; null where it never did. */
  readonly heard: string | null
  /** The last steps of which it told losses, and these, the most targets first. */
  readonly lossSteps: number
  readonly losses: readonly RecentLoss[]
  readonly damagedLines: number
  /** What it read that this feed does not have: it trained on another feed, or on another history of this one. */
  readonly fault: string | null
}

/** Reads what trainers report to a feed, and holds it against its ledger. */
export async function findTrainers(dir: string): Promise<{ head: Head; trainers: readonly Trainer[] }> {
  const head = await readHead(dir)
  if (!head) throw new HeadraceError('not-found', `there is no feed in ${dir}, or no step of it yet`)
  const ledger = new LedgerReader(dir, head)
  const trainers: Trainer[] = []
  for (const name of await listTrainers(dir)) trainers.push(await findTrainer(dir, head, ledger, name))
  return { head, trainers }
}

async function findTrainer(dir: string, head: Head, ledger: LedgerReader, name: string): Promise<Trainer> {
  const { feed, consumed, checkpoint, damagedLines } = await readReports(dir, name, recentSteps)
  const last = consumed.at(0)
  const told = consumed.filter(({ losses }) => losses !== null)
  const { step, oldest, at } = checkpoint ?? {}
  return {
    trainer: name,
    consumed: last?.step ?? null,
    behind: Math.max(0, head.steps - (last ? last.step + 1 : 0)),
    checkpoint: checkpoint && { step: step!, oldest: oldest!, at: at! },
    heard:
      [last?.at, at]
        .filter(time => time !== undefined)
        .sort()
        .at(-1) ?? null,
    lossSteps: told.length,
    losses: sumLosses(told),
    damagedLines,
    fault: await findFault(head, ledger, feed, { last, checkpoint }),
  }
}

function sumLosses(steps: readonly ConsumedStep[]): RecentLoss[] {
  const sums = new Map<string, { sum: number | null; targets: number }>()
  for (const { losses } of steps)
    for (const [domain, { sum, targets }] of losses!) {
      const before = sums.get(domain) ?? { sum: 0, targets: 0 }
      const total = before.sum === null || sum === null ? null : before.sum + sum
      sums.set(domain, { sum: total, targets: before.targets + targets })
    }
  return Array.from(sums, ([domain, { sum, targets }]) => ({
    domain,
    loss: sum === null || targets === 0 ? null : sum / targets,
    targets,
  })).sort((a, b) => b.targets - a.targets || (a.domain < b.domain ? -1 : 1))
}

/** What a trainer has read that is not of this feed: its steps are told by their digests. */
async function findFault(
  head: Head,
  ledger: LedgerReader,
  feed: string | null,
  { last, checkpoint }: { readonly last: ConsumedStep | undefined; readonly checkpoint: Checkpoint | null },
): Promise<string | null> {
  if (feed !== null && sharedSteps(head, feed) < 0) return `it read feed ${feed.slice(0, 12)}, and this is another`
  const digestBefore = async (step: number) => (step === 0 ? rootOf(head) : (await ledger.open(step - 1)).digest)
  const places = [
    { what: 'step', step: last?.step, after: last && last.step + 1, digest: last?.digest },
    { what: 'a checkpoint of step', step: checkpoint?.step, after: checkpoint?.step, digest: checkpoint?.digest },
  ]
  for (const { what, step, after, digest } of places) {
    if (after === undefined) continue
    if (after > head.steps)
      return `it reports ${what} ${step}, and the feed has ${head.steps} steps: was it restored from an old copy?`
    if ((await digestBefore(after)) !== digest)
      return `it reports ${what} ${step} of another history of this feed: their digests differ`
  }
  return null
}
