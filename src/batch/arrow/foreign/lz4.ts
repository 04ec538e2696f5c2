/**
 * LZ4 frames (lz4_Frame_format.md, version 1.6), as Arrow's writers make them: blocks may refer to those before them. Checksums are not
 * looked at, as a wrong copy shows in the lengths or in Arrow's own offsets. Throws a RangeError for what is none.
 *
 *     frame  u32 0x184d2204, flags, block size, (u64 content bytes), (u32 dictionary), header checksum, blocks, u32 0
 *     block  u32 bytes, where the highest bit says that it is stored as it is; the bytes; (u32 checksum)
 */
const frameMagic = 0x184d2204
const flagBits = { dictionary: 1, contentChecksum: 4, contentSize: 8, blockChecksum: 16 } as const
const storedBit = 0x80000000

/** The `length` bytes that a frame holds, or several that follow each other. */
export function decompressLz4Frames(frames: Uint8Array, length: number): Uint8Array {
  const view = new DataView(frames.buffer, frames.byteOffset, frames.byteLength)
  const out = new Uint8Array(length)
  let [at, to] = [0, 0]
  while (at < frames.length) {
    if (view.getUint32(at, true) !== frameMagic) throw new RangeError('no LZ4 frame begins here')
    const flags = view.getUint8(at + 4)
    const has = (name: keyof typeof flagBits) => (flags & flagBits[name]) !== 0
    at += 7 + (has('contentSize') ? 8 : 0) + (has('dictionary') ? 4 : 0)
    for (let head = view.getUint32(at, true); head !== 0; head = view.getUint32(at, true)) {
      const bytes = head & ~storedBit
      const block = frames.subarray(at + 4, at + 4 + bytes)
      if (block.length < bytes) throw new RangeError('an LZ4 block ends after its frame')
      to = head >>> 31 === 1 ? copyBlock(block, out, to) : decodeBlock(block, out, to)
      at += 4 + bytes + (has('blockChecksum') ? 4 : 0)
    }
    at += 4 + (has('contentChecksum') ? 4 : 0)
  }
  if (to !== length) throw new RangeError(`LZ4 frames of ${to} bytes where ${length} should be`)
  return out
}

function copyBlock(block: Uint8Array, out: Uint8Array, to: number): number {
  out.set(block, to)
  return to + block.length
}

/** A block (lz4_Block_format.md) is sequences of a token, literals, and a match of what was written before. */
function decodeBlock(block: Uint8Array, out: Uint8Array, to: number): number {
  let at = 0
  const readLength = (nibble: number): number => {
    let length = nibble
    for (let byte = nibble === 15 ? 255 : 0; byte === 255; length += byte) byte = readByte(block, at++)
    return length
  }
  while (at < block.length) {
    const token = block[at++]
    const literals = readLength(token >> 4)
    if (at + literals > block.length) throw new RangeError('literals end after their LZ4 block')
    to = copyBlock(block.subarray(at, at + literals), out, to)
    at += literals
    if (at === block.length) break
    const distance = readByte(block, at) + 256 * readByte(block, at + 1)
    at += 2
    to = copyMatch(out, to, distance, readLength(token & 15) + 4)
  }
  return to
}

/** Byte by byte where the match overlaps what it writes. */
function copyMatch(out: Uint8Array, to: number, distance: number, length: number): number {
  const [from, end] = [to - distance, to + length]
  if (distance === 0 || from < 0 || end > out.length) throw new RangeError('an LZ4 match lies outside')
  if (distance >= length) out.copyWithin(to, from, from + length)
  else for (let i = 0; i < length; i++) out[to + i] = out[from + i]
  return end
}

function readByte(bytes: Uint8Array, at: number): number {
  if (at >= bytes.length) throw new RangeError('an LZ4 block ends within a sequence')
  return bytes[at]
}
