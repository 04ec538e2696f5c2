import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Utf8Builder } from '../batch/batch.ts'
import { HeadraceError } from '../errors.ts'
import { name, optional, share } from '../options.ts'
import { FastTextClassifier } from '../text/language/fasttext.ts'
import { parseFastTextModel } from '../text/language/model.ts'
import type { Resource } from './annotator.ts'
import { filter } from './filter.ts'
import { below, columnOf } from './measure.ts'

/** The compressed language model of fastText, 176 languages: https://fasttext.cc/docs/en/language-identification.html. */
const model: Resource = Object.freeze({
  name: 'lid.176.ftz',
  sha256: '8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83',
})
const modelPath = 'fasttext.wasm.js/dist/models/language-identification/assets/lid.176.ftz'

/**
 * Identifies the language. A text is one line, its line feeds read as spaces, as datatrove 0.10.1 does. Exact on any machine: the
 * arithmetic is IEEE 754 operations in a fixed order, and no engine's exp or log takes part.
 *
 * ```ts
 * pipeline.annotate(language()).decide(rules({ language: { oneOf: ['en', 'zh'] } }))
 * ```
 */
export const language = filter({
  name: 'language',
  version: 1,
  about: "The most likely of 176 languages, by fastText's compressed model `lid.176.ftz`.",
  measures: {
    language: columnOf('utf8')(
      'its code as the model spells it (ISO 639-1 where there is one: `en`, `zh`, `ceb`); `und` for a text without a word',
      { from: optional('the column whose text is identified', name, 'text') },
    ),
    languageScore: columnOf('f32')(
      "its probability, which the model's smoothing may lift to 1.0001; 0 for a text without a word",
      // FineWeb's for English.
      { minScore: below(0.65, 'language-uncertain', share) },
    ),
  },
  reads: ({ from }) => [from],
  resources: [model],
  prepare: loadLanguageClassifier,
  measure({ rows, bytes, offsets }, { languageScore }, classifier) {
    const languages = new Utf8Builder(rows, rows * 4)
    for (let row = 0; row < rows; row++) {
      const { label, score, words } = classifier.predict(bytes, offsets[row], offsets[row + 1])
      languages.push(words === 0 ? 'und' : label)
      languageScore[row] = words === 0 ? 0 : score
    }
    return { language: languages.finish() }
  },
})

let loaded: FastTextClassifier | undefined

/** The classifier, loaded from the package fasttext.wasm.js once a thread: 0.1 s and 12 MB of memory. */
export function loadLanguageClassifier(): FastTextClassifier {
  loaded ??= createLanguageClassifier(readModelFile())
  return loaded
}

function readModelFile(): Uint8Array {
  try {
    return readFileSync(createRequire(import.meta.url).resolve(modelPath))
  } catch (error) {
    throw new HeadraceError(
      'not-found',
      `model '${model.name}' is missing: install the package fasttext.wasm.js again`,
      error,
    )
  }
}

/** The classifier that `file` holds; throws `corrupt` unless it is, byte for byte, `lid.176.ftz` as fastText publishes it. */
export function createLanguageClassifier(file: Uint8Array): FastTextClassifier {
  const actual = createHash('sha256').update(file).digest('hex')
  if (actual !== model.sha256)
    throw new HeadraceError(
      'corrupt',
      `model '${model.name}' has SHA-256 ${actual}, not ${model.sha256}: install the package fasttext.wasm.js again`,
    )
  return new FastTextClassifier(parseFastTextModel(file))
}
