import { join } from 'node:path'
import { openFeed } from '../../feed/publish.ts'
import { limits } from '../../limits.ts'
import type { RunFile } from '../../record/run-file.ts'
import type { RunContext } from '../context.ts'
import { ControlInbox, lookAgain } from './control-inbox.ts'
import type { ManifestSink } from './shard-stage.ts'

/** The feed of a run, which takes shards and changes that somebody asks for, one after the other. */
export interface FeedSink extends ManifestSink, AsyncDisposable {
  /** Takes changes from the run's inbox until `stop` aborts. */
  watchInbox(stop: AbortSignal): Promise<void>
}

/** The feed of a run, as who plans steps from its shards; null for a run without one. */
export async function openSink(
  context: RunContext,
  { pipeline, ledger }: Pick<RunFile, 'pipeline' | 'ledger'>,
): Promise<FeedSink | null> {
  const { plan, dir, segments, watch } = context
  if (!plan.feed) return null
  const { endOfTextId } = plan.tokenizer!.options
  const feedDir = join(dir, 'feed')
  const feed = await openFeed(feedDir, plan.feed, {
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
  const inbox = new ControlInbox(dir, feedDir, feed)
  const inTurn = makeTurns()
  let hasEnded = false
  const take = async () => {
    if (!hasEnded && (await inbox.take())) count(await feed.planOn())
  }
  return {
    add: entry => inTurn(async () => count(await feed.addManifest(entry))),
    end: () =>
      inTurn(async () => {
        await take()
        hasEnded = true
        count(await feed.end())
        const { steps, digest } = feed.head
        return { steps, digest }
      }),
    watchInbox: stop => lookAgain(() => inTurn(take), stop),
    [Symbol.asyncDispose]: () => inTurn(() => feed[Symbol.asyncDispose]()),
  }
}

/** Does one thing after the other. */
function makeTurns() {
  let last: Promise<unknown> = Promise.resolve()
  return <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work)
    last = next.catch(() => {})
    return next
  }
}

/** Takes what comes into the inbox beside the stage's work, whose end ends that. What fails there stops all, by `failure`. */
export async function takeBeside(sink: FeedSink | null, failure: AbortController, work: () => Promise<void>) {
  if (!sink) return work()
  const end = new AbortController()
  let fault: { readonly error: unknown } | null = null
  const watching = sink.watchInbox(end.signal).catch(error => {
    fault = { error }
    failure.abort(error)
  })
  try {
    await work()
  } finally {
    end.abort()
    await watching
  }
  if (fault) throw (fault as { readonly error: unknown }).error
}
