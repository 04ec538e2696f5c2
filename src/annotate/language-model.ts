import type { NumberArray } from '../batch/batch.ts'
import { name, type OptionsOf, required, resolveOptions } from '../options.ts'
import { LanguageModelScorer } from '../text/language-model/model.ts'
import { readLanguageModel, readModelHeader } from '../text/language-model/model-file.ts'
import type { Annotator } from './annotator.ts'
import { filter } from './filter.ts'
import { ratio } from './measure.ts'
import { loadModel, lookAtModel } from './model-file.ts'

const bits = ratio('bits a byte that it takes by the model; NaN for an empty text')
const worst = ratio('bits a byte of the window of 1 KB that takes most')
const tokenBits = ratio('bits a token: the logarithm of the perplexity to base 2')
const table = {
  name: 'language-model',
  version: 1,
  about:
    'How well a language model that `headrace lm fit` made foretells each document. Text unlike what it was fitted on takes more bits, but so does each domain of its own; and what is said by rote, as licences, takes fewest. So look for a band, domain by domain.',
  measures: { 'lm:<name>': bits, 'lm:<name>:worst': worst, 'lm:<name>:token': tokenBits },
  options: { model: required('a file that `headrace lm fit` wrote', name) },
}

/**
 * Measures each document by a trigram model of tokens (see `text/language-model/`): `lm:<name>`, `lm:<name>:worst`, `lm:<name>:token`. Exact on
 * any machine.
 *
 *     pipeline('web')
 *       .from(jsonl('data/*.jsonl'))
 *       .annotate(normalize(), languageModel({ model: 'models/books.lm' }))
 *       .decide(rules({ 'lm:books': { below: 1, above: 4 } }))
 */
export function languageModel(given: OptionsOf<typeof table.options>): Annotator {
  const { model: path } = resolveOptions("annotator 'language-model'", table.options, given)
  const file = { path, advice: "make it with 'headrace lm fit'" }
  const { found, sha256 } = lookAtModel(file, bytes => readModelHeader(bytes, path).header)
  const [ofAll, ofWorst, ofTokens] = ['', ':worst', ':token'].map(kind => `lm:${found.name}${kind}`)
  const make = filter({
    ...table,
    measures: { [ofAll]: bits, [ofWorst]: worst, [ofTokens]: tokenBits },
    options: {},
    record: () => ({ name: found.name }),
    resources: [{ name: `lm:${found.name}`, sha256 }],
    prepare: () => new LanguageModelScorer(loadModel(file, sha256, bytes => readLanguageModel(bytes, path)).model),
    measure({ rows, bytes, offsets }, out: Readonly<Record<string, NumberArray>>, scorer) {
      for (let row = 0; row < rows; row++) {
        scorer.score(bytes, offsets[row], offsets[row + 1])
        out[ofAll][row] = scorer.bits
        out[ofWorst][row] = scorer.worst
        out[ofTokens][row] = scorer.tokenBits
      }
    },
  })
  return make({})
}
languageModel.table = table
