import { encodeBatch } from '../../batch/arrow/ipc.ts'
import { type Batch, type ListColumn, numbers } from '../../batch/batch.ts'
import { concatArrays, concatBatches, takeRows } from '../../batch/rows.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { decodeKept, joinKept } from '../../record/kept.ts'
import { segmentAt } from '../../record/run-file.ts'
import type { RunReader } from '../../record/run-reader.ts'
import { decodeScored, withLengths } from '../../record/scored.ts'
import type { Work } from '../context.ts'
import { joinTexts, shardRows } from '../measure/tokens.ts'
import { LateTexts } from './late-texts.ts'
import type { Replay } from './replay-stage.ts'
import { StoredTokens } from './stored-tokens.ts'

/** What the stages of a replay ask of the threads: tokens are the other run's where they hold, and texts that neither stores the source's. */
export async function openTokens(
  pool: Work,
  plan: Plan,
  { reader, segments }: Pick<Replay, 'reader' | 'segments'>,
  stop: AbortSignal,
): Promise<AsyncDisposable & { readonly work: Work; readonly late: LateTexts | null }> {
  const opened = new AsyncDisposableStack()
  const isLate = segments.some(({ readsLate }) => readsLate)
  const texts = isLate ? opened.use(new LateTexts(pool, plan, reader, stop)) : null
  // Tokens of a text that was asked for again are of the one before.
  const holds = (slot: number) => {
    const { groups } = segments.findLast(({ from }) => from <= slot)!
    const { tokens } = segmentAt(reader.run.segments, slot)
    return tokens === plan.tokensFingerprint && !groups.some(({ reuse }) => reuse.isAskedAgain)
  }
  const tokenizing = plan.tokenizer ? opened.use(await reuseTokens(pool, reader, holds, texts)) : pool
  const work: Work = {
    size: pool.size,
    annotate: (...job) => pool.annotate(...job),
    tokenize: (...job) => tokenizing.tokenize(...job),
    keepTexts: texts ? addLate(pool, texts) : (...job) => pool.keepTexts(...job),
  }
  return { work, late: texts, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

/** Packs kept rows with texts that are not in their slot's entry. */
function addLate(pool: Work, texts: LateTexts): Work['keepTexts'] {
  return async (slot, { scored, kept }) => {
    const texted = await texts.add(slot, scored, decodeKept(kept))
    return pool.keepTexts(slot, { scored: noBytes, kept: encodeBatch(texted) })
  }
}

/**
 * Has the threads tokenize what the run that is replayed has not kept, and takes the tokens of the others from its shards, where they are of
 * the same text by the same tokenizer: `holds` says so of a slot. `texts` gives those that neither run stores.
 */
async function reuseTokens(
  work: Work,
  reader: RunReader,
  holds: (slot: number) => boolean,
  texts: LateTexts | null,
): Promise<Pick<Work, 'tokenize'> & Disposable> {
  const tokens = await StoredTokens.open(reader)
  const tokenize: Work['tokenize'] = async (slot, entries) => {
    const isSame = holds(slot)
    if (!isSame && !texts) return work.tokenize(slot, entries)
    const stored = isSame ? tokens.of(slot) : new Map<number, Int32Array>()
    const kept = decodeKept(entries.kept)
    const rows = numbers(kept, 'row')
    const known = [...rows.keys()].filter(i => stored.has(rows[i]))
    const ids = listOf(known.map(i => stored.get(rows[i])!))
    const scored = decodeScored(entries.scored)
    const reused = shardRows(joinKept(withLengths(scored), takeRows(kept, known)), ids, slot)
    if (known.length === rows.length) return reused
    const others = [...rows.keys()].filter(i => !stored.has(rows[i]))
    // Only their rows cross to the thread: a slot has many times theirs.
    const rest = takeRows(kept, others)
    const unknown = joinTexts(slot, scored, texts ? await texts.add(slot, entries.scored, rest) : rest)
    const fresh = await work.tokenize(slot, { scored: noBytes, kept: encodeBatch(unknown) })
    return inOrder(concatBatches([reused, fresh]))
  }
  return {
    tokenize,
    [Symbol.dispose]: () => tokens[Symbol.dispose](),
  }
}

const noBytes = new Uint8Array(0)

function listOf(lists: readonly Int32Array[]): ListColumn {
  let end = 0
  const offsets = Int32Array.from([0, ...lists.map(list => (end += list.length))])
  return { kind: 'list<i32>', offsets, values: concatArrays([new Int32Array(0), ...lists]) }
}

function inOrder(batch: Batch): Batch {
  const rows = numbers(batch, 'row')
  return takeRows(
    batch,
    [...rows.keys()].sort((a, b) => rows[a] - rows[b]),
  )
}
