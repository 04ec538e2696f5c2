import { statSync } from 'node:fs'
import { HeadraceError } from '../errors.ts'
import { jsonl } from '../sources/jsonl.ts'
import { parquet } from '../sources/parquet.ts'
import type { Source } from '../sources/source.ts'
import { textFolder } from '../sources/text.ts'

/**
 * The source for paths and globs of a command line, chosen by their ending; the field names of `options` (a pipeline's own source) stay.
 */
export function sourceFor(input: readonly string[], options: Readonly<Record<string, unknown>>): Source {
  const kinds = new Set(input.map(kindOf))
  if (kinds.size > 1)
    throw new HeadraceError(
      'bad-option',
      `--input mixes ${[...kinds].join(' and ')}; a run reads one kind: make a run of each`,
    )
  const fields = Object.fromEntries(
    Object.entries(options).filter(([name, value]) => name !== 'patterns' && value !== null),
  )
  const [kind] = kinds
  if (kind === 'parquet') return parquet([...input], fields)
  if (kind !== 'text') return jsonl([...input], fields)
  if (input.length > 1) throw new HeadraceError('bad-option', `--input names ${input.length} folders; a run reads one`)
  return textFolder(input[0], fields)
}

function kindOf(path: string): 'jsonl' | 'parquet' | 'text' {
  if (/\.parquet$/i.test(path)) return 'parquet'
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? 'text' : 'jsonl'
}
