import { FeatureReader, featureBuckets } from './features.ts'

/**
 * One thing that a model says of a text. `score`: how much it is so, as the logarithm of the odds; `value`: a number on the scale of its
 * labels; `class`: which of several names it has.
 */
export interface Head {
  readonly name: string
  readonly kind: 'score' | 'value' | 'class'
  /** Of a class its names, one for each output; else none. */
  readonly classes: readonly string[]
  /** What an output is multiplied by, and what is added then: calibration of a score, the labels' spread and mean of a value. */
  readonly scale: number
  readonly shift: number
}

/** Heads over the same features. `weights` has for each bucket one a output, then another row, which every text has, for the intercepts. */
export interface LinearModel {
  readonly heads: readonly Head[]
  readonly weights: Float32Array
}

export const outputsOf = ({ classes, kind }: Pick<Head, 'classes' | 'kind'>) => (kind === 'class' ? classes.length : 1)

export function countOutputs(heads: readonly Head[]): number {
  return heads.reduce((sum, head) => sum + outputsOf(head), 0)
}

/** Scores texts by all heads of a model, in one pass over their words. */
export class LinearScorer {
  readonly #model: LinearModel
  readonly #reader = new FeatureReader()
  /** Of the last text, one a output, scaled. */
  readonly outputs: Float64Array

  constructor(model: LinearModel) {
    this.#model = model
    this.outputs = new Float64Array(countOutputs(model.heads))
  }

  /** Fills `outputs` for `bytes[start, end)` (UTF-8), and returns whether it has any word: without one all are NaN. */
  score(bytes: Uint8Array, start: number, end: number): boolean {
    const length = this.#reader.read(bytes, start, end)
    if (length === 0) this.outputs.fill(Number.NaN)
    else {
      sumWeights(this.#model.weights, this.#reader, length, this.outputs)
      this.#scaleOutputs()
    }
    return length > 0
  }

  /** Words of the last text. */
  get words(): number {
    return this.#reader.words
  }

  /** Their hashes, as a seed takes them; of which the first `words` count. */
  get hashes(): Uint32Array {
    return this.#reader.hashes
  }

  #scaleOutputs(): void {
    let at = 0
    for (const head of this.#model.heads)
      for (let i = outputsOf(head); i > 0; i--, at++) this.outputs[at] = this.outputs[at] * head.scale + head.shift
  }
}

/** Sums in 64 bits and in the order of the features, so that they are the same on every machine. */
export function sumWeights(
  weights: Float32Array,
  { buckets, values }: { readonly buckets: Uint32Array; readonly values: Float32Array },
  length: number,
  into: Float64Array,
): void {
  const outputs = into.length
  if (outputs === 1) {
    let sum = weights[featureBuckets]
    for (let i = 0; i < length; i++) sum += weights[buckets[i]] * values[i]
    into[0] = sum
    return
  }
  const intercepts = featureBuckets * outputs
  for (let o = 0; o < outputs; o++) into[o] = weights[intercepts + o]
  // Of many outputs a bucket's weights fill lines of memory, and each is best read once.
  const alone = outputs > outputsOfFourMax ? 0 : outputs - (outputs % 4)
  for (let o = 0; o < alone; o += 4) sumFour(weights, { buckets, values }, length, into, o)
  for (let i = 0; i < length && alone < outputs; i++) {
    const row = buckets[i] * outputs
    const value = values[i]
    for (let o = alone; o < outputs; o++) into[o] += weights[row + o] * value
  }
}

/** Outputs up to which four at a time are faster, by a third for eight of them. */
const outputsOfFourMax = 16

/** Four of several outputs, from `o` on: their sums are registers, where a list of them is memory. */
function sumFour(
  weights: Float32Array,
  { buckets, values }: { readonly buckets: Uint32Array; readonly values: Float32Array },
  length: number,
  into: Float64Array,
  o: number,
): void {
  const outputs = into.length
  let [a, b, c, d] = into.subarray(o, o + 4)
  for (let i = 0; i < length; i++) {
    const at = buckets[i] * outputs + o
    const value = values[i]
    a += weights[at] * value
    b += weights[at + 1] * value
    c += weights[at + 2] * value
    d += weights[at + 3] * value
  }
  into[o] = a
  into[o + 1] = b
  into[o + 2] = c
  into[o + 3] = d
}
