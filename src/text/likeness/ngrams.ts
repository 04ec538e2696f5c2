import { limits } from '../../limits.ts'
import { hash64, mix32, mix32b } from '../hash.ts'
import { drawPlaceKey, placeOf } from '../place-key.ts'

/**
 * What is repeated in a text: whole spans (lines, paragraphs) and n-grams of words, told apart by 64-bit hashes. In a text of a
 * million n-grams some two different ones collide with odds of about 2^39 / 2^64; a collision counts an n-gram as repeated.
 * The hashes are not safe against an attacker, who can at most make the own text look repetitive. A text whose hashes were made to meet
 * takes linear time as well: the places of spans are keyed; those of n-grams, of which a text has ten for each word, would cost an eighth
 * of the filter's speed, so that a probe that meets `probesMax` others gives up instead, and counts its n-gram as new. In a table that is
 * a quarter full no other text has so many in a row: the odds fall by e^-0.64 with each.
 *
 * All buffers are reused from text to text.
 */
const probesMax = 64
const placeKey = drawPlaceKey()

/** Words of a text whose n-grams are counted; a text at the limit of bytes has more only when its words are shorter than 3. */
export const ngramWordsMax = limits.documentBytesMax / 4
/** Buffers for more words than this are given back after the text that needed them. */
const wordsRetainedMax = 1 << 20

/** A set of 64-bit hashes that `clear` empties in constant time. */
export class HashSet64 {
  #keys = new Int32Array(3 * 1024)
  #stamp = 0
  #size = 0

  clear(): void {
    if (this.#keys.length > 3 * wordsRetainedMax) this.#keys = new Int32Array(3 * 1024)
    if (this.#stamp++ === 0x7fffffff) {
      this.#keys.fill(0)
      this.#stamp = 1
    }
    this.#size = 0
  }

  /** Adds a key and says whether it was absent. */
  add(high: number, low: number): boolean {
    const slots = this.#keys.length / 3
    if (this.#size * 2 >= slots) this.#grow()
    return this.#insert(this.#keys, high | 0, low | 0)
  }

  #insert(keys: Int32Array, high: number, low: number): boolean {
    const mask = keys.length / 3 - 1
    for (let slot = placeOf(high, low, placeKey) & mask; ; slot = (slot + 1) & mask) {
      const at = slot * 3
      if (keys[at] !== this.#stamp) {
        keys[at] = this.#stamp
        keys[at + 1] = high
        keys[at + 2] = low
        this.#size++
        return true
      }
      if (keys[at + 1] === high && keys[at + 2] === low) return false
    }
  }

  #grow(): void {
    const old = this.#keys
    this.#keys = new Int32Array(old.length * 2)
    this.#size = 0
    for (let at = 0; at < old.length; at += 3)
      if (old[at] === this.#stamp) this.#insert(this.#keys, old[at + 1], old[at + 2])
  }
}

const pair = new Uint32Array(2)

/** Adds `bytes[start, end)` to `seen` and says whether it was absent. */
export function addSpan(seen: HashSet64, bytes: Uint8Array, start: number, end: number): boolean {
  hash64(bytes, start, end, 0, pair)
  return seen.add(pair[0], pair[1])
}

/**
 * A word's hash is a polynomial over its bytes, modulo 2^32, twice with another base: so the hash of words joined follows from
 * theirs, and joined words are equal wherever their borders are. Bytes are mixed first, as the low bits of such a polynomial
 * depend on little else than the low bits of its terms.
 */
const baseA = 0x2c1b3c6d
const baseB = 0x297a2d3b
const bytesA = Int32Array.from({ length: 256 }, (_, byte) => mix32(byte + 1))
const bytesB = Int32Array.from({ length: 256 }, (_, byte) => mix32b(byte + 1))
const shortWordMax = 63
const powersA = buildPowers(baseA)
const powersB = buildPowers(baseB)

function buildPowers(base: number): Int32Array {
  const powers = new Int32Array(shortWordMax + 1).fill(1)
  for (let i = 1; i < powers.length; i++) powers[i] = Math.imul(powers[i - 1], base)
  return powers
}

function power(base: number, exponent: number): number {
  let result = 1
  for (; exponent > 0; exponent >>>= 1, base = Math.imul(base, base)) if (exponent & 1) result = Math.imul(result, base)
  return result
}

/** N-grams by their hashes. A slot holds base + 1 + the number of an n-gram; what is not above the base is empty. */
interface Table {
  readonly a: Int32Array
  readonly b: Int32Array
  readonly slots: Int32Array
  readonly mask: number
  readonly base: number
}

function placeIn(mask: number, hashA: number, hashB: number): number {
  return (Math.imul(hashA ^ (hashB >>> 15), 0x9e3779b1) >>> 7) & mask
}

const aheadNgrams = 256
/** What so many n-grams of a pass look at, each at a place of its own, stays in a core's cache. */
const cachedNgramsMax = 4096

/**
 * Reads the places of the next n-grams from `from` on, and returns the one behind them, `added` n-grams being in the table. Of a table
 * that the cache doesn't hold, the memory serves these reads at the same time; `findOrAdd` would wait for each, as what it does next depends
 * on what it finds.
 */
function readAhead({ a, b, slots, mask }: Table, from: number, ngrams: number, added: number): number {
  const end = Math.min(from + aheadNgrams, ngrams)
  if (added < cachedNgramsMax) return end
  let all = 0
  for (let i = from; i < end; i++) all |= slots[placeIn(mask, a[i], b[i])]
  // It never is: without a use of what was read, the compiler would leave out the reads.
  return all < 0 ? ngrams : end
}

/** The number of the first n-gram of this pass that equals n-gram `i`, or -1 after adding `i` itself. */
function findOrAdd({ a, b, slots, mask, base }: Table, i: number): number {
  const hashA = a[i]
  const hashB = b[i]
  let slot = placeIn(mask, hashA, hashB)
  for (let probes = 0; probes < probesMax; probes++, slot = (slot + 1) & mask) {
    const found = slots[slot] - base - 1
    if (found < 0) {
      slots[slot] = base + 1 + i
      return -1
    }
    if (a[found] === hashA && b[found] === hashB) return found
  }
  return -1
}

/** N-grams of one text's words. `load` first; then any n, cheapest when n rises. */
export class Ngrams {
  #words = 0
  #n = 0
  #spaced = false
  #capacity = 0
  // Of each word: its hashes and base^(bytes). Of each n-gram, by its first word: the hashes. Characters before each word.
  #wordA = new Int32Array(0)
  #wordB = new Int32Array(0)
  #powerA = new Int32Array(0)
  #powerB = new Int32Array(0)
  #ngramA = new Int32Array(0)
  #ngramB = new Int32Array(0)
  #characters = new Int32Array(0)
  #counts = new Int32Array(0)
  #slots = new Int32Array(0)
  #mask = 0
  #base = 0
  #passWords = 0

  /** Takes the words with these byte ranges, at most `ngramWordsMax`. */
  load(bytes: Uint8Array, starts: Int32Array, ends: Int32Array, first: number, last: number): void {
    this.#words = Math.min(last - first, ngramWordsMax)
    this.#n = 0
    this.#reserve(this.#words)
    for (let word = 0; word < this.#words; word++) this.#loadWord(bytes, starts[first + word], ends[first + word], word)
  }

  #loadWord(bytes: Uint8Array, start: number, end: number, word: number): void {
    let a = 0
    let b = 0
    let characters = end - start
    for (let i = start; i < end; i++) {
      const byte = bytes[i]
      a = (Math.imul(a, baseA) + bytesA[byte]) | 0
      b = (Math.imul(b, baseB) + bytesB[byte]) | 0
      if ((byte & 0xc0) === 0x80) characters--
    }
    const short = end - start <= shortWordMax
    this.#wordA[word] = a
    this.#wordB[word] = b
    this.#powerA[word] = short ? powersA[end - start] : power(baseA, end - start)
    this.#powerB[word] = short ? powersB[end - start] : power(baseB, end - start)
    this.#characters[word + 1] = this.#characters[word] + characters
  }

  /** Characters of all occurrences, with a space between words, of the most frequent n-gram; the first of equals. */
  topCharacters(n: number): number {
    const ngrams = this.#roll(n, true)
    if (ngrams < 1) return 0
    const counts = this.#counts
    const table = this.#startPass()
    let best = 0
    let most = 1
    for (let i = 0, added = 0; i < ngrams; )
      for (const end = readAhead(table, i, ngrams, added); i < end; i++) {
        const first = findOrAdd(table, i)
        if (first < 0) {
          counts[i] = 1
          added++
        } else if (++counts[first] > most || (counts[first] === most && first < best)) {
          most = counts[first]
          best = first
        }
      }
    return (this.#characters[best + n] - this.#characters[best] + n - 1) * most
  }

  /** Characters, without spaces, of the n-grams that repeat an earlier one, read from the left and without overlap. */
  duplicateCharacters(n: number): number {
    const ngrams = this.#roll(n, false)
    const characters = this.#characters
    const table = this.#startPass()
    let sum = 0
    for (let i = 0, added = 0; i < ngrams; )
      for (const end = readAhead(table, i, ngrams, added); i < end; ) {
        if (findOrAdd(table, i) < 0) {
          i++
          added++
        } else {
          sum += characters[i + n] - characters[i]
          i += n
        }
      }
    return sum
  }

  /** Extends the n-grams' hashes to n words and returns how many there are. */
  #roll(n: number, spaced: boolean): number {
    if (this.#n === 0 || this.#n > n || this.#spaced !== spaced) {
      this.#ngramA.set(this.#wordA.subarray(0, this.#words))
      this.#ngramB.set(this.#wordB.subarray(0, this.#words))
      this.#n = 1
      this.#spaced = spaced
    }
    for (; this.#n < n; this.#n++) this.#append(this.#words - this.#n, this.#n)
    return Math.max(0, this.#words - n + 1)
  }

  /** Appends to each of `ngrams` n-grams the word `ahead` words after its first. */
  #append(ngrams: number, ahead: number): void {
    const stepA = this.#spaced ? baseA : 1
    const stepB = this.#spaced ? baseB : 1
    const spaceA = this.#spaced ? bytesA[32] : 0
    const spaceB = this.#spaced ? bytesB[32] : 0
    const a = this.#ngramA
    const b = this.#ngramB
    const wordA = this.#wordA
    const wordB = this.#wordB
    const powerA = this.#powerA
    const powerB = this.#powerB
    for (let i = 0; i < ngrams; i++) {
      const word = i + ahead
      a[i] = Math.imul(Math.imul(a[i], stepA) + spaceA, powerA[word]) + wordA[word]
      b[i] = Math.imul(Math.imul(b[i], stepB) + spaceB, powerB[word]) + wordB[word]
    }
  }

  /** An empty table: what is in the slots belongs to earlier passes from here on. */
  #startPass(): Table {
    this.#base += this.#passWords
    this.#passWords = this.#words
    if (this.#base >= 0x7fffffff - 2 * ngramWordsMax) {
      this.#slots.fill(0)
      this.#base = 0
    }
    return { a: this.#ngramA, b: this.#ngramB, slots: this.#slots, mask: this.#mask, base: this.#base }
  }

  /** Room for `words`, and a table that they fill by a quarter at most: no larger, so that it stays in the cache. */
  #reserve(words: number): void {
    if (words > this.#capacity || (this.#capacity > wordsRetainedMax && words <= wordsRetainedMax))
      this.#allocate(words)
    this.#mask = tableSize(words) - 1
  }

  #allocate(words: number): void {
    const capacity = tableSize(words) >>> 2
    this.#capacity = capacity
    this.#wordA = new Int32Array(capacity)
    this.#wordB = new Int32Array(capacity)
    this.#powerA = new Int32Array(capacity)
    this.#powerB = new Int32Array(capacity)
    this.#ngramA = new Int32Array(capacity)
    this.#ngramB = new Int32Array(capacity)
    this.#characters = new Int32Array(capacity + 1)
    this.#counts = new Int32Array(capacity)
    this.#slots = new Int32Array(capacity * 4)
    this.#base = 0
  }
}

/** The power of two from 2,048 up that `words` fill by a quarter at most. */
function tableSize(words: number): number {
  return 2 ** (32 - Math.clz32(Math.max(2048, words * 4) - 1))
}
