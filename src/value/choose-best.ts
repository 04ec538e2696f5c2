import { LowestKeys } from './lowest-keys.ts'
import type { ScoredRow, ScoredRows } from './scored-rows.ts'

/** How many rows are chosen, and of whom. */
export interface Choice {
  readonly add: number
  /** Rows of one host, and of one source, at most, with those of `counts`. */
  readonly perHost: number
  readonly perSource: number
}

/** What is in already. */
export interface ChosenBefore {
  /** Texts' hashes: a text that is in comes in by no other address. */
  readonly texts: ReadonlySet<number>
  readonly addresses: ReadonlySet<number>
  readonly hosts: ReadonlyMap<number, number>
  readonly sources: ReadonlyMap<number, number>
}

export interface ChosenRow extends ScoredRow {
  readonly rank: number
}

/** Rows that are looked at in one pass, 100 bytes each. */
const heldMax = 2 ** 16

/**
 * The rows with the best means of ranks that are not in yet, within the bounds of hosts and sources: from the best on, each is taken that its host
 * and its source have room for. Equal ones are in the order of their texts' hashes, so that a run's order makes no difference. Few rows are in
 * memory, and the file is read again where bounds have left too few.
 */
export async function chooseBest(rows: ScoredRows, choice: Choice, before: ChosenBefore): Promise<ChosenRow[]> {
  const taking = new Taking(choice, before)
  for (let last: ChosenRow | null = null; taking.chosen.length < choice.add; ) {
    const best = new LowestKeys<ChosenRow>(heldMax, compareRows)
    for await (const row of rows.read()) {
      if (!taking.hasRoom(row)) continue
      const ranked = { ...row, rank: rows.rankOf(row) }
      if (last === null || compareRanked(ranked, last) > 0) best.add(-ranked.rank, () => ranked)
    }
    const found = best.items()
    for (const row of found) if (taking.chosen.length < choice.add && taking.hasRoom(row)) taking.take(row)
    if (found.length < heldMax) break
    last = found[found.length - 1]
  }
  return taking.chosen
}

const compareRanked = (a: ChosenRow, b: ChosenRow) => b.rank - a.rank || compareRows(a, b)
const compareRows = (a: ChosenRow, b: ChosenRow) => a.text - b.text || a.address - b.address

class Taking {
  readonly chosen: ChosenRow[] = []
  readonly #choice: Choice
  readonly #before: ChosenBefore
  readonly #texts: Set<number>
  readonly #hosts: Map<number, number>
  readonly #sources: Map<number, number>

  constructor(choice: Choice, before: ChosenBefore) {
    this.#choice = choice
    this.#before = before
    this.#texts = new Set(before.texts)
    this.#hosts = new Map(before.hosts)
    this.#sources = new Map(before.sources)
  }

  hasRoom({ address, text, host, source }: ScoredRow): boolean {
    if (this.#texts.has(text) || this.#before.addresses.has(address)) return false
    const { perHost, perSource } = this.#choice
    return (this.#hosts.get(host) ?? 0) < perHost && (this.#sources.get(source) ?? 0) < perSource
  }

  take(row: ChosenRow): void {
    this.chosen.push(row)
    this.#texts.add(row.text)
    countName(this.#hosts, row.host)
    countName(this.#sources, row.source)
  }
}

/** Counts a name by its hash; NaN is none. */
export function countName(counts: Map<number, number>, name: number): void {
  if (!Number.isNaN(name)) counts.set(name, (counts.get(name) ?? 0) + 1)
}
