import { mkdir } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { utf8 } from '../batch/batch.ts'
import { writeDurably } from '../disk/durable-file.ts'
import { HeadraceError } from '../errors.ts'
import { fitSeed, type Seed, writeSeed } from '../text/likeness/seed.ts'
import type { Command } from './command.ts'
import { sourceFor } from './input.ts'
import { formatCount } from './table.ts'

/** Documents and bytes read at most on each side, which are in memory at once: n-gram shares settle long before. */
const documentsMax = 200_000
const bytesMax = 512 * 1024 * 1024

export const seedCommand: Command = {
  name: 'seed',
  usage: 'fit FOLDER',
  summary: 'Fits a seed from a folder of excellent text, for seedSimilarity() to find more like it.',
  details:
    'Counts the words of the seed against those of text at large (--background). Each is a folder of .txt and .md files, or a glob (in quotes) of JSON Lines or Parquet.',
  options: {
    background: { value: 'GLOB', multiple: true, help: 'text at large, from which the seed is told apart (required)' },
    name: { value: 'NAME', help: "names the column seed:NAME (default the folder's name)" },
    out: { value: 'FILE', help: 'where to write it (default seeds/NAME.json)' },
    text: { value: 'FIELD', help: "field of a line that holds the text (default 'text')" },
  },
  run: async (args, terminal) => {
    const [verb, folder] = args.positionals
    if (verb !== 'fit') throw new HeadraceError('bad-option', `'${verb}' is not 'fit', the one thing it does`)
    const background = args.texts('background')
    if (background.length === 0)
      throw new HeadraceError(
        'bad-option',
        'give --background GLOB, the text at large that the seed is told apart from',
      )
    const name = args.text('name') ?? nameOf(folder)
    const fields = { text: args.text('text') ?? 'text' }
    const seed = fitSeed(await readTexts([folder], fields), await readTexts(background, fields), { name })
    const file = args.text('out') ?? `seeds/${name}.json`
    await mkdir(dirname(resolve(file)), { recursive: true })
    // Put in place whole: a run may be reading the one before.
    await writeDurably(file, [Buffer.from(writeSeed(seed))])
    terminal.out.write(describeFit(seed, file))
  },
}

/** The folder's name, or that of the files of a glob, in the letters that a column's name may have. */
function nameOf(folder: string): string {
  const name = basename(resolve(folder))
    .replace(/\.(jsonl|parquet)(\.\w+)?$/, '')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
  if (name !== '') return name
  throw new HeadraceError('bad-option', `'${folder}' gives the seed no name: give --name NAME`)
}

function describeFit({ name, seedDocuments, backgroundDocuments }: Seed, file: string): string {
  return `wrote ${file}: ${formatCount(seedDocuments)} documents against ${formatCount(backgroundDocuments)}\nuse it: .annotate(seedSimilarity({ seed: '${file}' })), then the column 'seed:${name}'\n`
}

async function readTexts(input: readonly string[], fields: { text: string }): Promise<Uint8Array[]> {
  const source = sourceFor(input, fields)
  const signal = new AbortController().signal
  const texts: Uint8Array[] = []
  let bytes = 0
  for await (const split of source.splits(signal))
    for await (const chunk of source.read(split, { offset: 0, line: 1 }, signal)) {
      const text = utf8((await source.parse(chunk)).batch, 'text')
      for (let row = 0; row + 1 < text.offsets.length; row++)
        texts.push(text.bytes.subarray(text.offsets[row], text.offsets[row + 1]))
      bytes += text.bytes.length
      if (texts.length >= documentsMax || bytes >= bytesMax) return texts.slice(0, documentsMax)
    }
  return texts
}
