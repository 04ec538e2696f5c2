import { statSync } from 'node:fs'
import { glob, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { HeadraceError } from '../errors.ts'
import { jsonl } from '../sources/files/jsonl.ts'
import { textFolder } from '../sources/files/text-folder.ts'
import { parquet } from '../sources/parquet/parquet.ts'
import type { Source } from '../sources/source.ts'

/** The kinds of sources that read files, by their name: how one is made, and how help and errors call it. */
const fileSources = {
  jsonl: { make: jsonl, called: 'JSON Lines' },
  parquet: { make: parquet, called: 'Parquet' },
  text: { make: textOf, called: 'a folder of text' },
}
type Kind = keyof typeof fileSources

/**
 * The source for paths and globs of a command line, chosen by their ending; the field names of `options` (a pipeline's own source) stay.
 */
export function sourceFor(input: readonly string[], options: Readonly<Record<string, unknown>>): Source {
  const kinds = [...new Set(input.map(kindOf))]
  if (kinds.length > 1)
    throw new HeadraceError(
      'bad-option',
      `the input mixes ${kinds.map(kind => fileSources[kind].called).join(' and ')}; a run reads one kind: make a run of each`,
    )
  return makeSource(kinds[0], input, options)
}

/** The same source, waiting for further files. */
export function followSource(source: Source): Source {
  if (source.options.follow === true) return source
  if (source.following) return source.following()
  if (!(source.name in fileSources))
    throw new HeadraceError(
      'bad-option',
      `--follow is for files, and this pipeline reads '${source.name}': say follow there, as in topic(dir, name, { follow: true })`,
    )
  return makeSource(source.name as Kind, source.options.patterns as string[], { ...source.options, follow: true })
}

/** Options that say where a source's own input lies, and what its records are. */
const isOwn: ReadonlySet<string> = new Set(['patterns', 'format'])

function makeSource(kind: Kind, input: readonly string[], options: Readonly<Record<string, unknown>>): Source {
  const fields = Object.entries(options).filter(([name, value]) => !isOwn.has(name) && value !== null)
  return fileSources[kind].make([...input], Object.fromEntries(fields))
}

function textOf(folders: readonly string[], options: Readonly<Record<string, unknown>>): Source {
  if (folders.length > 1)
    throw new HeadraceError('bad-option', `the input names ${folders.length} folders of text; a run reads one`)
  return textFolder(folders[0], options)
}

function kindOf(path: string): Kind {
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
