import type { ReadAt, Region } from '../batch/arrow/layout.ts'

/** Bytes that are read in parts, as those of an entry (see `PartialEntry` of the log). */
export interface Parts {
  readonly length: number
  readPart(at: number, bytes: number): Promise<Uint8Array>
}

/** `length` bytes of others, from `start` on. */
export function cutParts(parts: Parts, start: number, length = parts.length - start): Parts {
  return { length, readPart: (at, bytes) => parts.readPart(start + at, bytes) }
}

/** One behind the other. */
export function chainParts(chain: readonly Parts[]): Parts {
  const length = chain.reduce((sum, parts) => sum + parts.length, 0)
  return {
    length,
    readPart: async (at, bytes) => {
      const found: Uint8Array[] = []
      let start = 0
      for (const parts of chain) {
        const [from, to] = [Math.max(at - start, 0), Math.min(at + bytes - start, parts.length)]
        if (from < to) found.push(await parts.readPart(from, to - from))
        start += parts.length
      }
      return found.length === 1 ? found[0] : Buffer.concat(found)
    },
  }
}

export const wholeParts = (bytes: Uint8Array): Parts => ({
  length: bytes.length,
  readPart: async (at, length) => bytes.subarray(at, at + length),
})

/** Bytes that are read along, rather than reading once more. */
const gapBytesMax = 32 * 1024

/** Reads regions, neighbours together, and returns what gives them. What the head has is not read again. */
export async function readRegions(parts: Parts, head: Uint8Array, regions: readonly Region[]): Promise<ReadAt> {
  const outside = regions.filter(({ at, bytes }) => at + bytes > head.length).sort((a, b) => a.at - b.at)
  const spans: { at: number; end: number }[] = []
  for (const { at, bytes } of outside) {
    const last = spans.at(-1)
    if (last && at - last.end <= gapBytesMax) last.end = Math.max(last.end, at + bytes)
    else spans.push({ at, end: at + bytes })
  }
  const read = await Promise.all(spans.map(async ({ at, end }) => ({ at, bytes: await parts.readPart(at, end - at) })))
  return viewOf([{ at: 0, bytes: head }, ...read])
}

interface Piece {
  readonly at: number
  readonly bytes: Uint8Array
}

function viewOf(pieces: readonly Piece[]): ReadAt {
  return (at, length) => {
    const piece = pieces.find(piece => at >= piece.at && at + length <= piece.at + piece.bytes.length)
    if (!piece) throw new RangeError(`bytes ${at} to ${at + length} are missing`)
    return piece.bytes.subarray(at - piece.at, at - piece.at + length)
  }
}
