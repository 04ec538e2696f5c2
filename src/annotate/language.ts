import { type Batch, type Columns, Utf8Builder, utf8 } from '../batch/batch.ts'
import { checkDataFile, dataFiles, readDataFile } from '../data-files.ts'
import { HeadraceError } from '../errors.ts'
import { FastTextClassifier } from '../text/language/fasttext.ts'
import { parseFastTextModel } from '../text/language/model.ts'
import type { Annotator, Resource } from './annotator.ts'

export interface LanguageOptions {
  /** The column whose text is identified; `text` by default. */
  readonly from?: string
  /** Below this score the default rule drops a row as `language-uncertain`; 0.65 by default, which is FineWeb's for English. */
  readonly minScore?: number
}

const model = Object.freeze({ name: 'lid.176.ftz', sha256: dataFiles['lid.176.ftz'].sha256 }) satisfies Resource

/**
 * Writes `language`, the most likely language's code as the model spells it (ISO 639-1 where there is one, so `en`, `zh`, `ceb`),
 * and `languageScore`, its probability as float32, which the model's smoothing may lift to 1.0001. A text without a word is `und`
 * with score 0. A text is one line, its line feeds read as spaces, as datatrove 0.10.1 does.
 *
 * Exact on any machine: the arithmetic is IEEE 754 operations in a fixed order, and no engine's exp or log takes part.
 *
 * ```ts
 * pipeline.annotate(language()).decide(rules({ language: { oneOf: ['en', 'zh'] } }))
 * ```
 */
export function language({ from = 'text', minScore = 0.65 }: LanguageOptions = {}): Annotator {
  if (!(minScore >= 0 && minScore <= 1))
    throw new HeadraceError('bad-option', `language: minScore is ${minScore}; give a number from 0 to 1`)
  return Object.freeze({
    name: 'language',
    version: 1,
    exact: true,
    options: { from, minScore },
    reads: [from],
    writes: [
      { name: 'language', kind: 'utf8' as const },
      { name: 'languageScore', kind: 'f32' as const },
    ],
    resources: [model],
    rules: [{ reason: 'language-uncertain', column: 'languageScore', below: minScore }],
    annotate: (batch: Batch) => identifyRows(batch, from),
  })
}

function identifyRows(batch: Batch, from: string): Columns {
  const classifier = loadLanguageClassifier()
  const text = utf8(batch, from)
  const languages = new Utf8Builder(batch.rows, batch.rows * 4)
  const scores = new Float32Array(batch.rows)
  for (let row = 0; row < batch.rows; row++) {
    const { label, score, words } = classifier.predict(text.bytes, text.offsets[row], text.offsets[row + 1])
    languages.push(words === 0 ? 'und' : label)
    scores[row] = words === 0 ? 0 : score
  }
  return { language: languages.finish(), languageScore: { kind: 'f32', values: scores } }
}

let loaded: FastTextClassifier | undefined

/** The classifier, loaded once a thread: 0.1 s and 12 MB of memory. */
export function loadLanguageClassifier(): FastTextClassifier {
  loaded ??= createLanguageClassifier(readDataFile(model.name))
  return loaded
}

/** The classifier that `file` holds; throws `corrupt` unless it is, byte for byte, `lid.176.ftz` as fastText publishes it. */
export function createLanguageClassifier(file: Uint8Array): FastTextClassifier {
  return new FastTextClassifier(parseFastTextModel(checkDataFile(model.name, file)))
}
