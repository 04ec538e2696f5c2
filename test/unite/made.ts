import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { signature } from '../../src/annotate/signature.ts'
import { encodeBatch } from '../../src/batch/arrow/ipc.ts'
import { type Column, utf8From } from '../../src/batch/batch.ts'
import type { Decider } from '../../src/decide/decider.ts'
import { exactDuplicates } from '../../src/decide/exact-duplicates.ts'
import { nearDuplicates } from '../../src/decide/near-duplicates.ts'
import type { Append } from '../../src/log/log.ts'
import { fingerprintColumns, originPrints } from '../../src/pipeline/fingerprint.ts'
import { topics } from '../../src/record/layout.ts'
import type { RunFile } from '../../src/record/run-file.ts'
import {
  type Doc,
  type MadeOptions,
  type MadeRun,
  makeDocs,
  makeRun,
  padding,
  type Rules,
} from '../promote/made-runs.ts'
import type { Random } from '../random.ts'

// Runs over made documents with what duplicates are decided by: documents of one cluster have one signature, and those of one variant of it one
// hash of their texts. Every token is another number, over all runs.

/** Documents that are in no others' buckets, as they have no shingle: they repeat what has their very text alone. */
export const isShort = (doc: Doc) => doc.quality < 0.15
/** Two documents have one text where they have one of these. */
export const textOf = ({ cluster, row }: Doc) => `${cluster}.${row % 2}`

export interface UnitedRun extends MadeRun {
  readonly docs: readonly Doc[]
}

export interface UnitedOptions extends MadeOptions {
  /** Default both kinds. */
  readonly deciders?: readonly Decider[]
  readonly shingle?: number
}

const shape = { bands: 2, rows: 2 }
export const bothKinds = [exactDuplicates(), nearDuplicates(shape)]

/** `number`: of the run among those of a test. Documents of all runs are of the same clusters. */
export async function makeUnitedRun(
  folder: string,
  number: number,
  { random, slots, rules }: { readonly random: Random; readonly slots: number; readonly rules: Rules },
  options: UnitedOptions = {},
): Promise<UnitedRun> {
  const dir = join(folder, `run-${number}`)
  mkdirSync(dir)
  const docs = makeDocs(random, slots).map(doc => ({
    ...doc,
    cluster: doc.cluster % (slots * 8),
    tokens: doc.tokens.map(token => token + number * 1_000_000),
  }))
  const { deciders = bothKinds, shingle = 5 } = options
  const tokenizer = { encoding: 'made', endOfTextId: padding }
  const run = { segments: [segmentOf(deciders, shingle)], id: randomUUID(), tokenizer, ...options.run }
  const made = await makeRun(dir, docs, rules, { ...options, run, scored: measure(docs) })
  return { ...made, docs }
}

function segmentOf(deciders: readonly Decider[], shingle: number): RunFile['segments'][number] {
  const prints = fingerprintColumns(signature({ ...shape, shingle }), originPrints('made'))
  return {
    from: 0,
    annotate: 'a',
    decide: 'd',
    shard: 's',
    state: '',
    origin: 'made',
    reasons: {
      steps: [{ writes: [...prints.keys()], prints: [...prints.values()] }],
      rules: [],
      deciders: deciders.map(({ name, version, reasons, options }) => ({ name, version, reasons, options })),
    },
  }
}

function measure(docs: readonly Doc[]): Append[] {
  const bySlot = Map.groupBy(docs, ({ slot }) => slot)
  return Array.from({ length: docs.at(-1)!.slot + 1 }, (_, slot) => {
    const rows = bySlot.get(slot) ?? []
    const columns: Record<string, Column> = {
      row: { kind: 'u32', values: Uint32Array.from(rows, doc => doc.row) },
      id: utf8From(rows.map(({ address }) => String(address))),
      domain: utf8From(rows.map(({ domain }) => domain)),
      textHash: fixedOf(16, rows, textOf),
      signature: fixedOf(4, rows, doc => `signature ${doc.cluster}`),
      bands: fixedOf(16, rows, doc => `bands ${doc.cluster}`),
      shingles: { kind: 'u32', values: Uint32Array.from(rows, doc => (isShort(doc) ? 0 : 9)) },
    }
    const value = encodeBatch({ rows: rows.length, columns })
    return { topic: topics.scored, partition: 0, headers: { slot: String(slot) }, value }
  })
}

/** Bytes by a text that says what they are of: FNV-1a, drawn out. */
function fixedOf(width: number, rows: readonly Doc[], nameOf: (doc: Doc) => string): Column {
  const bytes = new Uint8Array(width * rows.length)
  for (const [i, doc] of rows.entries())
    for (let at = 0; at < width; at++) {
      let hash = 0x811c9dc5
      for (const letter of Buffer.from(`${nameOf(doc)} ${at}`)) hash = Math.imul(hash ^ letter, 0x01000193)
      bytes[i * width + at] = (hash >>> 24) ^ hash
    }
  return { kind: 'fixed', width, bytes }
}
