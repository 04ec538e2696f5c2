import { dot, logOf, sigmoid } from './arithmetic.ts'
import type { Matrix } from './matrix.ts'

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
export function findBestLabel({ left, right }: LabelTree, output: Matrix, hidden: Float32Array): BestLabel {
  const best = { label: -1, logScore: Number.NEGATIVE_INFINITY }
  const labels = (left.length + 1) / 2
  const descend = (node: number, logScore: number): void => {
    if (logScore < best.logScore) return
    if (left[node] < 0) {
      best.label = node
      best.logScore = logScore
      return
    }
    const toRight = sigmoid(dot(output, node - labels, hidden))
    descend(left[node], Math.fround(logScore + logOf(Math.fround(1 - toRight))))
    descend(right[node], Math.fround(logScore + logOf(toRight)))
  }
  descend(left.length - 1, 0)
  return best
}

/** The logarithms of the probabilities of all labels, as `findBestLabel` has them, to `out`. */
export function scoreLabels({ left, right }: LabelTree, output: Matrix, hidden: Float32Array, out: Float32Array): void {
  const labels = out.length
  // A node's children come before it: their numbers are smaller.
  const logScores = new Float32Array(left.length)
  for (let node = left.length - 1; node >= labels; node--) {
    const toRight = sigmoid(dot(output, node - labels, hidden))
    logScores[left[node]] = logScores[node] + logOf(Math.fround(1 - toRight))
    logScores[right[node]] = logScores[node] + logOf(toRight)
  }
  out.set(logScores.subarray(0, labels))
}
