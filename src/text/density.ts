import { naturalLog } from './exact-math.ts'
import { cutShingles, ShingleBuffer } from './likeness/shingles.ts'

/**
 * How much a text says for its length, over windows of fixed size, as every such measure depends on length. Windows stand at
 * even distances from the start to the end of the text, so the cost of a long document is bounded.
 */

/** Bytes of a window, and the number of windows at most. A shorter text is one window. */
const windowBytes = 4096
const windowsMax = 4
/** A text shorter than this is not measured: too little repeats in it for any measure to mean something. */
const textBytesMin = 1024
/** Words of a window that are counted, and the fewest that are measured. */
const windowWords = 256
const wordsMin = 64

/** What is too short to measure is NaN. */
export interface Density {
  /** Estimated compressed bytes / bytes, above 0, mean over the windows. */
  readonly compressionRatio: number
  /** Unigram entropy of words, nats, mean over the windows. At most ln 256 = 5.55. */
  readonly wordEntropy: number
  /** Different words / words, mean over the windows. */
  readonly uniqueWordShare: number
}

/** Makes a function that measures `bytes[start, end)`. It keeps its tables from text to text, so one is made for many texts. */
export function createDensityMeter(): (bytes: Uint8Array, start: number, end: number) => Density {
  const estimateCompressedBytes = createEstimator()
  const countWords = createWordCounter()
  return (bytes, start, end) => {
    const length = end - start
    const windows = Math.min(windowsMax, Math.floor(length / windowBytes)) || 1
    const size = Math.min(length, windowBytes)
    let ratio = 0
    let entropy = 0
    let unique = 0
    let measured = 0
    for (let i = 0; i < windows; i++) {
      const from = start + (windows > 1 ? Math.floor(((length - size) * i) / (windows - 1)) : 0)
      ratio += estimateCompressedBytes(bytes, from, from + size) / size
      const words = countWords(bytes, from, from + size)
      if (words === null) continue
      entropy += words.entropy
      unique += words.uniqueShare
      measured++
    }
    return {
      compressionRatio: length < textBytesMin ? Number.NaN : ratio / windows,
      wordEntropy: measured > 0 ? entropy / measured : Number.NaN,
      uniqueWordShare: measured > 0 ? unique / measured : Number.NaN,
    }
  }
}

/** c ln c for counts of words and of bytes. */
const countLogs = Float64Array.from({ length: windowBytes + 1 }, (_, count) =>
  count > 0 ? count * naturalLog(count) : 0,
)

const slots = 1024 // four times the words, so that probes are short

/** Makes a function that counts equal words among the first of a window; null where there are too few. */
function createWordCounter() {
  const words = new ShingleBuffer()
  const lowKeys = new Uint32Array(slots)
  const highKeys = new Uint32Array(slots)
  const counts = new Uint16Array(slots)
  const used = new Uint16Array(windowWords)
  return (bytes: Uint8Array, start: number, end: number): { entropy: number; uniqueShare: number } | null => {
    const found = cutShingles(bytes, start, end, { width: 1, punctuation: 'ignore' }, words)
    if (found < wordsMin) return null
    const { low, high } = words
    const count = Math.min(found, windowWords)
    let different = 0
    counts.fill(0)
    for (let i = 0; i < count; i++) {
      let slot = low[i] & (slots - 1)
      while (counts[slot] > 0 && (lowKeys[slot] !== low[i] || highKeys[slot] !== high[i]))
        slot = (slot + 1) & (slots - 1)
      if (counts[slot]++ > 0) continue
      lowKeys[slot] = low[i]
      highKeys[slot] = high[i]
      used[different++] = slot
    }
    let sum = 0
    for (let i = 0; i < different; i++) sum += countLogs[counts[used[i]]]
    return { entropy: naturalLog(count) - sum / count, uniqueShare: different / count }
  }
}

const matchBytesMin = 4
/** What a match costs beyond the bits of its distance: its length, and that it is one. Fitted to zlib level 6. */
const matchBits = 6

/**
 * Makes a function for the size to which an LZ77 coder with a good entropy coder would bring a window: greedy matches of four bytes
 * or more at the latest place with the same hash, literals at their entropy. Ours, as the bytes that zlib writes differ between its
 * versions.
 */
function createEstimator(): (bytes: Uint8Array, start: number, end: number) => number {
  const positions = new Int32Array(4096)
  const literals = new Uint16Array(256)
  return (bytes, start, end) => {
    positions.fill(-1)
    literals.fill(0)
    let literalCount = 0
    let bits = 0
    let i = start
    for (const last = end - matchBytesMin; i <= last; ) {
      const word = bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24)
      const slot = Math.imul(word, 0x9e3779b1) >>> 20
      const candidate = positions[slot]
      positions[slot] = i
      if (candidate < 0 || !startsMatch(bytes, candidate, i)) {
        literals[bytes[i++]]++
        literalCount++
        continue
      }
      bits += matchBits + 32 - Math.clz32(i - candidate)
      let from = candidate + matchBytesMin
      for (i += matchBytesMin; i < end && bytes[i] === bytes[from]; i++) from++
    }
    for (; i < end; i++, literalCount++) literals[bytes[i]]++
    let sum = countLogs[literalCount]
    for (let byte = 0; byte < 256; byte++) sum -= countLogs[literals[byte]]
    return (bits + (sum / countLogs[2]) * 2) / 8
  }
}

function startsMatch(bytes: Uint8Array, a: number, b: number): boolean {
  return (
    bytes[a] === bytes[b] &&
    bytes[a + 1] === bytes[b + 1] &&
    bytes[a + 2] === bytes[b + 2] &&
    bytes[a + 3] === bytes[b + 3]
  )
}
