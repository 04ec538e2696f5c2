import { exponential, naturalLog } from '../exact-math.ts'

/** The binary tree of a hierarchical softmax. Nodes from 0 are the labels; the last node is the root. -1 means no child. */
export interface LabelTree {
  readonly left: Int32Array
  readonly right: Int32Array
}

/** The Huffman tree over labels whose counts never rise, joined in fastText's order (`buildTree` of fastText 0.9.2). */
export function buildLabelTree(counts: Float64Array): LabelTree {
  const labels = counts.length
  const nodes = 2 * labels - 1
  const left = new Int32Array(nodes).fill(-1)
  const right = new Int32Array(nodes).fill(-1)
  const weights = new Float64Array(nodes).fill(1e15)
  weights.set(counts)
  let leaf = labels - 1
  let inner = labels
  const lighter = (): number => (leaf >= 0 && weights[leaf] < weights[inner] ? leaf-- : inner++)
  for (let node = labels; node < nodes; node++) {
    left[node] = lighter()
    right[node] = lighter()
    weights[node] = weights[left[node]] + weights[right[node]]
  }
  return { left, right }
}

/** The most likely label and the logarithm of its probability, a float32. */
export interface BestLabel {
  readonly label: number
  readonly logScore: number
}

/**
 * The label with the greatest product of branch probabilities. Each inner node's row of `output` times `hidden` gives the odds
 * of its right branch. All values are float32, rounded where fastText rounds, and a later equal label wins as in its heap.
 */
export function findBestLabel({ left, right }: LabelTree, output: Float32Array, hidden: Float32Array): BestLabel {
  const best = { label: -1, logScore: Number.NEGATIVE_INFINITY }
  const labels = (left.length + 1) / 2
  const descend = (node: number, logScore: number): void => {
    if (logScore < best.logScore) return
    if (left[node] < 0) {
      best.label = node
      best.logScore = logScore
      return
    }
    const toRight = sigmoid(dot(output, (node - labels) * hidden.length, hidden))
    descend(left[node], Math.fround(logScore + logOf(Math.fround(1 - toRight))))
    descend(right[node], Math.fround(logScore + logOf(toRight)))
  }
  descend(left.length - 1, 0)
  return best
}

function dot(output: Float32Array, at: number, hidden: Float32Array): number {
  let sum = 0
  for (let i = 0; i < hidden.length; i++) sum = Math.fround(sum + Math.fround(output[at + i] * hidden[i]))
  return sum
}

/** 1 / (1 + e^-x) with e^-x and the sum rounded to float32 before the division, as fastText's types make it. */
function sigmoid(x: number): number {
  return Math.fround(1 / Math.fround(1 + Math.fround(exponential(-x))))
}

/** fastText adds 1e-5, so that no label is impossible. */
function logOf(x: number): number {
  return Math.fround(naturalLog(x + 1e-5))
}
