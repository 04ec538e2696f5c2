/** Texts as a trie of bytes, each with a number from 0 on: of 2^22 bytes at most, all together. */
export class ByteTrie {
  /** Of each step, node * 256 + byte + 1 and the node that it leads to; 0 marks an empty place. At least half are empty. */
  #steps = new Int32Array(2 * 1024)
  /** The text that ends at each node, or -1. */
  #numbers = new Int32Array(512).fill(-1)
  #nodes = 1

  add(text: Uint8Array, number: number): void {
    let node = 0
    for (const byte of text) {
      const next = this.step(node, byte)
      node = next < 0 ? this.#grow(node, byte) : next
    }
    this.#numbers[node] = number
  }

  /** The number of the text that ends at a node, or -1. */
  numberAt(node: number): number {
    return this.#numbers[node]
  }

  /** The node that a byte leads to, or -1. The first node is 0. */
  step(node: number, byte: number): number {
    const steps = this.#steps
    const key = node * 256 + byte + 1
    const mask = steps.length / 2 - 1
    for (let place = placeOf(node, byte) & mask; ; place = (place + 1) & mask) {
      const found = steps[2 * place]
      if (found === key) return steps[2 * place + 1]
      if (found === 0) return -1
    }
  }

  /** The bytes of the longest text that begins at `at`, or 0. */
  lengthAt(bytes: Uint8Array, at: number, end: number): number {
    let [node, length] = [0, 0]
    for (let i = at; i < end; i++) {
      node = this.step(node, bytes[i])
      if (node < 0) break
      if (this.#numbers[node] >= 0) length = i + 1 - at
    }
    return length
  }

  #grow(node: number, byte: number): number {
    if (4 * (this.#nodes + 1) > this.#steps.length) this.#double()
    this.#enter(node, byte, this.#nodes)
    return this.#nodes++
  }

  #enter(node: number, byte: number, target: number): void {
    const mask = this.#steps.length / 2 - 1
    let place = placeOf(node, byte) & mask
    while (this.#steps[2 * place] !== 0) place = (place + 1) & mask
    this.#steps[2 * place] = node * 256 + byte + 1
    this.#steps[2 * place + 1] = target
  }

  #double(): void {
    const [steps, numbers] = [this.#steps, this.#numbers]
    this.#steps = new Int32Array(2 * steps.length)
    this.#numbers = new Int32Array(2 * numbers.length).fill(-1)
    this.#numbers.set(numbers)
    for (let i = 0; i < steps.length; i += 2)
      if (steps[i] !== 0) this.#enter((steps[i] - 1) >>> 8, (steps[i] - 1) & 0xff, steps[i + 1])
  }
}

function placeOf(node: number, byte: number): number {
  const mixed = Math.imul(Math.imul(node, 0x9e3779b1) ^ byte, 0x85ebca6b)
  return mixed ^ (mixed >>> 15)
}
