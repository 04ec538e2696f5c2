import { join } from 'node:path'
import { openFeed } from '../../feed/publish.ts'
import { limits } from '../../limits.ts'
import type { RunFile } from '../../record/run-file.ts'
import type { RunContext } from '../context.ts'
import type { ManifestSink } from './shard-stage.ts'

/** The feed of a run, as who plans steps from its shards; null for a run without one. */
export async function openSink(
  context: RunContext,
  { pipeline, ledger }: Pick<RunFile, 'pipeline' | 'ledger'>,
): Promise<(ManifestSink & AsyncDisposable) | null> {
  const { plan, dir, segments, watch } = context
  if (!plan.feed) return null
  const { endOfTextId } = plan.tokenizer!.options
  const feed = await openFeed(join(dir, 'feed'), plan.feed, {
    run: pipeline,
    ledger: ledger ?? 1,
    blockSlotsMin: 2 * limits.shardSlotsMax,
    // A feed goes on through upgrades: it is named by the pipeline that began it.
    fingerprint: segments[0].shard,
    shards: join(dir, 'shards'),
    tokenizer: plan.tokenizer!.options,
    onEffect: context.checkOwner,
    endOfText: typeof endOfTextId === 'number' ? endOfTextId : null,
  })
  const count = (steps: number) => watch({ kind: 'steps', steps })
  count(feed.head.steps)
  return {
    add: async entry => count(await feed.addManifest(entry)),
    end: async () => {
      count(await feed.end())
      const { steps, digest } = feed.head
      return { steps, digest }
    },
    [Symbol.asyncDispose]: () => feed[Symbol.asyncDispose](),
  }
}
