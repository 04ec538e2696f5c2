import { type Batch, type Columns, numberArrays, stringAt, utf8, utf8From } from '../../batch/batch.ts'
import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import {
  flag,
  name,
  number,
  type OptionsOf,
  optional,
  required,
  resolveOptions,
  share,
  uint32,
  whole,
} from '../../options.ts'
import { hashUnit } from '../../text/hash.ts'
import type { Annotator } from '../annotator.ts'
import { fieldsOf } from '../filter.ts'
import { columnOf, type Measures, ratio } from '../measure.ts'
import { readEndpoint } from '../model-server/endpoint.ts'
import { Judge, type Judged } from './ask.ts'
import type { Terms } from './question.ts'
import { type Dimension, hashRubric, readRubric } from './rubric.ts'

const score = ratio('of a dimension with numbers: what the judge says; NaN without an answer')
const label = columnOf('utf8')('of a dimension with labels: what the judge says; empty without an answer')
const why = columnOf('utf8')(
  'why there is no answer: `not-sampled`, `not-stored`, `budget`, `invalid:<why>`, `failed:<why>`, `refused:<status>`; else empty',
)
const cut = columnOf('u8')('1 where the text was cut before it was judged')

/** Options that asking has in a pipeline and on the command line. */
export const askingDefaults = {
  charactersMax: 10_000,
  answerTokensMax: 256,
  concurrency: 8,
  tries: 4,
  invalidTries: 2,
  timeoutSeconds: 30,
}

const table = {
  name: 'judge',
  about: `Asks a language model behind an OpenAI-style endpoint (vLLM, SGLang, LMDeploy, Ollama) what a rubric asks of a text. Answers are kept by
    content in a store and never asked for again; a replay reads those that its run has stored. A model may answer otherwise each time, and says
    nothing about its own worth: \`headrace judge check\` holds it against labels by hand. A slot whose documents take longer than
    ${limits.slotSecondsMax} s is measured again one by one, from the store: sample.`,
  measures: {
    'judge:<rubric>:<dimension>': score,
    'judge:<rubric>:<dimension of labels>': label,
    'judge:<rubric>:unanswered': why,
    'judge:<rubric>:cut': cut,
  },
  options: {
    rubric: required('a file, Markdown or JSON, that says how to judge and what to say', name),
    model: required("the model's name, as the server knows it", name),
    store: required('the folder of answers, of this machine: pipelines and commands share it', name),
    endpoint: optional('URL of the server, as http://localhost:8000; needed unless `ask` is false', name),
    keyFrom: optional('the environment variable that holds the key', name),
    ask: optional('false reads what the store has, and asks nobody', flag, true),
    sample: optional('share of documents that are judged, by their hashed ids', share, 1),
    seed: optional('another seed judges others', uint32, 0),
    charactersMax: optional(
      'what is behind so many characters of a text is not judged',
      whole(1),
      askingDefaults.charactersMax,
    ),
    answerTokensMax: optional('tokens of an answer at most', whole(1), askingDefaults.answerTokensMax),
    requestsMax: optional(
      'requests that may ever be made in these terms, by anybody who uses the store; no limit unless given',
      whole(),
    ),
    tokensMax: optional('the same for tokens', whole()),
    concurrency: optional('requests at a time, of each worker', whole(1, 1024), askingDefaults.concurrency),
    tries: optional('requests of a text that may fail', whole(1, 100), askingDefaults.tries),
    invalidTries: optional('answers on a text that may be none', whole(1, 100), askingDefaults.invalidTries),
    timeoutSeconds: optional(
      'of a request',
      number(0.001, limits.serverDocumentSecondsMax),
      askingDefaults.timeoutSeconds,
    ),
  },
}

/**
 * Asks a language model what a rubric asks of a text: `judge:<rubric>:<dimension>` for each dimension. Not exact: what a run has stored is read
 * back by its replays, and never asked for again.
 *
 *     pipeline('web')
 *       .from(jsonl('data/*.jsonl'))
 *       .annotate(judge({ rubric: 'edu.md', model: 'qwen3', endpoint: 'http://localhost:8000', store: 'judged', sample: 0.01 }))
 */
export function judge(given: OptionsOf<typeof table.options>): Annotator {
  const who = "annotator 'judge'"
  const chosen = resolveOptions(who, table.options, given)
  const { model, store, sample, seed, ask, charactersMax, answerTokensMax, endpoint: url } = chosen
  if (ask && url === undefined)
    throw new HeadraceError('bad-option', `${who} needs 'endpoint': give the URL of a server, or ask: false`)
  const endpoint = ask ? readEndpoint(who, 'chat/completions', { ...chosen, endpoint: url! }) : null
  const rubric = readRubric(chosen.rubric)
  const terms: Terms = { rubric, model, charactersMax, answerTokensMax }
  const budget = {
    requests: chosen.requestsMax ?? Number.MAX_SAFE_INTEGER,
    tokens: chosen.tokensMax ?? Number.MAX_SAFE_INTEGER,
  }
  const { concurrency, tries: triesMax, invalidTries: invalidMax } = chosen
  const asking = {
    endpoint,
    budget,
    concurrency,
    triesMax,
    invalidMax,
    documentMs: limits.serverDocumentSecondsMax * 1000,
    pauseMs: 500,
  }
  const measures = measuresOf(rubric.name, rubric.dimensions)
  let opened: Promise<Judge> | undefined
  return Object.freeze({
    name: `judge-${rubric.name}`,
    version: 1,
    exact: false,
    options: Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== undefined)),
    measuredWith: { model, charactersMax, answerTokensMax, sample, seed, ask },
    reads: ['text', 'id'],
    writes: fieldsOf(measures),
    resources: [{ name: `rubric:${rubric.name}`, sha256: hashRubric(rubric) }],
    rules: [],
    measures,
    notes:
      ask && Math.min(budget.requests, budget.tokens) === 0
        ? ['its budget is 0: it asks for nothing, and has what is stored']
        : [],
    annotate: async (batch: Batch): Promise<Columns> => {
      const asked = await (opened ??= Judge.open(store, terms, asking))
      const [text, ids] = [utf8(batch, 'text'), utf8(batch, 'id')]
      const isSampled = (row: number) =>
        hashUnit(seed, ids.bytes.subarray(ids.offsets[row], ids.offsets[row + 1])) < sample
      const rows = Array.from({ length: batch.rows }, (_, row) => row)
      const judged = await Promise.all(
        rows.map(row => (isSampled(row) ? asked.judge(stringAt(text, row)) : notSampled)),
      )
      return columnsOf(rubric.name, rubric.dimensions, judged)
    },
  })
}
judge.table = table

const notSampled: Judged = Object.freeze({ values: null, unanswered: 'not-sampled', isCut: false })

function measuresOf(rubric: string, dimensions: readonly Dimension[]): Measures {
  const ofDimensions = dimensions.map(dimension => [
    `judge:${rubric}:${dimension.name}`,
    'labels' in dimension ? label : score,
  ])
  return {
    ...Object.fromEntries(ofDimensions),
    [`judge:${rubric}:unanswered`]: why,
    [`judge:${rubric}:cut`]: cut,
  }
}

function columnsOf(rubric: string, dimensions: readonly Dimension[], judged: readonly Judged[]): Columns {
  const ofDimensions = dimensions.map((dimension, i) => [
    `judge:${rubric}:${dimension.name}`,
    'labels' in dimension
      ? utf8From(judged.map(({ values }) => String(values?.[i] ?? '')))
      : { kind: 'f64', values: Float64Array.from(judged, ({ values }) => Number(values?.[i] ?? Number.NaN)) },
  ])
  return {
    ...Object.fromEntries(ofDimensions),
    [`judge:${rubric}:unanswered`]: utf8From(judged.map(({ unanswered }) => unanswered)),
    [`judge:${rubric}:cut`]: { kind: 'u8', values: numberArrays.u8.from(judged, ({ isCut }) => (isCut ? 1 : 0)) },
  }
}
