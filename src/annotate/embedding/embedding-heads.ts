import { type Batch, type Columns, type FixedColumn, fixed } from '../../batch/batch.ts'
import { HeadraceError } from '../../errors.ts'
import { name, type OptionsOf, required, resolveOptions } from '../../options.ts'
import type { Annotator } from '../annotator.ts'
import { fieldsOf } from '../filter.ts'
import { ratio } from '../measure.ts'
import { modelName, readNeeded } from '../model-file.ts'
import { parseHeads, type VectorHead } from './heads-file.ts'
import { vectorColumn } from './vectors.ts'

const score = ratio('what the head says of the vector: `intercept` + weights * vector; NaN without a vector')
const table = {
  name: 'embedding-heads',
  about: `Scores each document by linear heads over the vector that \`embedding()\` or \`onnxEmbedding()\` before it has written: logits of a logistic regression, say, or
    the cosine with a centroid. Reads the column and no text, so other heads cost a replay next to nothing. Exact, as sums are in a fixed order.`,
  measures: { 'embedding:<name>:<head>': score },
  options: {
    embedding: required('the name of the vectors', modelName),
    heads: required('a file of heads: docs/embedding.md shows how to make it', name),
  },
}

/**
 * Scores each document by linear heads over its vector: `embedding:<name>:<head>`.
 *
 *     .annotate(embedding({ name: 'bge', ... }), embeddingHeads({ embedding: 'bge', heads: 'heads.json' }))
 *     .decide(rules({ 'embedding:bge:math': { below: 0 } }))
 */
export function embeddingHeads(given: OptionsOf<typeof table.options>): Annotator {
  const who = "annotator 'embedding-heads'"
  const { embedding, heads: path } = resolveOptions(who, table.options, given)
  const { bytes, sha256 } = readNeeded({ what: 'heads', path, advice: 'docs/embedding.md shows how to make them' })
  const { dimensions, heads } = parseHeads(bytes.toString('utf8'), path)
  const column = vectorColumn(embedding)
  const measures = Object.fromEntries(heads.map(head => [`${column}:${head.name}`, score]))
  return Object.freeze({
    name: `embedding-heads-${embedding}`,
    version: 1,
    exact: true,
    options: { embedding, heads: heads.map(head => head.name) },
    reads: [column],
    writes: fieldsOf(measures),
    resources: [{ name: `heads:${embedding}`, sha256 }],
    rules: [],
    measures,
    annotate: (batch: Batch): Columns => {
      const vectors = fixed(batch, column)
      if (vectors.width === 4 * dimensions) return scoreHeads(vectors, heads, column)
      const found = vectors.width / 4
      throw new HeadraceError(
        'bad-pipeline',
        `${who}: ${path} is for vectors of ${dimensions} numbers, and '${column}' has ${found}: give heads that were made of such vectors`,
      )
    },
  })
}
embeddingHeads.table = table

/** In 64 bits, as the products of 32-bit numbers are exact there, and always in the order of the vector. */
function scoreHeads({ bytes, width }: FixedColumn, heads: readonly VectorHead[], column: string): Columns {
  const rows = bytes.length / width
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const vector = new Float64Array(width / 4)
  const scores = heads.map(() => new Float64Array(rows))
  for (let row = 0; row < rows; row++) {
    let isFound = false
    for (let i = 0; i < vector.length; i++) {
      vector[i] = view.getFloat32(row * width + 4 * i, true)
      isFound ||= vector[i] !== 0
    }
    for (const [head, { weights, intercept }] of heads.entries()) {
      let sum = intercept
      for (let i = 0; i < vector.length; i++) sum += weights[i] * vector[i]
      scores[head][row] = isFound ? sum : Number.NaN
    }
  }
  return Object.fromEntries(heads.map(({ name }, i) => [`${column}:${name}`, { kind: 'f64', values: scores[i] }]))
}
