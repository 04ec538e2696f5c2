/** Stretches of tokens of a block's shards, in the order of shards and tokens: each is a document, or what is left of one in one place. */
export interface Stretches {
  /** Tokens. */
  readonly lengths: Int32Array
  /** Shard's number in the block. */
  readonly shardOf: Int32Array
  /** First token, counted through the shard. */
  readonly startOf: Int32Array
}

/** Samples as pieces of shards: see `SampleList`. */
interface SamplePieces {
  readonly offsets: Int32Array
  readonly shard: Int32Array
  readonly start: Int32Array
  readonly length: Int32Array
}

/**
 * What the first `samples` samples of a block leave of the stretches that it was cut from. Pieces that follow one another in a document are
 * one stretch again, so that longer samples hold what shorter ones had cut.
 */
export function leaveFed(stretches: Stretches, list: SamplePieces, samples: number): Stretches {
  const { shard, start, length, offsets } = list
  const first = offsets[samples]
  const order = Int32Array.from({ length: shard.length - first }, (_, i) => first + i)
  order.sort((a, b) => shard[a] - shard[b] || start[a] - start[b])
  const [lengths, shardOf, startOf] = [0, 1, 2].map(() => new Int32Array(order.length))
  const isBegin = beginsOf(stretches)
  let [count, end] = [0, -1]
  for (const piece of order) {
    const goesOn = count > 0 && shardOf[count - 1] === shard[piece] && end === start[piece]
    if (goesOn && !isBegin(shard[piece], start[piece])) lengths[count - 1] += length[piece]
    else {
      lengths[count] = length[piece]
      shardOf[count] = shard[piece]
      startOf[count++] = start[piece]
    }
    end = start[piece] + length[piece]
  }
  const whole = [lengths, shardOf, startOf].map(column => column.slice(0, count))
  return { lengths: whole[0], shardOf: whole[1], startOf: whole[2] }
}

/** Whether a stretch begins at a token, asked in the order of shards and tokens. */
function beginsOf({ shardOf, startOf }: Stretches): (shard: number, token: number) => boolean {
  let at = 0
  const isBefore = (shard: number, token: number) =>
    shardOf[at] < shard || (shardOf[at] === shard && startOf[at] < token)
  return (shard, token) => {
    while (at < shardOf.length && isBefore(shard, token)) at++
    return shardOf[at] === shard && startOf[at] === token
  }
}
