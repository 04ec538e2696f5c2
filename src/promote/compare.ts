import { canonicalJson } from '../canonical-json.ts'
import { HeadraceError } from '../errors.ts'
import { type FeedOptions, resolveFeedOptions } from '../feed/options.ts'
import { settingsAt } from '../feed/plan/control.ts'
import { placeStep } from '../feed/plan/fork.ts'
import type { RunReader } from '../record/run-reader.ts'
import { type RecordedSplit, readSplits } from '../record/splits.ts'
import { hasEnded, readStanding } from '../record/standing.ts'
import type { RunFeed } from './cover.ts'

/** Throws unless a feed can go on with another run: both over the same slots, the other at its end, its tokens and samples as the feed's. */
export async function checkNext(feed: RunFeed, next: RunReader, step: number): Promise<void> {
  checkNoRecall(next)
  checkWhole(feed.run)
  checkWhole(next)
  await checkSameSlots(feed, next)
  checkTokens(feed, next)
  checkSamples(feed, next, step)
}

function checkNoRecall({ dir, run }: RunReader): void {
  if (!run.recall) return
  throw new HeadraceError(
    'bad-option',
    `${dir} is a recall: it has nothing of what the feed's run keeps, so a feed can't go on with it alone; headrace unite makes a feed of both runs`,
  )
}

/** Which rows are copies of covered ones stands in the drops, slot by slot. */
function checkWhole({ dir, first }: RunReader): void {
  if (first === 0) return
  throw new HeadraceError(
    'trimmed',
    `slots before ${first} of ${dir} were trimmed: which of their rows are copies of others isn't known any more, and they might be fed twice`,
  )
}

async function checkSameSlots({ run, hasEnded: isWhole }: RunFeed, next: RunReader): Promise<void> {
  const standings = await Promise.all([run, next].map(one => readStanding(one.log, one.run)))
  const [mine, others] = await Promise.all([run, next].map(one => readSplits(one.log, one.run)))
  const differences = (['source', 'slotBytes', 'lanes', 'partitions'] as const)
    .filter(name => run.run[name] !== next.run[name])
    .map(name => `${name} ${JSON.stringify(run.run[name])} and ${JSON.stringify(next.run[name])}`)
  const split = findOtherSplit(mine, others, isWhole)
  if (split !== null) differences.push(split)
  if (differences.length > 0)
    throw new HeadraceError(
      'bad-option',
      `${run.dir} and ${next.dir} are not over the same slots: they have ${differences.join('; ')}; a row's number means another document there`,
    )
  if (!hasEnded(standings[1], next.run))
    throw new HeadraceError(
      'bad-option',
      `${next.dir} has not ended: run it to its end first; it stands at slot ${standings[1].shard.slot} of ${standings[1].load.ended ? standings[1].annotated : 'some that are not all read yet'}`,
    )
  const [before, after] = standings.map(({ decide }) => decide.slot)
  if (before > after || (isWhole && before !== after))
    throw new HeadraceError(
      'bad-option',
      `${run.dir} has ${before} slots and ${next.dir} has ${after}: they are not the same`,
    )
}

/** The first split that differs; a run that has not ended may have met fewer. */
function findOtherSplit(
  mine: readonly RecordedSplit[],
  others: readonly RecordedSplit[],
  isWhole: boolean,
): string | null {
  for (const [i, { name, stamp, seen }] of mine.entries()) {
    const other = others[i]
    if (other?.name !== name) return `split ${i} '${name}' and ${other ? `'${other.name}'` : 'none'}`
    if (other.stamp !== stamp) return `split '${name}' with the stamps ${stamp} and ${other.stamp}`
    if (seen !== undefined && other.seen !== undefined && seen !== other.seen)
      return `split '${name}', of which ${seen} and ${other.seen} were read`
  }
  return isWhole && others.length > mine.length ? `${mine.length} splits and ${others.length}` : null
}

function checkTokens({ head, run }: RunFeed, next: RunReader): void {
  if (next.run.tokenizer === null)
    throw new HeadraceError('bad-option', `${next.dir} has no tokenizer, so it has no shards to feed`)
  const [mine, other] = [head.tokenizer, next.run.tokenizer].map(canonicalJson)
  if (mine !== other)
    throw new HeadraceError(
      'bad-option',
      `the feed of ${run.dir} has tokens of ${mine}, and ${next.dir} has those of ${other}`,
    )
}

/** What the new run says of its own feed tells what it was made for. Its mixture may differ: the feed's goes on. */
function checkSamples({ dir, head, controls }: RunFeed, next: RunReader, step: number): void {
  if (!next.run.feed) return
  const other = resolveFeedOptions('a feed', next.run.feed as FeedOptions)
  const now = settingsAt(placeStep(step, controls), head, controls)
  const [batches, lengths] = [
    [head.batch, now.batch],
    [head.length, now.length],
  ]
  if (!lengths.includes(other.length)) throw refuseSamples(`samples of ${now.length} tokens`, `${other.length}`)
  if (!batches.includes(other.batch)) throw refuseSamples(`steps of ${batches[1]} samples`, `${other.batch}`)
  function refuseSamples(mine: string, theirs: string): HeadraceError {
    return new HeadraceError(
      'bad-option',
      `the feed in ${dir} has ${mine}, and ${next.dir} was made for ${theirs}: give its pipeline the same, or begin another feed`,
    )
  }
}
