import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Batch } from '../../src/batch/batch.ts'
import { utf8From } from '../../src/batch/batch.ts'
import { folderOf } from '../../src/shards/folder.ts'
import { type ManifestEntry, shardPath } from '../../src/shards/manifest.ts'
import { writeShard } from '../../src/shards/shard.ts'
import { drawFrom } from '../random.ts'

/** Document `i` of a domain as tokens that name it: no two tokens of a corpus are equal. */
export interface Corpus {
  readonly entries: ManifestEntry[]
  /** Tokens of each document by id. */
  readonly documents: ReadonlyMap<string, Int32Array>
}

/**
 * Writes shards of random documents into `dir/shards`, a manifest entry each, domains in turn at random. Every token is another number, so
 * a token that is lost, doubled or moved shows; with `vocabulary` they are its remainders, so that a model has something to learn.
 */
export async function writeCorpus(
  dir: string,
  {
    domains,
    shards,
    rows = 20,
    tokensMax = 40,
    seed = 1,
    vocabulary = Number.POSITIVE_INFINITY,
  }: {
    domains: string[]
    shards: number
    rows?: number
    tokensMax?: number
    seed?: number
    vocabulary?: number
  },
): Promise<Corpus> {
  const random = drawFrom(seed)
  const documents = new Map<string, Int32Array>()
  const numbers = new Map<string, number>()
  const entries: ManifestEntry[] = []
  let token = 1
  for (let slot = 0; slot < shards; slot++) {
    const domain = domains[slot < domains.length ? slot : random(domains.length)]
    const number = numbers.get(domain) ?? 0
    numbers.set(domain, number + 1)
    const batches: Batch[] = []
    for (let part = 0; part < 2; part++) {
      const lists = Array.from({ length: 1 + random(rows) }, () => {
        const length = random(8) === 0 ? 0 : random(tokensMax)
        return Int32Array.from({ length }, () => token++ % vocabulary)
      })
      const ids = lists.map((tokens, i) => {
        const id = `${domain}/${number}/${part}/${i} 文`
        documents.set(id, tokens)
        return id
      })
      batches.push(toBatch(lists, ids, slot))
    }
    const path = shardPath(folderOf(domain), number)
    await mkdir(join(dir, 'shards', path, '..'), { recursive: true })
    // Small record batches, so that pieces lie across them.
    const written = await writeShard(join(dir, 'shards', path), batches, { domain }, { bytesMax: 1 })
    const rowsOfAll = batches.reduce((sum, batch) => sum + batch.rows, 0)
    const tokens = batches.reduce(
      (sum, batch) => sum + (batch.columns.tokens as { values: Int32Array }).values.length,
      0,
    )
    entries.push({
      ...{ path, domain, number, rows: rowsOfAll, tokens, textBytes: tokens * 4, ...written },
      ...{ first: { slot, row: 0 }, last: { slot, row: rowsOfAll - 1 }, tokenizer: 'test', fingerprint: 'f' },
    })
  }
  return { entries, documents }
}

export function toBatch(lists: readonly Int32Array[], ids: readonly string[], slot: number): Batch {
  const offsets = new Int32Array(lists.length + 1)
  for (const [i, tokens] of lists.entries()) offsets[i + 1] = offsets[i] + tokens.length
  const values = new Int32Array(offsets[lists.length])
  for (const [i, tokens] of lists.entries()) values.set(tokens, offsets[i])
  const rows = lists.length
  return {
    rows,
    columns: {
      tokens: { kind: 'list<i32>', offsets, values },
      id: utf8From(ids),
      slot: { kind: 'u32', values: new Uint32Array(rows).fill(slot) },
      row: { kind: 'u32', values: Uint32Array.from({ length: rows }, (_, i) => i) },
      quality: { kind: 'f32', values: new Float32Array(rows).fill(0.5) },
    },
  }
}

/** Every file below a folder with its bytes as text. */
export async function snapshot(dir: string): Promise<Record<string, string>> {
  const files = await readdir(dir, { recursive: true, withFileTypes: true })
  const paths = files.filter(file => file.isFile()).map(file => join(file.parentPath, file.name))
  const entries = paths
    .sort()
    .map(async path => [relative(dir, path), (await readFile(path)).toString('latin1')] as const)
  return Object.fromEntries(await Promise.all(entries))
}
