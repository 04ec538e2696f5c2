import type { Doc } from '../promote/made-runs.ts'
import { isShort, textOf, type UnitedRun } from './made.ts'

// What a feed of several runs must feed, by sets of documents and without the code under test.

export interface LeftOut {
  readonly run: number
  readonly doc: Doc
  readonly of: { readonly run: number; readonly doc: Doc }
  readonly reason: string
}

export interface Expectation {
  /** Documents that are fed, with their runs' numbers. */
  readonly fed: ReadonlyMap<Doc, number>
  readonly leftOut: readonly LeftOut[]
}

/** `kinds`: by which duplicates are decided; `sealed`: of each run, the documents that are in shards. */
export function expectUnion(
  runs: readonly UnitedRun[],
  sealed: readonly ReadonlySet<Doc>[],
  kinds: readonly ('exact' | 'near')[],
): Expectation {
  const fed = new Map<Doc, number>()
  const leftOut: LeftOut[] = []
  const byText = new Map<string, Doc>()
  const byCluster = new Map<number, Doc>()
  for (const [run, { kept }] of runs.entries())
    for (const doc of kept) {
      if (!sealed[run].has(doc)) continue
      const exact = kinds.includes('exact') ? byText.get(textOf(doc)) : undefined
      const near = kinds.includes('near') && !isShort(doc) ? byCluster.get(doc.cluster) : undefined
      const original = exact ?? near
      if (original) {
        const reason = exact ? 'exact-duplicate' : 'near-duplicate'
        leftOut.push({ run, doc, of: { run: fed.get(original)!, doc: original }, reason })
        continue
      }
      fed.set(doc, run)
      byText.set(textOf(doc), doc)
      if (!isShort(doc)) byCluster.set(doc.cluster, doc)
    }
  return { fed, leftOut }
}
