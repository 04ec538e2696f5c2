import { type Batch, type Columns, stringAt, utf8 } from '../../batch/batch.ts'
import { limits } from '../../limits.ts'
import { name, number, type OptionsOf, optional, required, resolveOptions, text, whole } from '../../options.ts'
import { cutText } from '../../text/cut-text.ts'
import type { Annotator } from '../annotator.ts'
import { fieldsOf } from '../filter.ts'
import { modelName } from '../model-file.ts'
import { readEndpoint } from '../model-server/endpoint.ts'
import { VectorServer } from './ask.ts'
import { checkRoom, columnsOf, type Embedded, embeddingMeasures, measuresOf } from './vectors.ts'

const table = {
  name: 'embedding',
  about: `Asks a server of an encoder (vLLM, SGLang, text-embeddings-inference, LMDeploy, Ollama) for the vector of each text, by \`/v1/embeddings\`. A server's
    floats differ between machines and batches, so the column is stored with the run and read back by its replays, which ask for nothing;
    \`embeddingHeads()\` scores it. docs/embedding.md says when it is worth its price.`,
  measures: embeddingMeasures,
  options: {
    name: required('of the columns', modelName),
    endpoint: required('URL of the server, as http://localhost:8000', name),
    model: required("the model's name, as the server knows it", name),
    dimensions: required('numbers of a vector, as the model gives them', whole(1, limits.embeddingDimensionsMax)),
    prefix: optional('what stands before each text, where a model asks for it, as `passage: `', text, ''),
    charactersMax: optional(
      'what is behind so many characters of a text is not sent: many models take 512 tokens, and servers refuse longer texts',
      whole(1),
      1500,
    ),
    keyFrom: optional('the environment variable that holds the key', name),
    batchTexts: optional('texts of a request at most', whole(1, 2048), 32),
    concurrency: optional('requests at a time, of each worker', whole(1, 1024), 8),
    tries: optional('requests of the same texts that may fail', whole(1, 100), 4),
    timeoutSeconds: optional('of a request', number(0.001, limits.serverDocumentSecondsMax), 30),
  },
}

/**
 * Asks a server of an encoder for the vector of each text: `embedding:<name>`. Not exact: what a run has stored is read back by its replays, and never
 * asked for again.
 *
 *     pipeline('web')
 *       .from(jsonl('data/*.jsonl'))
 *       .annotate(embedding({ name: 'bge', endpoint: 'http://localhost:8000', model: 'bge-small-en', dimensions: 384 }))
 */
export function embedding(given: OptionsOf<typeof table.options>): Annotator {
  const who = "annotator 'embedding'"
  const chosen = resolveOptions(who, table.options, given)
  const { name: column, model, dimensions, prefix, charactersMax, concurrency, tries: triesMax } = chosen
  const endpoint = readEndpoint(who, 'embeddings', chosen)
  const measures = measuresOf(column, dimensions)
  const batchMs = limits.serverDocumentSecondsMax * 1000
  let server: VectorServer | undefined
  const patience = { concurrency, triesMax, pauseMs: 500 }
  return Object.freeze({
    name: `embedding-${column}`,
    version: 1,
    exact: false,
    options: Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== undefined)),
    measuredWith: { model, dimensions, prefix, charactersMax },
    reads: ['text'],
    writes: fieldsOf(measures),
    resources: [],
    rules: [],
    measures,
    annotate: async (batch: Batch): Promise<Columns> => {
      checkRoom(who, batch.rows, dimensions)
      server ??= new VectorServer({ endpoint, model, dimensions, textsMax: chosen.batchTexts, batchMs, ...patience })
      return columnsOf(column, dimensions, await embedRows(batch, server, prefix, charactersMax))
    },
  })
}
embedding.table = table

async function embedRows(
  batch: Batch,
  server: VectorServer,
  prefix: string,
  charactersMax: number,
): Promise<Embedded[]> {
  const column = utf8(batch, 'text')
  const texts = Array.from({ length: batch.rows }, (_, row) => stringAt(column, row))
  const cuts = texts.map(text => cutText(text, charactersMax))
  const asked = Array.from(cuts.keys()).filter(row => cuts[row].trim() !== '')
  const found = await server.embed(asked.map(row => prefix + cuts[row]))
  const embedded = cuts.map((cut, row): Embedded => {
    return { vector: null, missing: 'empty', isCut: cut.length < texts[row].length }
  })
  asked.forEach((row, i) => {
    const one = found[i]
    const isFound = typeof one !== 'string'
    embedded[row] = { ...embedded[row], vector: isFound ? one : null, missing: isFound ? '' : one }
  })
  return embedded
}
