import { Utf8Builder } from '../batch/batch.ts'
import { checkDataFile, dataFiles, readDataFile } from '../data-files.ts'
import { name, optional, share } from '../options.ts'
import { FastTextClassifier } from '../text/fasttext/classifier.ts'
import { readFastTextModel } from '../text/fasttext/model.ts'
import { bytesInMemory } from '../text/fasttext/reader.ts'
import type { Resource } from './annotator.ts'
import { filter } from './filter.ts'
import { below, columnOf } from './measure.ts'

const model = Object.freeze({ name: 'lid.176.ftz', sha256: dataFiles['lid.176.ftz'].sha256 }) satisfies Resource

/**
 * Identifies the language. A text is one line, its line feeds read as spaces, as datatrove 0.10.1 does. Exact on any machine: the
 * arithmetic is IEEE 754 operations in a fixed order, and no engine's exp or log takes part.
 *
 *     pipeline.annotate(language()).decide(rules({ language: { oneOf: ['en', 'zh'] } }))
 */
export const language = filter({
  name: 'language',
  version: 1,
  about: "The most likely of 176 languages, by fastText's compressed model `lid.176.ftz` (CC BY-SA 3.0, see NOTICE).",
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

/** The classifier, loaded once a thread: 0.1 s and 12 MB of memory. */
export function loadLanguageClassifier(): FastTextClassifier {
  loaded ??= createLanguageClassifier(readDataFile(model.name))
  return loaded
}

/** The classifier that `file` holds; throws `corrupt` unless it is, byte for byte, `lid.176.ftz` as fastText publishes it. */
export function createLanguageClassifier(file: Uint8Array): FastTextClassifier {
  return new FastTextClassifier(readFastTextModel(bytesInMemory(checkDataFile(model.name, file))))
}
