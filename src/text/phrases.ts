/** Words of a text, each a hash of 64 bits (see `likeness/word-grams.ts`). */
export interface WordHashes {
  readonly low: Uint32Array
  readonly high: Uint32Array
}

/** Lists that are told apart in one pass: a bit each. */
export const phraseListsMax = 32
/** Words of a phrase: which of the last words are covered is a bit each, and so many phrases may end at a word, each of another length. */
export const phraseWordsMax = 32

/** Keys of edges are `node * edgeFactor + word`, exact in a float64 as long as words and nodes have 26 bits. */
const edgeFactor = 2 ** 26

/**
 * Finds phrases, which are rows of words, in one pass over a text's words (Aho and Corasick 1975, doi:10.1145/360825.360855, over words in place of
 * characters). Where a character or cluster is a word, as in Chinese and Thai, a phrase is found anywhere; elsewhere it is of whole words.
 */
export class PhraseFinder {
  readonly #words: WordTable
  readonly #edges: ReadonlyMap<number, number>
  /** Of each node: its longest suffix that is a node, the lists of the phrases that end there, and its number of words. */
  readonly #suffixes: Int32Array
  readonly #lists: Uint32Array
  readonly #depths: Uint8Array
  /** Of each list: the word at which a phrase ended last, and which of the words up to it are covered, from the lowest bit on. */
  readonly #last = new Int32Array(phraseListsMax)
  readonly #covered = new Uint32Array(phraseListsMax)

  constructor(trie: PhraseTrie) {
    this.#words = trie.words
    this.#edges = trie.edges
    this.#lists = Uint32Array.from(trie.lists)
    this.#depths = Uint8Array.from(trie.depths)
    this.#suffixes = new Int32Array(trie.lists.length)
    this.#link(trie)
  }

  /** Links nodes in the order of their depths, as a suffix is shorter than what it is of. */
  #link({ parents, ends, depths }: PhraseTrie): void {
    const order = Uint32Array.from(depths.keys()).sort((a, b) => depths[a] - depths[b] || a - b)
    for (const node of order)
      if (depths[node] > 1) this.#suffixes[node] = this.#step(this.#suffixes[parents[node]], ends[node])
  }

  /** Where word `word` leads from a node. */
  #step(node: number, word: number): number {
    for (;;) {
      const next = this.#edges.get(node * edgeFactor + word)
      if (next !== undefined) return next
      if (node === 0) return 0
      node = this.#suffixes[node]
    }
  }

  /**
   * For each list i adds to `hits[i]` the words at which one of its phrases ends, and to `covered[i]` the words that its phrases cover, each
   * once. Takes time linear in the first `count` words.
   */
  find({ low, high }: WordHashes, count: number, hits: Uint32Array, covered: Uint32Array): void {
    this.#covered.fill(0)
    for (let at = 0, node = 0; at < count; at++) {
      const word = this.#words.find(low[at], high[at])
      node = word < 0 ? 0 : this.#step(node, word)
      if (node > 0) this.#count(node, at, hits, covered)
    }
  }

  /** Counts what ends at word `at`: of each list the longest phrase, which is met first. */
  #count(node: number, at: number, hits: Uint32Array, covered: Uint32Array): void {
    let counted = 0
    for (let end = node; end > 0; end = this.#suffixes[end]) {
      let fresh = (this.#lists[end] & ~counted) >>> 0
      counted |= fresh
      for (; fresh > 0; fresh = (fresh & (fresh - 1)) >>> 0) {
        const list = 31 - Math.clz32(fresh & -fresh)
        hits[list]++
        covered[list] += this.#cover(list, at, this.#depths[end])
      }
    }
  }

  /** Covers the `words` words up to `at`, and returns how many of them were not. */
  #cover(list: number, at: number, words: number): number {
    const passed = at - this.#last[list]
    const before = passed < 32 ? (this.#covered[list] << passed) >>> 0 : 0
    const now = 0xffffffff >>> (32 - words)
    this.#covered[list] = before | now
    this.#last[list] = at
    return countBits(now & ~before)
  }
}

function countBits(bits: number): number {
  let count = 0
  for (; bits !== 0; bits &= bits - 1) count++
  return count
}

/** Phrases as a tree of their words; node 0 is its root. */
export class PhraseTrie {
  readonly words = new WordTable()
  readonly edges = new Map<number, number>()
  readonly parents = [0]
  /** The last word of each node, its number of words, and the lists of the phrases that end there. */
  readonly ends = [-1]
  readonly depths = [0]
  readonly lists = [0]

  /** Nodes besides the root: words of phrases, those of common beginnings once. */
  get size(): number {
    return this.parents.length - 1
  }

  /** Adds the phrase of the first `count` words, 1 to `phraseWordsMax`, to list `list`, which is below `phraseListsMax`. */
  add({ low, high }: WordHashes, count: number, list: number): void {
    let node = 0
    for (let i = 0; i < count; i++) {
      const word = this.words.enter(low[i], high[i])
      const edge = node * edgeFactor + word
      const next = this.edges.get(edge) ?? this.parents.length
      if (next === this.parents.length) {
        this.edges.set(edge, next)
        this.parents.push(node)
        this.ends.push(word)
        this.depths.push(i + 1)
        this.lists.push(0)
      }
      node = next
    }
    this.lists[node] = (this.lists[node] | (1 << list)) >>> 0
  }
}

/** Numbers words by their hashes, from 0 on: an open-addressed table, at most half full. */
class WordTable {
  #slots = new Int32Array(2048).fill(-1)
  #low = new Uint32Array(1024)
  #high = new Uint32Array(1024)
  #size = 0

  /** The word's number, or -1. */
  find(low: number, high: number): number {
    return this.#slots[this.#slotOf(low >>> 0, high >>> 0)]
  }

  enter(low: number, high: number): number {
    const slot = this.#slotOf(low >>> 0, high >>> 0)
    if (this.#slots[slot] >= 0) return this.#slots[slot]
    this.#low[this.#size] = low
    this.#high[this.#size] = high
    this.#slots[slot] = this.#size++
    if (this.#size === this.#low.length) this.#grow()
    return this.#size - 1
  }

  #slotOf(low: number, high: number): number {
    const mask = this.#slots.length - 1
    let slot = low & mask
    for (let word = this.#slots[slot]; word >= 0; word = this.#slots[slot]) {
      if (this.#low[word] === low && this.#high[word] === high) break
      slot = (slot + 1) & mask
    }
    return slot
  }

  #grow(): void {
    const [low, high] = [this.#low, this.#high]
    this.#low = new Uint32Array(low.length * 2)
    this.#high = new Uint32Array(high.length * 2)
    this.#low.set(low)
    this.#high.set(high)
    this.#slots = new Int32Array(low.length * 4).fill(-1)
    for (let word = 0; word < this.#size; word++) this.#slots[this.#slotOf(low[word], high[word])] = word
  }
}
