import type { NumberArray } from '../batch/batch.ts'
import { HeadraceError } from '../errors.ts'
import { listOf, name, type OptionsOf, oneOf, optional, refuseName, required, resolveOptions } from '../options.ts'
import { FastTextClassifier } from '../text/fasttext/classifier.ts'
import { readFastTextModel, readLabels } from '../text/fasttext/model.ts'
import { cleanName } from '../text/printable.ts'
import type { Annotator } from './annotator.ts'
import { filter } from './filter.ts'
import { columnOf } from './measure.ts'
import { loadModel, lookAtModel, modelName } from './model-file.ts'

const probability = columnOf('f32')(
  "fastText's probability, which its smoothing may lift to 1.0001; NaN where the model knows nothing of a text",
)
/** Columns that are made without being asked for. */
const labelsMax = 16
const table = {
  name: 'fasttext',
  version: 1,
  about:
    "Scores each document by a classifier that fastText 0.9 trained (`.bin` or `.ftz`), with fastText's own probabilities. Each worker holds the model, quantized ones multiplied out.",
  measures: { 'fasttext:<name>:<label>': probability },
  options: {
    model: required('a file that `fasttext supervised` or `quantize` wrote', name),
    name: required('names the columns', modelName),
    labels: optional(
      `labels that get a column, without \`__label__\`; all of a model that has ${labelsMax} at most`,
      listOf(name, 1),
    ),
    newline: optional(
      "what a line's end is read as: a space, as fastText's users mostly do, or nothing, which joins the words about it, as datatrove does",
      oneOf(['space', 'nothing']),
      'space',
    ),
  },
}

/**
 * Scores each document by somebody's fastText classifier (DCLM's, Dolma's ...): `fasttext:<name>:<label>` for each label. A text is one line.
 * Exact on any machine.
 *
 *     pipeline('web')
 *       .from(jsonl('data/*.jsonl'))
 *       .annotate(fasttext({ model: 'models/oh-eli5.bin', name: 'dclm', labels: ['hq'] }))
 *       .decide(rules({ 'fasttext:dclm:hq': { below: 0.018112 } }))
 */
export function fasttext(given: OptionsOf<typeof table.options>): Annotator {
  const { model: path, name, labels, newline } = resolveOptions("annotator 'fasttext'", table.options, given)
  const file = { path, advice: "train it with 'fasttext supervised'" }
  const { found: known, sha256 } = lookAtModel(file, bytes => inFile(path, () => readLabels(bytes)))
  const chosen = labels ?? chooseAll(known, path)
  const indices = chosen.map(label => indexOf(label, known, path))
  if (new Set(chosen).size < chosen.length)
    throw new HeadraceError(
      'bad-option',
      `annotator 'fasttext': 'labels' names one twice (${chosen.map(one => cleanName(one)).join(', ')})`,
    )
  const columns = chosen.map(label => `fasttext:${name}:${label}`)
  const make = filter({
    ...table,
    measures: Object.fromEntries(columns.map(column => [column, probability])),
    options: {},
    record: () => ({ name, labels: chosen, newline }),
    resources: [{ name: `fasttext:${name}`, sha256 }],
    prepare: () =>
      new FastTextClassifier(loadModel(file, sha256, bytes => inFile(path, () => readFastTextModel(bytes)))),
    measure({ rows, bytes, offsets }, out: Readonly<Record<string, NumberArray>>, classifier) {
      const probabilities = new Float32Array(known.length)
      for (let row = 0; row < rows; row++) {
        const text = bytes.subarray(offsets[row], offsets[row + 1])
        const line = newline === 'space' ? text : withoutLineFeeds(text)
        classifier.weigh(line, 0, line.length, probabilities)
        for (const [i, column] of columns.entries()) out[column][row] = probabilities[indices[i]]
      }
    },
  })
  return make({})
}
fasttext.table = table

function withoutLineFeeds(bytes: Uint8Array): Uint8Array {
  return bytes.includes(0x0a) ? bytes.filter(byte => byte !== 0x0a) : bytes
}

function chooseAll(known: readonly string[], path: string): readonly string[] {
  if (known.length <= labelsMax) return known
  const some = known.slice(0, 5).map(label => cleanName(label))
  throw new HeadraceError(
    'bad-option',
    `annotator 'fasttext': ${path} has ${known.length} labels (${some.join(', ')} ...): give 'labels', those that get a column`,
  )
}

function indexOf(label: string, known: readonly string[], path: string): number {
  const index = known.indexOf(label)
  if (index >= 0) return index
  // A model may have a label for each of a million words.
  const shown = known.slice(0, labelsMax).map(one => cleanName(one))
  throw new HeadraceError(
    'bad-option',
    refuseName(`annotator 'fasttext': ${path} has no label`, cleanName(label), shown),
  )
}

/** Says of which file a fault is. */
function inFile<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof HeadraceError)) throw error
    throw new HeadraceError(error.code, `${path}: ${error.message}`, error)
  }
}
