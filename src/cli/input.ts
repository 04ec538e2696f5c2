import { statSync } from 'node:fs'
import { glob, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
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
      `the input mixes ${[...kinds].map(kind => kindNames[kind]).join(' and ')}; a run reads one kind: make a run of each`,
    )
  const fields = Object.fromEntries(
    Object.entries(options).filter(([name, value]) => name !== 'patterns' && value !== null),
  )
  const [kind] = kinds
  if (kind === 'parquet') return parquet([...input], fields)
  if (kind !== 'text') return jsonl([...input], fields)
  if (input.length > 1)
    throw new HeadraceError('bad-option', `the input names ${input.length} folders of text; a run reads one`)
  return textFolder(input[0], fields)
}

const kindNames = { parquet: 'Parquet', jsonl: 'JSON Lines', text: 'a folder of text' }

function kindOf(path: string): keyof typeof kindNames {
  if (/\.parquet$/i.test(path)) return 'parquet'
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? 'text' : 'jsonl'
}

/**
 * Bytes that a source will read, for showing how far it is; 0 where that can't be known before reading: what is packed or in columns,
 * a follower's files, another source than files.
 */
export async function measureInput({ options }: Source): Promise<number> {
  const patterns = options.patterns
  if (!Array.isArray(patterns) || options.follow === true) return 0
  const names = new Set<string>()
  for (const pattern of patterns as string[]) for (const name of await expand(pattern)) names.add(name)
  if ([...names].some(name => /\.(gz|zst|parquet)$/i.test(name))) return 0
  const sizes = await Promise.all(
    Array.from(names, name => stat(name).then(found => (found.isFile() ? found.size : 0))),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

async function expand(pattern: string): Promise<string[]> {
  const entry = statSync(pattern, { throwIfNoEntry: false })
  if (!entry) return Array.fromAsync(glob(pattern))
  if (!entry.isDirectory()) return [pattern]
  const entries = await readdir(pattern, { recursive: true, withFileTypes: true })
  const texts = entries.filter(found => found.isFile() && /\.(txt|md)$/i.test(found.name))
  return texts.map(found => join(found.parentPath, found.name))
}
