import type { Random } from '../random.ts'

/** A change of a file's content that is not synced. `isForgotten`: a sync of it failed, and no later one tries again. */
export type Change = { readonly isForgotten?: boolean } & (
  | { readonly kind: 'write'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly size: number }
)

/** Whether nothing of an old change can come back once a later one is on the medium. */
export function isReplaced(old: Change, by: Change): boolean {
  if (old.kind === 'truncate') return by.kind === 'truncate'
  if (by.kind === 'truncate') return old.at >= by.size
  return old.at >= by.at && old.at + old.bytes.length <= by.at + by.bytes.length
}

/** What a power loss took. */
export interface CrashCounts {
  lostWrites: number
  tornWrites: number
  lostNames: number
}

const sectorBytes = 512

/** The content after a change; a hole is zeros. The buffer given is not changed. */
export function applyChange(content: Buffer, change: Change): Buffer {
  if (change.kind === 'truncate') return resize(content, change.size)
  const grown = resize(content, Math.max(content.length, change.at + change.bytes.length))
  grown.set(change.bytes, change.at)
  return grown
}

function resize(content: Buffer, size: number): Buffer {
  const resized = Buffer.alloc(size)
  content.copy(resized, 0, 0, Math.min(size, content.length))
  return resized
}

/** How a power loss treats what is not synced: some losses take most of it, some tear most of it. */
export interface Mood {
  readonly kept: number
  readonly lost: number
}

export function drawMood(random: Random): Mood {
  // The rest is torn.
  return random.pick([
    { kept: 0.4, lost: 0.2 },
    { kept: 0.1, lost: 0.1 },
    { kept: 0.9, lost: 0.1 },
    { kept: 0.1, lost: 0.9 },
  ])
}

/** Content after a power loss: of the changes since the last sync, some are there, some are not, and some are there in part. */
export function tear(
  durable: Buffer,
  changes: readonly Change[],
  random: Random,
  mood: Mood,
  counts: CrashCounts,
): Buffer {
  let content = durable
  for (const change of changes) {
    const draw = random.unit()
    if (draw < mood.lost) counts.lostWrites++
    else if (change.kind === 'truncate' || draw > 1 - mood.kept) content = applyChange(content, change)
    else {
      counts.tornWrites++
      content = random.chance(0.5) ? tearToPrefix(content, change, random) : tearBySectors(content, change, random)
    }
  }
  // A file may end anywhere in what was added to it; within it, a sector is there or not.
  if (content.length <= durable.length || !random.chance(0.2)) return content
  counts.tornWrites++
  return resize(content, random.between(durable.length, content.length))
}

type Write = Change & { kind: 'write' }

function tearToPrefix(content: Buffer, change: Write, random: Random): Buffer {
  const end = change.at + random.between(0, change.bytes.length)
  const whole = Math.max(0, end - (end % sectorBytes) - change.at)
  const torn = applyChange(content, { ...change, bytes: change.bytes.subarray(0, whole) })
  // The new size may be there before the data is.
  return random.chance(0.5) ? torn : resize(torn, Math.max(torn.length, change.at + change.bytes.length))
}

/** Sectors reach the medium in any order, so that any of them may be missing: often one alone, or all but one. */
function tearBySectors(content: Buffer, change: Write, random: Random): Buffer {
  const end = change.at + change.bytes.length
  const torn = resize(content, Math.max(content.length, end))
  const present = random.pick([0.1, 0.5, 0.9])
  const first = Math.floor(change.at / sectorBytes)
  const odd = random.between(first, Math.max(first, Math.ceil(end / sectorBytes) - 1))
  for (let at = change.at; at < end; ) {
    const next = Math.min(end, (Math.floor(at / sectorBytes) + 1) * sectorBytes)
    const isOdd = Math.floor(at / sectorBytes) === odd
    const isThere = present === 0.5 ? random.chance(0.5) : isOdd ? present < 0.5 : present > 0.5
    if (isThere) torn.set(change.bytes.subarray(at - change.at, next - change.at), at)
    at = next
  }
  return torn
}
