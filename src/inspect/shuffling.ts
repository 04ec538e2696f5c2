import { FeedFiles } from '../feed/files/feed-files.ts'
import { readHead } from '../feed/files/head.ts'
import { LedgerReader } from '../feed/files/ledger.ts'
import { blockOf, type Step } from '../feed/files/steps.ts'
import { readTrim, trimmedStep } from '../feed/files/trim-file.ts'
import { permute } from '../feed/plan/permute.ts'

/** Steps that are looked at, spread over all. */
const stepsMax = 64
const filesMax = 64

/**
 * How many slots of the input a step's tokens come from in effect: the inverse of the sum of squared shares (the inverse Simpson index), which
 * is the number of slots where each gives as much. `slotsIfOne` is the same with the pieces of each domain dealt anew over these steps,
 * as if they had been shuffled as one block: what it is above `slots` is what small blocks cost.
 */
export interface Shuffling {
  readonly steps: number
  readonly slots: number
  readonly slotsIfOne: number
}

/** Of one domain: for each piece the step that it is in, its slot and its tokens. */
interface Pieces {
  readonly step: number[]
  readonly slot: number[]
  readonly tokens: number[]
}

/** Null of a feed without steps, and of one whose blocks do not say which slots their pieces are of. Steps that were let go have no part in it. Reads blocks and no shard. */
export async function measureShuffling(dir: string): Promise<Shuffling | null> {
  const head = await readHead(dir)
  const first = trimmedStep(await readTrim(dir))
  if (!head || head.steps <= first || head.ledger === undefined) return null
  const steps = Math.min(head.steps - first, stepsMax)
  const ledger = new LedgerReader(dir, head)
  using files = new FeedFiles(dir, head.shards, filesMax)
  const byDomain = new Map<string, Pieces>()
  const at = (i: number) => first + Math.floor((i * (head.steps - first)) / steps)
  for (let i = 0; i < steps; i++) addPieces(await ledger.open(at(i)), i, files, byDomain)
  const dealt = Array.from(byDomain, ([domain, pieces]) => ({
    ...pieces,
    step: Array.from(permute(pieces.step.length, `shuffling ${domain}`), at => pieces.step[at]),
  }))
  return { steps, slots: countSlots(byDomain.values(), steps), slotsIfOne: countSlots(dealt, steps) }
}

function addPieces(step: Step, number: number, files: FeedFiles, byDomain: Map<string, Pieces>): void {
  for (const [domain, ranges] of Object.entries(step.domains)) {
    const pieces = byDomain.get(domain) ?? { step: [], slot: [], tokens: [] }
    byDomain.set(domain, pieces)
    for (const range of ranges) {
      const { length, bound } = files.block(blockOf(domain, range), null).read(range.from, range.to)
      for (const [piece, tokens] of length.entries()) {
        pieces.step.push(number)
        pieces.slot.push(bound!.slot[piece] >>> 0)
        pieces.tokens.push(tokens)
      }
    }
  }
}

/** The mean over steps. */
function countSlots(domains: Iterable<Pieces>, steps: number): number {
  const shares = Array.from({ length: steps }, () => new Map<number, number>())
  for (const { step, slot, tokens } of domains)
    for (const [i, at] of step.entries()) shares[at].set(slot[i], (shares[at].get(slot[i]) ?? 0) + tokens[i])
  const counts = shares.map(bySlot => {
    let [sum, squares] = [0, 0]
    for (const tokens of bySlot.values()) {
      sum += tokens
      squares += tokens ** 2
    }
    return sum ** 2 / squares
  })
  return counts.reduce((sum, count) => sum + count, 0) / steps
}
