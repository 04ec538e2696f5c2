import { parseObject } from '../../sealed-json.ts'
import { toUnit } from './vectors.ts'

/** Vectors of length 1, in the order of the texts; or why the answer has none; or how many numbers there are in a vector, where there are others than asked for. */
export type Read =
  | { readonly vectors: readonly Float32Array[] }
  | { readonly fault: 'no-json' | 'no-data' | 'wrong-count' | 'wrong-index' | 'not-numbers' }
  | { readonly dimensions: number }

/** Reads an answer of `/v1/embeddings` on so many texts. Which text a vector is of, `index` says, and not the order. */
export function readVectors(body: string, texts: number, dimensions: number): Read {
  const object = parseObject(body)
  if (!object) return { fault: 'no-json' }
  const { data } = object
  if (!Array.isArray(data)) return { fault: 'no-data' }
  if (data.length !== texts) return { fault: 'wrong-count' }
  const vectors: Float32Array[] = new Array(texts)
  for (const item of data as readonly ({ readonly index?: unknown; readonly embedding?: unknown } | null)[]) {
    const index = item?.index
    if (!Number.isSafeInteger(index) || !(Number(index) >= 0 && Number(index) < texts) || vectors[Number(index)])
      return { fault: 'wrong-index' }
    const values = item?.embedding
    if (!Array.isArray(values) || !values.every(Number.isFinite)) return { fault: 'not-numbers' }
    if (values.length !== dimensions) return { dimensions: values.length }
    const vector = toUnit(values)
    if (!vector) return { fault: 'not-numbers' }
    vectors[Number(index)] = vector
  }
  return { vectors }
}
