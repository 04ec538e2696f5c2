import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import { parseObject } from '../../sealed-json.ts'
import { isModelName } from '../../text/model-name.ts'
import { cleanName } from '../../text/printable.ts'

/** A linear head over vectors: the score of a vector v is `intercept` + sum of `weights[i]` * v[i]. */
export interface VectorHead {
  readonly name: string
  readonly weights: Float64Array
  readonly intercept: number
}

const format = 'headrace-heads/1'
const headsMax = 64
/** What stands beside vectors under the same name. */
const taken = ['missing', 'cut']

/** Reads `{ format, dimensions, heads: [{ name, weights, intercept }] }`. Throws `corrupt` with what is wrong; `file` is for messages. */
export function parseHeads(
  text: string,
  file: string,
): { readonly dimensions: number; readonly heads: readonly VectorHead[] } {
  const refuse = (what: string) =>
    new HeadraceError('corrupt', `heads ${file}: ${what}; docs/embedding.md shows how to make them`)
  const object = parseObject(text)
  if (!object) throw refuse('is no JSON object')
  const { format: own, dimensions, heads, ...others } = object
  if (own !== format) throw refuse(`its 'format' is not '${format}'`)
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) throw refuse(`has '${cleanName(unknown)}', which no such file has`)
  if (
    !Number.isSafeInteger(dimensions) ||
    !(Number(dimensions) >= 1 && Number(dimensions) <= limits.embeddingDimensionsMax)
  )
    throw refuse(`its 'dimensions' is no number from 1 to ${limits.embeddingDimensionsMax}`)
  if (!Array.isArray(heads) || heads.length < 1 || heads.length > headsMax)
    throw refuse(`its 'heads' is no list of 1 to ${headsMax}`)
  const read = heads.map((head: unknown) => headOf(head, Number(dimensions), refuse))
  if (new Set(read.map(({ name }) => name)).size < read.length) throw refuse('has two heads of one name')
  return { dimensions: Number(dimensions), heads: read }
}

function headOf(value: unknown, dimensions: number, refuse: (what: string) => HeadraceError): VectorHead {
  const { name, weights, intercept } = (typeof value === 'object' && value !== null ? value : {}) as Record<
    string,
    unknown
  >
  if (!isModelName(name) || taken.includes(name))
    throw refuse("has a head whose 'name' is not 1 to 64 letters, digits or '-', or is 'missing' or 'cut'")
  if (!Array.isArray(weights) || weights.length !== dimensions || !weights.every(Number.isFinite))
    throw refuse(`head '${name}' has no 'weights' of ${dimensions} numbers`)
  if (!Number.isFinite(intercept)) throw refuse(`head '${name}' has no 'intercept', a number`)
  return { name, weights: Float64Array.from(weights), intercept: Number(intercept) }
}
