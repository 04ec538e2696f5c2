import { type Batch, type Columns, stringAt, utf8 } from '../../batch/batch.ts'
import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import { flag, name, type OptionsOf, oneOf, optional, required, resolveOptions, text, whole } from '../../options.ts'
import { type Encoded, encodeWordPieces, parseWordPieces, type WordPieces } from '../../text/word-piece.ts'
import type { Annotator } from '../annotator.ts'
import { fieldsOf } from '../filter.ts'
import { lookAtModel, modelName, readNeeded } from '../model-file.ts'
import { cutBatches } from './batches.ts'
import { Encoder, type EncoderTerms, findRuntime, type Provider } from './encoder.ts'
import { checkRoom, columnsOf, type Embedded, embeddingMeasures, measuresOf } from './vectors.ts'

const table = {
  name: 'onnx-embedding',
  about: `Computes the vector of each text by an encoder of BERT's family in ONNX, on the processor: MiniLM in 8 bits takes 25 to 35 documents of 128 tokens a
    second and core. The package onnxruntime-node (${'`npm install onnxruntime-node@1.30.0 --ignore-scripts`'}) is not installed with Headrace. Each worker has a
    session of one thread and its own copy of the model. Floats differ between machines, so the column is stored with the run and read back by its
    replays; \`embeddingHeads()\` scores it. A slot has ${limits.slotSecondsMax} s: larger encoders are for a server, and \`embedding()\`.`,
  measures: embeddingMeasures,
  options: {
    name: required('of the columns', modelName),
    model: required('the encoder, an ONNX file: ids, mask and types of tokens in, a vector a token out', name),
    vocabulary: required('its `vocab.txt`: WordPiece, a piece a line', name),
    dimensions: required('numbers of a vector, as the model gives them', whole(1, limits.embeddingDimensionsMax)),
    casing: optional('`lower` for uncased models; `keep` for cased ones', oneOf(['lower', 'keep']), 'lower'),
    pooling: optional(
      'how the vectors of tokens become one: their `mean`, or the `first` token alone (as BGE has it)',
      oneOf(['mean', 'first']),
      'mean',
    ),
    prefix: optional('what stands before each text, where a model asks for it, as `passage: `', text, ''),
    tokensMax: optional('what is behind so many tokens of a text is not looked at', whole(3, 8192), 128),
    batchTexts: optional(
      'texts that are computed together: a processor is fastest by few, a GPU by many',
      whole(1, 1024),
      4,
    ),
    provider: optional('`cuda` where its libraries are installed', oneOf(['cpu', 'cuda']), 'cpu'),
    orCpu: optional('whether the processor computes where the provider cannot', flag, false),
  },
}

/**
 * Computes the vector of each text by an encoder in ONNX: `embedding:<name>`. Not exact: what a run has stored is read back by its replays.
 *
 *     pipeline('web')
 *       .from(jsonl('data/*.jsonl'))
 *       .annotate(onnxEmbedding({ name: 'minilm', model: 'minilm/model.onnx', vocabulary: 'minilm/vocab.txt', dimensions: 384 }))
 */
export function onnxEmbedding(given: OptionsOf<typeof table.options>): Annotator {
  const who = "annotator 'onnx-embedding'"
  const chosen = resolveOptions(who, table.options, given)
  const { name: column, dimensions, casing, pooling, prefix, tokensMax, orCpu } = chosen
  const provider = resolveProvider(who, chosen.provider, orCpu)
  const vocabulary = readVocabulary(chosen.vocabulary)
  const model = { path: chosen.model, advice: 'docs/embedding.md says what it needs' }
  const { sha256 } = lookAtModel(model, () => null)
  const terms: EncoderTerms = { model, sha256, dimensions, pooling, provider, orCpu }
  const measures = measuresOf(column, dimensions)
  let opened: Promise<Encoder> | undefined
  return Object.freeze({
    name: `onnx-embedding-${column}`,
    version: 1,
    exact: false,
    options: chosen,
    measuredWith: { dimensions, casing, pooling, prefix, tokensMax },
    reads: ['text'],
    writes: fieldsOf(measures),
    resources: [
      { name: `model:${column}`, sha256 },
      { name: `vocabulary:${column}`, sha256: vocabulary.sha256 },
    ],
    rules: [],
    measures,
    notes:
      provider === chosen.provider ? [] : ["CUDA's libraries are not beside onnxruntime-node: the processor computes"],
    annotate: async (batch: Batch): Promise<Columns> => {
      checkRoom(who, batch.rows, dimensions)
      const encoder = await (opened ??= Encoder.open(who, terms))
      const texts = utf8(batch, 'text')
      const encoded = Array.from({ length: batch.rows }, (_, row) => {
        const own = stringAt(texts, row)
        if (own.trim() === '') return null
        return encodeWordPieces(vocabulary.pieces, prefix + own, tokensMax, casing)
      })
      return columnsOf(column, dimensions, await embedRows(encoder, encoded, chosen.batchTexts))
    },
  })
}
onnxEmbedding.table = table

/** Where CUDA's libraries are missing is known without them, before any work; what else it may lack, the first batch says. */
function resolveProvider(who: string, provider: Provider, orCpu: boolean): Provider {
  const { hasCuda } = findRuntime(who)
  if (provider === 'cpu' || hasCuda) return provider
  if (orCpu) return 'cpu'
  throw new HeadraceError(
    'bad-option',
    `${who} has 'provider' "cuda", and onnxruntime-node is installed without CUDA's libraries: install it with its scripts on a machine that has CUDA 12 (ONNXRUNTIME_NODE_INSTALL_CUDA=v12 npm install onnxruntime-node), or give orCpu: true to go on by the processor`,
  )
}

function readVocabulary(path: string): { readonly pieces: WordPieces; readonly sha256: string } {
  const advice = 'give the vocab.txt of the model'
  const { bytes, sha256 } = readNeeded({ what: 'vocabulary', path, advice })
  return { pieces: parseWordPieces(bytes.toString('utf8'), path), sha256 }
}

async function embedRows(
  encoder: Encoder,
  encoded: readonly (Encoded | null)[],
  batchTexts: number,
): Promise<Embedded[]> {
  const isCut = (row: number) => encoded[row]?.isCut ?? false
  const embedded = encoded.map((_, row): Embedded => ({ vector: null, missing: 'empty', isCut: isCut(row) }))
  // Of nothing but characters that show nothing, there are the two tokens at the ends.
  const rows = Array.from(encoded.keys()).filter(row => (encoded[row]?.ids.length ?? 0) > 2)
  const lengths = rows.map(row => encoded[row]!.ids.length)
  for (const batch of cutBatches(lengths, batchTexts, Number.POSITIVE_INFINITY)) {
    const vectors = await encoder.embed(batch.map(i => encoded[rows[i]]!.ids))
    for (const [place, i] of batch.entries()) {
      const [row, vector] = [rows[i], vectors[place]]
      embedded[row] = { vector, missing: vector ? '' : 'failed:not-numbers', isCut: isCut(row) }
    }
  }
  return embedded
}
