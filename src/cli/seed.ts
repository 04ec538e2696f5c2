import { mkdir } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { writeDurably } from '../disk/durable-file.ts'
import { HeadraceError } from '../errors.ts'
import { fitSeed, type Seed } from '../text/likeness/seed.ts'
import { writeSeed } from '../text/likeness/seed-file.ts'
import { isRows, parseRows } from '../value/rows-wanted.ts'
import { type Command, runOptions } from './command.ts'
import { Unread } from './input-text.ts'
import { checkInput, readTexts } from './read-texts.ts'
import { formatCount } from './table.ts'

export const seedCommand: Command = {
  name: 'seed',
  usage: 'fit FOLDER',
  summary: 'Fits a seed from a folder of excellent text, for seedSimilarity() to find more like it.',
  details:
    "Counts the words of the seed against those of text at large (--background). Each is a folder of .txt and .md files, a glob (in quotes) of JSON Lines or Parquet, or rows of a run, as 'run:web?domain=math' (docs/classifier.md).",
  options: {
    background: { value: 'GLOB', multiple: true, help: 'text at large, from which the seed is told apart (required)' },
    name: { value: 'NAME', help: "names the column seed:NAME (default the folder's name)" },
    out: { value: 'FILE', help: 'where to write it (default seeds/NAME.json)' },
    dir: runOptions.dir,
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
    const fields = { text: args.text('text') ?? 'text', dir: args.text('dir') ?? '.headrace' }
    for (const input of [[folder], background]) await checkInput(input, fields)
    const unread = new Unread()
    const readAll = (input: readonly string[]) => readTexts(input, fields, unread)
    const seed = await fitSeed(readAll([folder]), readAll(background), { name })
    const file = args.text('out') ?? `seeds/${name}.json`
    await mkdir(dirname(resolve(file)), { recursive: true })
    // Put in place whole: a run may be reading the one before.
    await writeDurably(file, [Buffer.from(writeSeed(seed))])
    terminal.out.write(`${describeFit(seed, file)}${unread.describe()}`)
  },
}

/** The folder's name, or that of the files of a glob, in the letters that a column's name may have. */
function nameOf(folder: string): string {
  const name = basename(resolve(isRows(folder) ? parseRows(folder).run : folder))
    .replace(/\.(jsonl|parquet)(\.\w+)?$/, '')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
  if (name !== '') return name
  throw new HeadraceError('bad-option', `'${folder}' gives the seed no name: give --name NAME`)
}

function describeFit({ name, seed, background }: Seed, file: string): string {
  return `wrote ${file}: ${formatCount(seed.documents)} documents against ${formatCount(background.documents)}\nuse it: .annotate(seedSimilarity({ seed: '${file}' })), then the column 'seed:${name}'\n`
}
