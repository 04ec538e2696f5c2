import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { writeDurably } from '../disk/durable-file.ts'
import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'
import { writeArpa } from '../text/language-model/arpa.ts'
import { encodeLanguageModel } from '../text/language-model/model-file.ts'
import { isModelName } from '../text/model-name.ts'
import { LanguageModelFitter, type LanguageModelReport } from '../value/fit-language-model.ts'
import { type Command, runOptions } from './command.ts'
import { Unread } from './input-text.ts'
import { checkInput, readTexts } from './read-texts.ts'
import { formatBytes, formatCount, formatPlural, formatTable } from './table.ts'

export const lmCommand: Command = {
  name: 'lm',
  usage: 'fit NAME',
  summary: 'Fits a language model on texts, for languageModel() to say how many bits others take by it.',
  details:
    "Counts tokens of GPT-2 in threes and smooths them by Kneser-Ney, in one pass and in bounded memory. Texts are a folder of .txt and .md files, a glob (in quotes) of JSON Lines or Parquet, or rows of a run, as 'run:web?domain=books' (docs/classifier.md).",
  options: {
    texts: { value: 'GLOB', multiple: true, help: 'what it learns from (required): some 10 to 1000 MB of good text' },
    dir: runOptions.dir,
    text: { value: 'FIELD', help: "field that holds the text (default 'text')" },
    trigrams: {
      value: 'N',
      help: `at most so many trigrams, the most frequent, 6 bytes each (default ${formatCount(limits.trigramsDefault)})`,
    },
    out: { value: 'FILE', help: 'where to write it (default models/NAME.lm)' },
    arpa: { value: 'FILE', help: "writes it as ARPA too, which KenLM reads: words are tokens' ids" },
    json: { help: 'prints one line of JSON' },
  },
  run: async (args, terminal) => {
    const [verb, name] = args.positionals
    if (verb !== 'fit') throw new HeadraceError('bad-option', `'${verb}' is not 'fit', the one thing it does`)
    if (!isModelName(name))
      throw new HeadraceError('bad-option', `NAME is '${name}': use 1 to 64 letters, digits or '-'`)
    const input = args.texts('texts')
    if (input.length === 0) throw new HeadraceError('bad-option', 'give --texts GLOB, what it learns from')
    const trigramsMax = args.count('trigrams', limits.trigramsDefault, 1, limits.trigramsMax)
    const fields = { text: args.text('text') ?? 'text', dir: args.text('dir') ?? '.headrace' }
    await checkInput(input, fields)
    const unread = new Unread()
    using fitter = new LanguageModelFitter()
    for await (const text of readTexts(input, fields, unread)) fitter.add(text)
    const { model, report } = fitter.finish(trigramsMax)
    const file = args.text('out') ?? `models/${name}.lm`
    const arpa = args.text('arpa')
    await write(file, encodeLanguageModel({ name, model, report }))
    if (arpa !== undefined) await write(arpa, writeArpa(model))
    if (args.flag('json'))
      terminal.out.write(`${JSON.stringify({ file, arpa: arpa ?? null, ...report, unread: unread.count })}\n`)
    else terminal.out.write(`${describeFit(report)}${unread.describe()}${describeUse(name, file, arpa)}`)
    return undefined
  },
}

/** Put in place whole: a run may be reading the one before. */
async function write(file: string, parts: Iterable<Uint8Array>): Promise<void> {
  await mkdir(dirname(resolve(file)), { recursive: true })
  await writeDurably(file, parts)
}

function describeFit(report: LanguageModelReport): string {
  const { texts, empty, bytes, tokens, bigrams, trigrams, trigramsMet, trigramCountMin, discounts } = report
  const left = trigramsMet - trigrams
  const notes = [
    empty > 0 ? `${formatPlural(empty, 'text')} without a character\n` : '',
    left > 0 ? `${formatCount(left)} trigrams that stood less than ${trigramCountMin} times are left out\n` : '',
    discounts.some(({ areUsual }) => areUsual)
      ? 'the texts are too few to say how counts are to be discounted: the usual discounts are taken\n'
      : '',
  ]
  const rows = [
    ['texts', formatCount(texts)],
    ['bytes', formatBytes(bytes)],
    ['tokens', formatCount(tokens)],
    ['bigrams', formatCount(bigrams)],
    ['trigrams', formatCount(trigrams)],
  ]
  return `${formatTable(rows)}${notes.join('')}`
}

function describeUse(name: string, file: string, arpa: string | undefined): string {
  const also = arpa === undefined ? '' : ` and ${arpa}`
  return `wrote ${file}${also}\nuse it: .annotate(languageModel({ model: '${file}' })), then the column 'lm:${name}'\n`
}
