import { HeadraceError } from '../errors.ts'
import * as headrace from '../index.ts'
import type { FileSources } from '../sources/files/file-kind.ts'
import type { Source } from '../sources/source.ts'

type Sources = FileSources<Record<never, never>>

/** All kinds of files: whatever Headrace exports that makes sources of them. */
const made = Object.values<unknown>(headrace).filter(
  (one): one is Sources => typeof one === 'function' && 'kind' in one,
)

/** The source for paths and globs of a command line, chosen by their ending; the field names of `options` (a pipeline's own source) stay. */
export function sourceFor(input: readonly string[], options: Readonly<Record<string, unknown>>): Source {
  const [make, ...others] = new Set(input.map(path => made.find(({ kind }) => kind.claims(path)) ?? headrace.jsonl))
  if (others.length > 0)
    throw new HeadraceError(
      'bad-option',
      `the input mixes ${[make, ...others].map(({ kind }) => kind.called).join(' and ')}; a run reads one kind: make a run of each`,
    )
  const fields = Object.entries(options).filter(([name, value]) => name !== 'patterns' && value !== null)
  const known = fields.filter(([name]) => Object.hasOwn(make.kind.options, name))
  return withFields(make(input, Object.fromEntries(known)), fields)
}

/** A source that records fields which its kind has no use for too, as they have always been a part of a run's fingerprints. */
function withFields(source: Source, fields: readonly [name: string, value: unknown][]): Source {
  const recorded = fields.filter(([name]) => name !== 'follow' && Object.hasOwn(source.options, name))
  const options = { ...source.options, ...Object.fromEntries(recorded) }
  return { ...source, options, following: () => withFields(source.following!(), fields) }
}

/** The same source, waiting for what comes later. */
export function followSource(source: Source): Source {
  if (source.options.follow === true) return source
  if (source.following) return source.following()
  throw new HeadraceError(
    'bad-option',
    `--follow is for files, and this pipeline reads '${source.name}': say follow there, as in topic(dir, name, { follow: true })`,
  )
}
