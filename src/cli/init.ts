import { writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { HeadraceError } from '../errors.ts'
import type { Command } from './command.ts'

export const initCommand: Command = {
  name: 'init',
  usage: '[FILE]',
  summary: 'Writes a pipeline to start from (default pipeline.ts).',
  positionals: { min: 0, max: 1 },
  options: { input: { value: 'GLOB', help: "the pipeline's input (default data/*.jsonl)" } },
  run: async (args, terminal) => {
    const file = args.positionals[0] ?? 'pipeline.ts'
    const name = basename(file)
      .replace(/\.[cm]?[jt]s$/, '')
      .replace(/[^\w.-]/g, '-')
    await writeFile(file, template(name, args.text('input') ?? 'data/*.jsonl'), { flag: 'wx' }).catch(error => {
      if (error.code === 'EEXIST') throw new HeadraceError('bad-option', `${file} exists already: name another file`)
      throw error
    })
    terminal.out.write(`wrote ${file}; now: headrace plan ${file}, then headrace run ${file}\n`)
    return 0
  },
}

const template = (name: string, input: string) => `import {
  exactDuplicates, gopherQuality, gopherRepetition, jsonl, language, maskPii, nearDuplicates, normalize, onlyFor, pipeline, rules, signature,
} from 'headrace'

const english = ['en']

export default pipeline('${name}')
  // Fields of a line: text, id, domain, url, added; others are kept as metadata.
  .from(jsonl('${input}', { domain: 'domain' }))
  // Annotators measure and never drop.
  .annotate(normalize(), language(), signature(), maskPii())
  .annotate(onlyFor('language', english, gopherQuality()), onlyFor('language', english, gopherRepetition()))
  // Deciders drop: rules first (an annotator's own thresholds, or yours by column), then duplicates.
  .decide(rules({ language: { oneOf: ['en', 'zh'] } }), exactDuplicates(), nearDuplicates({ similarity: 0.8 }))
  .tokenize('o200k_base')
  .feed({ length: 4096, batch: 64 })
`
