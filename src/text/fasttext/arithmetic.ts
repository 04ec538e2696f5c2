import { exponential, naturalLog } from '../exact-math.ts'
import type { Matrix } from './matrix.ts'

// Float32 as fastText 0.9.2 computes it: each value is rounded where its types round.

/** Row `row` times `hidden`. */
export function dot({ values, width, norms }: Matrix, row: number, hidden: Float32Array): number {
  const at = row * width
  let sum = 0
  for (let i = 0; i < hidden.length; i++) sum = Math.fround(sum + Math.fround(values[at + i] * hidden[i]))
  return norms === null ? sum : Math.fround(sum * norms[row])
}

/** 1 / (1 + e^-x) with e^-x and the sum rounded to float32 before the division, as fastText's types make it. */
export function sigmoid(x: number): number {
  return Math.fround(1 / Math.fround(1 + Math.fround(exponential(-x))))
}

/** fastText adds 1e-5, so that no label is impossible. */
export function logOf(x: number): number {
  return Math.fround(naturalLog(x + 1e-5))
}

/** What a probability comes out as, which may be up to 1.0001. */
export function probabilityOf(logScore: number): number {
  return Math.fround(exponential(logScore))
}

const sigmoidMax = 8
const sigmoidSteps = 512
/** What fastText looks sigmoids up in where it has one for each label. */
const sigmoids = Float32Array.from({ length: sigmoidSteps + 1 }, (_, i) => {
  const x = (i * 2 * sigmoidMax) / sigmoidSteps - sigmoidMax
  return 1 / (1 + Math.fround(exponential(-x)))
})

export function lookUpSigmoid(x: number): number {
  if (x < -sigmoidMax) return 0
  if (x > sigmoidMax) return 1
  const shifted = Math.fround(Math.fround(x + sigmoidMax) * sigmoidSteps)
  return sigmoids[Math.trunc(shifted / sigmoidMax / 2)]
}

/** Puts in place of each value e^value over the sum of all. */
export function softmax(values: Float32Array): void {
  let most = values[0]
  for (let i = 1; i < values.length; i++) most = Math.max(most, values[i])
  let sum = 0
  for (let i = 0; i < values.length; i++) {
    values[i] = exponential(Math.fround(values[i] - most))
    sum = Math.fround(sum + values[i])
  }
  for (let i = 0; i < values.length; i++) values[i] /= sum
}
