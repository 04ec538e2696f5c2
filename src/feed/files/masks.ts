import { type BigIntStats, statSync } from 'node:fs'
import { join } from 'node:path'
import { numbers } from '../../batch/batch.ts'
import { addressOf } from '../../decide/decider.ts'
import { isMissing } from '../../disk/files.ts'
import { HeadraceError, wrapDiskError } from '../../errors.ts'
import type { Shard } from '../../shards/shard.ts'
import type { TakeDown } from '../plan/take-down.ts'
import { readControls } from './control-file.ts'
import { readTakeDown } from './take-down-file.ts'

/** From which step on a document is taken down, and whether its tokens are blanked too. */
/** What of a piece nothing is learned from. */
export type Masked = 'nothing' | 'targets' | 'all'

interface Mask {
  readonly from: number
  readonly blankFrom: number
}

/** What of a shard is taken down: documents by the number of their first token, in order. */
interface MaskedShard {
  readonly starts: Int32Array
  readonly ends: Int32Array
  readonly masks: readonly Mask[]
}

const never = Number.POSITIVE_INFINITY

/** What readers of a feed mask. It follows `control.json`: what is recorded while they read holds for every step that they read later. */
export class Masks {
  readonly #dir: string
  readonly #path: string
  #seen = ''
  #entries = 0
  #rows = new Map<number, Mask>()
  #shards = new WeakMap<Shard, MaskedShard>()

  constructor(dir: string) {
    this.#dir = dir
    this.#path = join(dir, 'control.json')
  }

  /** Looks whether something was recorded since: one call of the system a step. */
  async refresh(): Promise<void> {
    const stamp = this.#stamp()
    if (stamp === this.#seen) return
    const rows = new Map<number, Mask>()
    const entries = await readControls(this.#dir)
    for (const { step, takeDown } of entries) if (takeDown) await this.#add(rows, step, takeDown)
    this.#entries = entries.length
    this.#rows = rows
    this.#shards = new WeakMap()
    this.#seen = stamp
  }

  /** Throws `corrupt` unless there are so many entries: a feed that was copied without them would be read without a mask. */
  check(entries: number): void {
    if (entries > this.#entries)
      throw new HeadraceError(
        'corrupt',
        `${this.#path} has ${this.#entries} entries, and a step was planned by ${entries}: restore it from a copy`,
      )
  }

  get isEmpty(): boolean {
    return this.#rows.size === 0
  }

  /** What is masked of the piece that begins at a token of a shard, in a step. */
  judge(shard: Shard, token: number, step: number): Masked {
    if (this.isEmpty) return 'nothing'
    const { starts, ends, masks } = this.#shards.get(shard) ?? this.#open(shard)
    const index = lastAtMost(starts, token)
    return index < 0 || token >= ends[index] ? 'nothing' : maskedBy(masks[index], step)
  }

  /** What is masked of a document, by its address, in a step. */
  judgeRow(slot: number, row: number, step: number): Masked {
    const mask = this.#rows.get(addressOf(slot, row))
    return mask ? maskedBy(mask, step) : 'nothing'
  }

  async #add(rows: Map<number, Mask>, step: number, takeDown: TakeDown): Promise<void> {
    for (const [slot, row] of (await readTakeDown(this.#dir, takeDown)).rows) {
      const address = addressOf(slot, row)
      const { from, blankFrom } = rows.get(address) ?? { from: never, blankFrom: never }
      const blank = takeDown.blank ? step : never
      rows.set(address, { from: Math.min(from, step), blankFrom: Math.min(blankFrom, blank) })
    }
  }

  #open(shard: Shard): MaskedShard {
    const lengths = shard.lengths()
    const found: { start: number; end: number; mask: Mask }[] = []
    let [index, start] = [0, 0]
    for (const batch of shard.batches(['slot', 'row'])) {
      const [slots, rows] = [numbers(batch, 'slot'), numbers(batch, 'row')]
      for (let i = 0; i < batch.rows; i++) {
        const end = start + lengths[index++]
        const mask = this.#rows.get(addressOf(slots[i], rows[i]))
        if (mask && end > start) found.push({ start, end, mask })
        start = end
      }
    }
    const masked = {
      starts: Int32Array.from(found, one => one.start),
      ends: Int32Array.from(found, one => one.end),
      masks: found.map(one => one.mask),
    }
    this.#shards.set(shard, masked)
    return masked
  }

  #stamp(): string {
    try {
      const { ino, size, mtimeNs }: BigIntStats = statSync(this.#path, { bigint: true })
      return `${ino} ${size} ${mtimeNs}`
    } catch (error) {
      if (isMissing(error)) return ''
      throw wrapDiskError(error, `looking at ${this.#path}`)
    }
  }
}

function maskedBy({ from, blankFrom }: Mask, step: number): Masked {
  if (from > step) return 'nothing'
  return blankFrom <= step ? 'all' : 'targets'
}

/** Index of the last number that is `value` or less; -1 where there is none. */
function lastAtMost(sorted: Int32Array, value: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle] <= value) low = middle + 1
    else high = middle
  }
  return low - 1
}
