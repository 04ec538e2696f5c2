import { signature } from '../../src/annotate/signature.ts'
import { type Batch, type Columns, utf8From, withColumns } from '../../src/batch/batch.ts'
import { mix32 } from '../../src/text/hash.ts'

export interface TestDocument {
  readonly id: string
  readonly text: string
  readonly domain?: string
}

/** A batch of documents with their signatures, numbered from 0. */
export function makeBatch(documents: readonly TestDocument[]): Batch {
  const batch: Batch = {
    rows: documents.length,
    columns: {
      text: utf8From(documents.map(document => document.text)),
      id: utf8From(documents.map(document => document.id)),
      domain: utf8From(documents.map(document => document.domain ?? 'web')),
      row: { kind: 'u32', values: Uint32Array.from(documents.keys()) },
    },
  }
  return withColumns(batch, signature().annotate(batch) as Columns)
}

/** `count` words, the same for the same seed. */
export function makeWords(seed: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => mix32(seed * 100_003 + i).toString(36))
}

/** The words with one in `every` replaced by another. */
export function editWords(words: readonly string[], every: number, seed = 0): string[] {
  return words.map((word, i) => (i % every === every - 1 ? `${word}x${seed}` : word))
}

/** Four slots: texts, short ones, exact and near copies within a slot and between slots, copies of copies, two domains. */
export function makeSlots(): Batch[] {
  const text = (seed: number): string => makeWords(seed, 300).join(' ')
  const near = (seed: number, every: number): string => editWords(makeWords(seed, 300), every).join(' ')
  return [0, 1, 2, 3].map(slot => {
    const documents: TestDocument[] = []
    for (let i = 0; i < 40; i++) documents.push({ id: `new-${slot}-${i}`, text: text(slot * 100 + i) })
    documents.push({ id: `copy-${slot}`, text: text(slot * 100), domain: 'forum' })
    documents.push({ id: `near-${slot}`, text: near(slot * 100 + 1, 150), domain: 'forum' })
    documents.push({ id: `short-${slot}`, text: 'page not found' }, { id: `empty-${slot}`, text: '' })
    const copy = editWords(makeWords(slot * 100 + 2, 300), 150)
    documents.push({ id: `first-${slot}`, text: copy.join(' ') })
    documents.push({ id: `second-${slot}`, text: editWords(copy, 299, 1).join(' ') })
    if (slot > 0)
      documents.push(
        { id: `old-copy-${slot}`, text: text(slot) },
        { id: `old-near-${slot}`, text: near(slot + 10, 100) },
      )
    return makeBatch(documents)
  })
}
