import { HeadraceError } from '../errors.ts'

/**
 * What the file sources understand. A field's name says which field of a record has this part of the document; the folder of
 * text files has no fields and ignores them.
 */
export interface SourceOptions {
  /** Field with the text. Default 'text'. */
  readonly text?: string
  /** Field with the id, a string or a number. Default 'id'; where it is missing or empty the id is `<file>#<line>`. */
  readonly id?: string
  /** Field with the domain, a string or a number. Default 'domain'. */
  readonly domain?: string
  /** The domain of a document that names none. Default 'default'. */
  readonly domainDefault?: string
  /** Field with the address. Default 'url'. */
  readonly url?: string
  /** Field with the time at which the document came to be. Default 'added'. */
  readonly added?: string
  /** Parquet: the further columns that go to `meta`. Default: all. */
  readonly columns?: readonly string[]
  /** Waits for further files instead of ending. Default false. */
  readonly follow?: boolean
  /** With `follow`, the longest time between two looks, in milliseconds. Default 2000. */
  readonly pollMs?: number
}

export interface ResolvedOptions {
  readonly patterns: readonly string[]
  readonly text: string
  readonly id: string
  readonly domain: string
  readonly domainDefault: string
  readonly url: string
  readonly added: string
  readonly columns: readonly string[] | null
  readonly follow: boolean
  readonly pollMs: number
}

const defaults = {
  ...{ text: 'text', id: 'id', domain: 'domain', domainDefault: 'default', url: 'url', added: 'added' },
  ...{ columns: null, follow: false, pollMs: 2000 },
}

/** The options with their defaults, as a source shows them. Throws 'bad-option' for an unknown name or a value of another type. */
export function resolveOptions(
  source: string,
  patterns: string | readonly string[],
  options: SourceOptions,
): ResolvedOptions {
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  for (const [name, value] of given) {
    const wanted = wantedOf(name)
    if (!wanted) throw bad(source, `has no option '${name}'; its options are ${Object.keys(defaults).join(', ')}`)
    if (!wanted.isRight(value)) throw bad(source, `takes ${wanted.what} for '${name}', not ${JSON.stringify(value)}`)
  }
  const list = typeof patterns === 'string' ? [patterns] : [...patterns]
  if (list.length === 0 || !list.every(isName)) throw bad(source, 'takes a path or glob pattern, or a list of them')
  return Object.freeze({ ...defaults, ...Object.fromEntries(given), patterns: Object.freeze(list) })
}

const isName = (value: unknown) => typeof value === 'string' && value !== ''

function wantedOf(name: string): { what: string; isRight: (value: unknown) => boolean } | null {
  if (!Object.hasOwn(defaults, name)) return null
  if (name === 'follow') return { what: 'true or false', isRight: value => typeof value === 'boolean' }
  if (name === 'pollMs') return { what: 'a number from 1', isRight: value => typeof value === 'number' && value >= 1 }
  if (name === 'columns')
    return {
      what: 'a list of names',
      isRight: value => value === null || (Array.isArray(value) && value.every(isName)),
    }
  return { what: 'a name', isRight: isName }
}

function bad(source: string, message: string): HeadraceError {
  return new HeadraceError('bad-option', `${source}() ${message}`)
}
