import type { NumberArray } from '../batch/batch.ts'
import { name, type OptionsOf, required, resolveOptions } from '../options.ts'
import { readArpa, readArpaHead } from '../text/arpa/arpa-file.ts'
import { ArpaScorer } from '../text/arpa/scorer.ts'
import { exponential } from '../text/exact-math.ts'
import type { Annotator } from './annotator.ts'
import { filter } from './filter.ts'
import { ratio } from './measure.ts'
import { loadModel, lookAtModel, modelName } from './model-file.ts'

const perplexity = ratio(
  'its perplexity as CCNet sums it up: 10 to the power of minus the logarithms of all words and line ends over how many these are; NaN for an empty text',
)
const unknown = ratio('share of its words that the model does not know, which say nothing by their perplexity')
const table = {
  name: 'kenlm',
  version: 1,
  about:
    "The perplexity of each document by somebody's back-off model in the ARPA format (of KenLM, SRILM ...), of up to 6 words. Words are what stands between spaces, as in KenLM, and each line is a sentence: texts must be cut and folded as those were that the model was made of. Each worker holds the model.",
  measures: { 'kenlm:<name>': perplexity, 'kenlm:<name>:unknown': unknown },
  options: {
    model: required('an ARPA file, not packed', name),
    name: required('names the columns', modelName),
  },
}

/**
 * Measures each document by a back-off model of words: `kenlm:<name>` and `kenlm:<name>:unknown`. Exact on any machine.
 *
 *     pipeline('web').from(jsonl('data/*.jsonl')).annotate(kenlm({ model: 'models/wikipedia.arpa', name: 'wikipedia' }))
 */
export function kenlm(given: OptionsOf<typeof table.options>): Annotator {
  const { model: path, name } = resolveOptions("annotator 'kenlm'", table.options, given)
  const file = { path, advice: 'give an ARPA file, as `lmplz` of KenLM writes it' }
  const { sha256 } = lookAtModel(file, bytes => readArpaHead(bytes, path))
  const [ofAll, ofUnknown] = [`kenlm:${name}`, `kenlm:${name}:unknown`]
  const make = filter({
    ...table,
    measures: { [ofAll]: perplexity, [ofUnknown]: unknown },
    options: {},
    record: () => ({ name }),
    resources: [{ name: `kenlm:${name}`, sha256 }],
    prepare: () => new ArpaScorer(loadModel(file, sha256, bytes => readArpa(bytes, path))),
    measure({ rows, bytes, offsets }, out: Readonly<Record<string, NumberArray>>, scorer) {
      for (let row = 0; row < rows; row++) {
        scorer.score(bytes, offsets[row], offsets[row + 1])
        const { logarithm, words, lines, unknown } = scorer
        const isEmpty = offsets[row] === offsets[row + 1]
        // Of half, squared: a word that is unknown to a model without a place for such has a logarithm of -100.
        const half = exponential((-logarithm * Math.LN10) / (words + lines) / 2)
        out[ofAll][row] = isEmpty ? Number.NaN : half * half
        out[ofUnknown][row] = unknown / words
      }
    },
  })
  return make({})
}
kenlm.table = table
