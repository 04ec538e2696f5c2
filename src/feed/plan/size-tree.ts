/** A set of small numbers that finds its first member from a number on in O(log n): a tree of bits, 32 to a node. */
export class SizeTree {
  readonly #levels: Uint32Array[] = []

  constructor(count: number) {
    do {
      count = (count + 31) >>> 5
      this.#levels.push(new Uint32Array(count))
    } while (count > 1)
  }

  set(member: number, isIn: boolean): void {
    for (const level of this.#levels) {
      const word = member >>> 5
      const before = level[word]
      level[word] = isIn ? before | (1 << (member & 31)) : before & ~(1 << (member & 31))
      if ((before === 0) === (level[word] === 0)) return
      member = word
    }
  }

  /** The first member from this number on, or -1. */
  firstFrom(from: number): number {
    for (let depth = 0; depth < this.#levels.length; depth++) {
      const level = this.#levels[depth]
      const word = from >>> 5
      if (word >= level.length) return -1
      const found = level[word] & (-1 << (from & 31))
      if (found !== 0) return this.#descend(depth, (word << 5) + lowestBit(found), lowestBit)
      from = word + 1
    }
    return -1
  }

  /** The last member up to this number and with it, or -1. */
  lastUpTo(to: number): number {
    for (let depth = 0; depth < this.#levels.length && to >= 0; depth++) {
      const word = to >>> 5
      const found = this.#levels[depth][word] & (-1 >>> (31 - (to & 31)))
      if (found !== 0) return this.#descend(depth, (word << 5) + highestBit(found), highestBit)
      to = word - 1
    }
    return -1
  }

  #descend(depth: number, member: number, choose: (word: number) => number): number {
    while (depth > 0) {
      depth--
      member = (member << 5) + choose(this.#levels[depth][member])
    }
    return member
  }
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word)
}

function highestBit(word: number): number {
  return 31 - Math.clz32(word)
}
