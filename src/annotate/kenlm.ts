import type { NumberArray } from '../batch/batch.ts'
import { name, type OptionsOf, oneOf, optional, required, resolveOptions } from '../options.ts'
import { exponential } from '../text/exact-math.ts'
import { readSentencePieceModel } from '../text/sentencepiece/model-file.ts'
import { SentencePieceTokenizer } from '../text/sentencepiece/tokenizer.ts'
import type { Annotator } from './annotator.ts'
import { filter } from './filter.ts'
import { lookAtKenlm } from './kenlm-model.ts'
import { SentenceScorer } from './kenlm-sentences.ts'
import { ratio } from './measure.ts'
import { modelName, readNeeded } from './model-file.ts'

const perplexity = ratio(
  'its perplexity as CCNet sums it up: 10 to the power of minus the logarithms of all words and line ends over how many these are; NaN for an empty text',
)
const unknown = ratio('share of its words that the model does not know, which say nothing by their perplexity')
const table = {
  name: 'kenlm',
  version: 2,
  about:
    "The perplexity of each document by somebody's back-off model of up to 6 words: a binary file of KenLM (version 5 of the format: probing or trie, quantized or not) or an ARPA file (of KenLM, SRILM ...), which may be packed by gzip. Words are what stands between spaces, as in KenLM, and each line is a sentence: texts must be cut and folded as those were that the model was made of. For CCNet's published models, and others of pieces, give `sentencePiece` and `normalize: 'ccnet'`. A binary file is held once for all workers; each worker holds an ARPA file's model of its own.",
  measures: { 'kenlm:<name>': perplexity, 'kenlm:<name>:unknown': unknown },
  options: {
    model: required('a binary file of KenLM, or an ARPA file, as it is or packed by gzip', name),
    name: required('names the columns', modelName),
    sentencePiece: optional(
      'the model of SentencePiece, unigram or BPE, whose pieces are the words of the language model',
      name,
    ),
    normalize: optional(
      "how texts are folded first, as CCNet does: lower case, without accents, digits 0, plain punctuation, no control characters. `ccnet`: a text as one sentence, its line feeds left out, as CCNet's pipeline does; `ccnet-lines`: each line by itself",
      oneOf(['ccnet', 'ccnet-lines']),
    ),
  },
}

/**
 * Measures each document by a back-off model of words or pieces: `kenlm:<name>` and `kenlm:<name>:unknown`. Exact on any machine.
 *
 *     pipeline('web').from(jsonl('data/*.jsonl')).annotate(kenlm({ model: 'models/wikipedia.arpa', name: 'wikipedia' }))
 *
 * As CCNet measures it:
 *
 *     kenlm({ model: 'models/en.arpa.bin', sentencePiece: 'models/en.sp.model', normalize: 'ccnet', name: 'ccnet' })
 */
export function kenlm(given: OptionsOf<typeof table.options>): Annotator {
  const { model: path, name, sentencePiece, normalize } = resolveOptions("annotator 'kenlm'", table.options, given)
  const model = lookAtKenlm({ path, advice: 'give a binary file of KenLM, or an ARPA file as its `lmplz` writes it' })
  const pieces = sentencePiece === undefined ? null : readPieces(sentencePiece)
  const [ofAll, ofUnknown] = [`kenlm:${name}`, `kenlm:${name}:unknown`]
  const make = filter({
    ...table,
    measures: { [ofAll]: perplexity, [ofUnknown]: unknown },
    options: {},
    record: () => ({ name, ...(normalize && { normalize }) }),
    resources: [
      { name: `kenlm:${name}`, sha256: model.sha256 },
      ...(pieces ? [{ name: `sentencepiece:${name}`, sha256: pieces.sha256 }] : []),
    ],
    prepare: () => new SentenceScorer(model.load(), pieces?.tokenizer ?? null, normalize ?? null),
    measure({ rows, bytes, offsets }, out: Readonly<Record<string, NumberArray>>, scorer) {
      for (let row = 0; row < rows; row++) {
        scorer.score(bytes, offsets[row], offsets[row + 1])
        const { logarithm, words, lines, unknown } = scorer
        // Of half, squared: a word that is unknown to a model without a place for such has a logarithm of -100.
        const half = exponential((-logarithm * Math.LN10) / (words + lines) / 2)
        out[ofAll][row] = half * half
        out[ofUnknown][row] = unknown / words
      }
    },
  })
  return make({})
}
kenlm.table = table

function readPieces(path: string): { readonly tokenizer: SentencePieceTokenizer; readonly sha256: string } {
  const advice = 'give the model that `spm_train` wrote for these pieces'
  const { bytes, sha256 } = readNeeded({ what: 'model of SentencePiece', path, advice })
  return { tokenizer: new SentencePieceTokenizer(readSentencePieceModel(bytes, path), path), sha256 }
}
