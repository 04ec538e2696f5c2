import { exponential } from '../exact-math.ts'
import { mix32 } from '../hash.ts'
import { featureBuckets } from './features.ts'

/** A text to learn from: `weight` is what it counts, `target` 0 or 1, a number, or the number of a class. */
export interface Example {
  readonly buckets: Uint32Array
  readonly values: Float32Array
  readonly target: number
  readonly weight: number
}

/** Texts that are learned from together, in memory at once. */
export type LoadExamples = (part: number) => Example[] | Promise<Example[]>

/** How an error follows from a sum: `logistic` of one output, `squared`, or `softmax` over several. */
export type Loss = 'logistic' | 'squared' | 'softmax'

export interface TrainOptions {
  readonly loss: Loss
  readonly outputs: number
  readonly epochs: number
}

/** Step width of AdaGrad; 0.1 and 1.5 were measured to find a twelfth less. */
const stepWidth = 0.5
const interceptWidth = 0.1
const decay = 1e-7
const firstSquares = 1e-6

/**
 * Trains the weights of one head by AdaGrad (Duchi et al. 2011), an example at a time, `epochs` times over all of them. The order is another
 * in each epoch, and hashed: the same examples give the same weights, bit for bit, on any machine.
 */
export async function trainHead(parts: number, load: LoadExamples, options: TrainOptions): Promise<Float32Array> {
  const trainer = new Trainer(options)
  for (let epoch = 0; epoch < options.epochs; epoch++)
    for (const part of shuffled(parts, epoch)) {
      const examples = await load(part)
      for (const i of shuffled(examples.length, mix32(epoch * 0x9e3779b1 + part))) trainer.learn(examples[i])
    }
  return trainer.weights
}

class Trainer {
  /** Each weight, and behind it the sum of its squared gradients: beside each other, as memory is what training waits for. */
  readonly #state: Float32Array
  readonly #loss: Loss
  readonly #sums: Float64Array

  constructor({ loss, outputs }: TrainOptions) {
    this.#state = new Float32Array(2 * (featureBuckets + 1) * outputs)
    for (let i = 1; i < this.#state.length; i += 2) this.#state[i] = firstSquares
    this.#loss = loss
    this.#sums = new Float64Array(outputs)
  }

  get weights(): Float32Array {
    const weights = new Float32Array(this.#state.length / 2)
    for (let i = 0; i < weights.length; i++) weights[i] = this.#state[2 * i]
    return weights
  }

  learn(example: Example): void {
    const sums = this.#sums
    for (let o = 0; o < sums.length; o++) sums[o] = sumState(this.#state, example, sums.length, o)
    setErrors(sums, this.#loss, example.target)
    for (let o = 0; o < sums.length; o++) {
      const error = sums[o] * example.weight
      if (error !== 0) step(this.#state, example, { outputs: sums.length, output: o, error })
    }
  }
}

function sumState(state: Float32Array, { buckets, values }: Example, outputs: number, output: number): number {
  let sum = state[2 * (featureBuckets * outputs + output)]
  for (let i = 0; i < buckets.length; i++) sum += state[2 * (buckets[i] * outputs + output)] * values[i]
  return sum
}

/** Moves the weights of one output against its error. */
function step(
  state: Float32Array,
  { buckets, values }: Example,
  { outputs, output, error }: { readonly outputs: number; readonly output: number; readonly error: number },
): void {
  for (let i = 0; i < buckets.length; i++) {
    const at = 2 * (buckets[i] * outputs + output)
    const gradient = error * values[i] + decay * state[at]
    const squares = state[at + 1] + gradient * gradient
    state[at + 1] = squares
    state[at] -= (stepWidth * gradient) / Math.sqrt(squares)
  }
  const at = 2 * (featureBuckets * outputs + output)
  state[at + 1] += error * error
  state[at] -= (interceptWidth * error) / Math.sqrt(state[at + 1])
}

/** Puts in place of each output's sum how far it is from what it should be. */
function setErrors(sums: Float64Array, loss: Loss, target: number): void {
  if (loss === 'squared') sums[0] -= target
  else if (loss === 'logistic') sums[0] = logistic(sums[0]) - target
  else {
    const most = sums.reduce((max, sum) => Math.max(max, sum), Number.NEGATIVE_INFINITY)
    let total = 0
    for (let o = 0; o < sums.length; o++) total += sums[o] = exponential(sums[o] - most)
    for (let o = 0; o < sums.length; o++) sums[o] = sums[o] / total - (o === target ? 1 : 0)
  }
}

export function logistic(x: number): number {
  return x >= 0 ? 1 / (1 + exponential(-x)) : 1 - 1 / (1 + exponential(x))
}

/** The numbers below `count` in an order that `key` decides. */
function shuffled(count: number, key: number): Uint32Array {
  const ranks = Uint32Array.from({ length: count }, (_, i) => mix32(mix32(i ^ 0x5bf03635) ^ key))
  return Uint32Array.from({ length: count }, (_, i) => i).sort((a, b) => ranks[a] - ranks[b] || a - b)
}
