import { writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { HeadraceError } from '../errors.ts'
import type { Command } from './command.ts'

export const initCommand: Command = {
  name: 'init',
  usage: '[FILE]',
  summary: 'Writes a pipeline to start from (default pipeline.ts).',
  options: { input: { value: 'GLOB', help: "the pipeline's input (default data/*.jsonl)" } },
  run: async (args, terminal) => {
    const file = args.positionals[0] ?? 'pipeline.ts'
    if (!/\.[cm]?[jt]s$/.test(file))
      throw new HeadraceError('bad-option', `'${file}' is no name for a pipeline: it ends in .ts or .js`)
    await writeFile(file, template(nameOf(file), args.text('input') ?? 'data/*.jsonl'), { flag: 'wx' }).catch(error => {
      if (error.code === 'EEXIST') throw new HeadraceError('bad-option', `${file} exists already: name another file`)
      if (error.code === 'ENOENT') throw new HeadraceError('not-found', `there is no folder for ${file}: make it first`)
      throw error
    })
    terminal.out.write(`wrote ${file}; now: headrace plan ${file}, then headrace run ${file}\n`)
  },
}

/** The file's name as a pipeline may be called. */
function nameOf(file: string): string {
  const name = basename(file)
    .replace(/\.[cm]?[jt]s$/, '')
    .replace(/[^\w.-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
  return name.slice(0, 100) || 'pipeline'
}

const quote = (text: string) => `'${text.replace(/['\\]/g, '\\$&')}'`

const template = (name: string, input: string) => `import {
  exactDuplicates,
  gopherQuality,
  gopherRepetition,
  jsonl,
  language,
  maskPii,
  nearDuplicates,
  normalize,
  onlyFor,
  pipeline,
  rules,
  signature,
} from 'headrace'

const english = ['en']

export default pipeline('${name}')
  // The fields of a line that are a document's text, id and domain. All others are kept as metadata.
  .from(jsonl(${quote(input)}, { text: 'text', id: 'id', domain: 'domain' }))
  // Annotators measure and never drop. Some edit the text: normalize, maskPii.
  .annotate(normalize(), language(), signature(), maskPii())
  .annotate(onlyFor('language', english, gopherQuality()), onlyFor('language', english, gopherRepetition()))
  // Deciders drop: rules first, which are the annotators' own thresholds or yours by column, then duplicates.
  .decide(rules({ language: { oneOf: ['en', 'zh'] } }), exactDuplicates(), nearDuplicates({ similarity: 0.8 }))
  // Stops and asks when more than a tenth of the records are no documents: a wrong field, a broken file.
  .guard({ by: 'reason', only: ['dead'], above: 0.1 })
  .tokenize('o200k_base')
  // A step of the trainer: 64 samples of 4,096 tokens.
  .feed({ length: 4096, batch: 64 })
`
