import { crc32 } from 'node:zlib'
import { type Batch, numbers, stringAt, utf8 } from '../batch/batch.ts'
import { textBytesOf } from '../record/scored.ts'
import type { ManifestEntry } from '../shards/manifest.ts'

/** Rows of one shard by what the log kept: their number, and a checksum over each one's slot, row and bytes of text, in order. */
export interface KeptSum {
  readonly rows: number
  readonly crc: number
  /** False where a slot between could not be read. */
  readonly isKnown: boolean
}

interface Domain {
  readonly shards: readonly ManifestEntry[]
  shard: number
  rows: number
  crc: number
  firstSlot: number
}

/**
 * Sums the kept rows of each domain by the shards that must hold them: shard k has the rows from where shard k - 1 ended to its own
 * last one. So rows and shards are compared by a few numbers each, however many there are.
 */
export class KeptByShard {
  readonly #domains = new Map<string, Domain>()
  readonly #sums = new Map<string, KeptSum>()
  readonly #unreadable: number[] = []
  readonly #first: number

  /** `first`: no earlier slot is added, so that shards with rows of these are not known. */
  constructor(manifest: readonly ManifestEntry[], first = 0) {
    this.#first = first
    for (const [name, shards] of Map.groupBy(manifest, entry => entry.domain)) {
      const domain = this.#domain(name, shards)
      while (shards[domain.shard]?.last.slot < first) this.#close(domain)
    }
  }

  /** The kept rows of the next slot, or null where they can't be read. */
  add(slot: number, kept: Batch | null): void {
    if (!kept) {
      this.#unreadable.push(slot)
      return
    }
    for (const [name, words] of wordsByDomain(slot, kept)) {
      const domain = this.#domain(name)
      while (slot > (domain.shards[domain.shard]?.last.slot ?? Number.POSITIVE_INFINITY)) this.#close(domain)
      if (domain.rows === 0) domain.firstSlot = slot
      domain.rows += words.length / 3
      domain.crc = crc32(new Uint8Array(Uint32Array.from(words).buffer), domain.crc)
      if (slot === domain.shards[domain.shard]?.last.slot) this.#close(domain)
    }
  }

  /** What the shard must hold; undefined where the log does not reach its last row. */
  of({ path }: ManifestEntry): KeptSum | undefined {
    return this.#sums.get(path)
  }

  /** Kept rows that no shard holds, by domain, and the slot of the first of them. */
  *unsealed(): Iterable<{ domain: string; rows: number; firstSlot: number }> {
    for (const [domain, { rows, firstSlot }] of this.#domains) if (rows > 0) yield { domain, rows, firstSlot }
  }

  #close(domain: Domain): void {
    const { path, first, last } = domain.shards[domain.shard++]
    const isKnown = first.slot >= this.#first && !this.#unreadable.some(slot => slot >= first.slot && slot <= last.slot)
    this.#sums.set(path, { rows: domain.rows, crc: domain.crc, isKnown })
    Object.assign(domain, { rows: 0, crc: 0, firstSlot: -1 })
  }

  /** A domain that the manifest lacks has no shards. */
  #domain(name: string, shards: readonly ManifestEntry[] = []): Domain {
    const found = this.#domains.get(name) ?? { shards, shard: 0, rows: 0, crc: 0, firstSlot: -1 }
    this.#domains.set(name, found)
    return found
  }
}

function wordsByDomain(slot: number, kept: Batch): Map<string, number[]> {
  const groups = new Map<string, number[]>()
  const [domains, bytes] = [utf8(kept, 'domain'), textBytesOf(kept)]
  const rows = numbers(kept, 'row')
  for (let i = 0; i < kept.rows; i++) {
    const name = stringAt(domains, i)
    const words = groups.get(name) ?? []
    words.push(slot, rows[i], bytes[i])
    groups.set(name, words)
  }
  return groups
}

/** What a shard holds, summed as `KeptByShard` sums what the log kept. */
export function sumShard(batches: Iterable<Batch>): KeptSum {
  let [rows, crc] = [0, 0]
  for (const batch of batches) {
    const words = new Uint32Array(3 * batch.rows)
    for (const [at, name] of ['slot', 'row', 'textBytes'].entries()) {
      const values = numbers(batch, name)
      for (let i = 0; i < batch.rows; i++) words[3 * i + at] = values[i]
    }
    crc = crc32(new Uint8Array(words.buffer), crc)
    rows += batch.rows
  }
  return { rows, crc, isKnown: true }
}
