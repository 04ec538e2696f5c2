import { type Columns, type NumberArray, Utf8Builder } from '../batch/batch.ts'
import { name, type OptionsOf, required, resolveOptions } from '../options.ts'
import { type Head, LinearScorer, outputsOf } from '../text/linear/model.ts'
import { decodeModel, type LinearFile } from '../text/linear/model-file.ts'
import type { Annotator } from './annotator.ts'
import { filter } from './filter.ts'
import { columnOf, type Measures, ratio } from './measure.ts'
import { readNeeded } from './model-file.ts'

const score = ratio('of a score: the logarithm of its odds, calibrated; of a value: the value; NaN without words')
const label = columnOf('utf8')('of a class: the likeliest name; empty without words')
const margin = ratio('of a class: by how much the logarithm of its odds is above that of the next name')
const table = {
  name: 'classifier',
  version: 1,
  about:
    'Scores each document by the heads of a model that `headrace classifier fit` made: how likely it is what they were taught to tell apart.',
  measures: { 'class:<head>': score, 'class:<head>:margin': margin },
  options: { model: required('a file that `headrace classifier fit` wrote', name) },
}

/**
 * Scores each document by a linear model on its words and pairs of words (see `text/linear/`): `class:<head>` for each head, in one pass.
 * Logits, not probabilities: -2 is 12%, 0 is even, 2 is 88%. `class:<head>` of a head with classes is a name, and `class:<head>:margin` says
 * how sure that is. Exact on any machine.
 *
 *     pipeline('web')
 *       .from(jsonl('data/*.jsonl'))
 *       .annotate(normalize(), classifier({ model: 'models/math.linear' }))
 *       .decide(rules({ 'class:math': { below: 0 } }))
 */
export function classifier(given: OptionsOf<typeof table.options>): Annotator {
  const { model: path } = resolveOptions("annotator 'classifier'", table.options, given)
  const { model, sha256 } = readClassifier(path)
  const names = model.heads.map(({ name }) => name)
  const make = filter({
    ...table,
    measures: Object.assign({}, ...model.heads.map(measuresOf)) as Measures,
    options: {},
    record: () => ({ heads: names }),
    resources: [{ name: `classifier:${names.join(',')}`, sha256 }],
    prepare: () => new LinearScorer(model),
    measure({ rows, bytes, offsets }, out: Readonly<Record<string, NumberArray>>, scorer) {
      const classes = new Map(
        model.heads.filter(({ kind }) => kind === 'class').map(head => [head, new Utf8Builder(rows, rows * 8)]),
      )
      for (let row = 0; row < rows; row++) {
        scorer.score(bytes, offsets[row], offsets[row + 1])
        let at = 0
        for (const head of model.heads) {
          const own = scorer.outputs.subarray(at, (at += outputsOf(head)))
          const builder = classes.get(head)
          if (builder) writeClass(head, own, builder, out[`class:${head.name}:margin`], row)
          else out[`class:${head.name}`][row] = own[0]
        }
      }
      return Object.fromEntries(
        [...classes].map(([head, builder]) => [`class:${head.name}`, builder.finish()]),
      ) as Columns
    },
  })
  return make({})
}
classifier.table = table

function measuresOf({ name, kind }: Head): Measures {
  return kind === 'class'
    ? { [`class:${name}`]: label, [`class:${name}:margin`]: margin }
    : { [`class:${name}`]: score }
}

function writeClass(head: Head, outputs: Float64Array, names: Utf8Builder, margins: NumberArray, row: number): void {
  let best = 0
  for (let i = 1; i < outputs.length; i++) if (outputs[i] > outputs[best]) best = i
  let next = Number.NEGATIVE_INFINITY
  for (let i = 0; i < outputs.length; i++) if (i !== best && outputs[i] > next) next = outputs[i]
  const hasWords = !Number.isNaN(outputs[0])
  names.push(hasWords ? head.classes[best] : '')
  margins[row] = hasWords ? outputs[best] - next : Number.NaN
}

/** A model that `headrace classifier fit` made, and its hash. Throws `not-found` or `corrupt`, with what to do. */
export function readClassifier(file: string): LinearFile & { readonly sha256: string } {
  const { bytes, sha256 } = readNeeded({ what: 'model', path: file, advice: "make it with 'headrace classifier fit'" })
  return { ...decodeModel(bytes, file), sha256 }
}
