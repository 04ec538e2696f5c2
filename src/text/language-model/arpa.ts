import { endId, idCount, type LanguageModel, startId } from './model.ts'

/**
 * A model in the ARPA format, which KenLM and SRILM read, in parts. Its words are the ids in decimal; texts are given to those tools as the ids of
 * `modelEncoding` with spaces between them.
 */
export function* writeArpa(model: LanguageModel): Generator<Uint8Array> {
  const { bigramIds, trigramIds } = model
  yield Buffer.from(
    `\\data\\\nngram 1=${idCount + 1}\nngram 2=${bigramIds.length}\nngram 3=${trigramIds.length}\n\n\\1-grams:\n-99\t<unk>\t0\n`,
  )
  yield* joinLines(writeUnigrams(model))
  yield Buffer.from('\n\\2-grams:\n')
  yield* joinLines(writeBigrams(model))
  yield Buffer.from('\n\\3-grams:\n')
  yield* joinLines(writeTrigrams(model))
  yield Buffer.from('\n\\end\\\n')
}

const wordOf = (id: number) => (id === startId ? '<s>' : id === endId ? '</s>' : String(id))
/** Nine digits give a float32 back. */
const show = (logarithm: number) => String(Number(logarithm.toPrecision(9)))

function* writeUnigrams({ unigrams, unigramBackoffs }: LanguageModel): Generator<string> {
  for (let id = 0; id < idCount; id++) yield `${show(unigrams[id])}\t${wordOf(id)}\t${show(unigramBackoffs[id])}\n`
}

function* writeBigrams(model: LanguageModel): Generator<string> {
  for (const { first, second, bigram } of eachBigram(model))
    yield `${show(model.bigrams[bigram])}\t${wordOf(first)} ${wordOf(second)}\t${show(model.bigramBackoffs[bigram])}\n`
}

function* writeTrigrams(model: LanguageModel): Generator<string> {
  const { trigramStarts, trigramIds, trigrams } = model
  for (const { first, second, bigram } of eachBigram(model))
    for (let i = trigramStarts[bigram]; i < trigramStarts[bigram + 1]; i++)
      yield `${show(trigrams[i])}\t${wordOf(first)} ${wordOf(second)} ${wordOf(trigramIds[i])}\n`
}

function* eachBigram({ bigramStarts, bigramIds }: LanguageModel) {
  for (let first = 0; first < idCount; first++)
    for (let bigram = bigramStarts[first]; bigram < bigramStarts[first + 1]; bigram++)
      yield { first, second: bigramIds[bigram], bigram }
}

const partLength = 1 << 18

function* joinLines(lines: Iterable<string>): Generator<Uint8Array> {
  let part = ''
  for (const line of lines) {
    part += line
    if (part.length < partLength) continue
    yield Buffer.from(part)
    part = ''
  }
  yield Buffer.from(part)
}
