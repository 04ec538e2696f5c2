import { featureBuckets } from '../text/linear/features.ts'
import { countOutputs, type Head, type LinearModel, outputsOf } from '../text/linear/model.ts'

/** One model of several heads over the same features. `weights` of each head are its own, as `LinearModel` has them of it alone. */
export function combineHeads(fitted: readonly { readonly head: Head; readonly weights: Float32Array }[]): LinearModel {
  const heads = fitted.map(({ head }) => head)
  if (fitted.length === 1) return { heads, weights: fitted[0].weights }
  const outputs = countOutputs(heads)
  const weights = new Float32Array((featureBuckets + 1) * outputs)
  let at = 0
  for (const { head, weights: own } of fitted) {
    const count = outputsOf(head)
    for (let row = 0; row <= featureBuckets; row++)
      for (let i = 0; i < count; i++) weights[row * outputs + at + i] = own[row * count + i]
    at += count
  }
  return { heads, weights }
}
