/**
 * Megabytes of text a second through a fastText classifier, on one core: `npm run bench -- fasttext MODEL CORPUS_DIR`. The corpus is JSON Lines
 * with `text`; best of three passes over some 50 MB after a warm-up, in CPU time.
 */
import { FileBytes } from '../../src/disk/file-bytes.ts'
import { FastTextClassifier } from '../../src/text/fasttext/classifier.ts'
import { readFastTextModel } from '../../src/text/fasttext/model.ts'
import { measureSpeed } from './parts/documents.ts'

const [path, directory] = process.argv.slice(2)
if (directory === undefined) throw new Error('usage: node test/bench/fasttext.ts MODEL CORPUS_DIR')
const model = readFastTextModel(new FileBytes(path))
const classifier = new FastTextClassifier(model)
const probabilities = new Float32Array(model.dictionary.labels.length)
const { dimensions, wordNgrams, outputKind, dictionary } = model
console.log(`${dictionary.words} words, ${dimensions} dimensions, n-grams of ${wordNgrams} words, ${outputKind}`)
console.log(measureSpeed(directory, bytes => classifier.weigh(bytes, 0, bytes.length, probabilities)))
