import { limits } from '../limits.ts'
import {
  checkOption,
  flag,
  listOf,
  name,
  number,
  type OptionsOf,
  oneOf,
  optional,
  orNull,
  type ResolvedOf,
  required,
  resolveOptions,
  whole,
} from '../options.ts'

/** What is done with a record that has something wrong in it. */
export const repairOptions = {
  strict: optional(
    'a record with a bad character or field is dead; otherwise it is repaired, flagged and counted',
    flag,
    false,
  ),
  lineEnds: optional("of texts: 'lf' makes LF of CRLF and CR, 'keep' leaves them", oneOf(['lf', 'keep']), 'lf'),
}
/** Which field of a record has which part of the document. */
export const fieldOptions = {
  text: optional('field with the text; `meta.text` is a field in a field, where none has that very name', name, 'text'),
  id: optional('field with the id, a string or a number; where it is empty the id is `<file>#<line>`', name, 'id'),
  domain: optional('field with the domain, a string or a number', name, 'domain'),
  domainDefault: optional('the domain of a document that names none', name, 'default'),
  url: optional('field with the address', name, 'url'),
  added: optional('field with the time at which the document came to be', name, 'added'),
  ...repairOptions,
}
/** The same of records in columns. */
export const columnOptions = {
  ...fieldOptions,
  columns: optional('the further columns that go to `meta`; null: all', orNull(listOf(name)), null),
}
export const followOptions = {
  follow: optional('waits for what comes later instead of ending', flag, false),
  pollMs: optional('with `follow`, the longest time between two looks, in milliseconds', number(1, 2 ** 31 - 1), 2000),
}
/** What packed files may ask of the machine: whoever made them decides it, and not their size. */
export const unpackOptions = {
  windowBytesMax: optional(
    `the memory that unpacking a file may hold for its window, in bytes, for each lane; default ${limits.windowBytesMax}`,
    whole(1024, 2 ** 32),
  ),
  inflationMax: optional(
    `how many times its own size a packed file may give as text; default ${limits.inflationMax}`,
    number(1),
  ),
}
export type UnpackOptions = Partial<ResolvedOf<typeof unpackOptions>>
export type Fields = ResolvedOf<typeof fieldOptions>
export type Columns = ResolvedOf<typeof columnOptions>

/** What a source of records says that its options are: every one of all such sources, as they are a part of fingerprints. */
export type Recorded = Columns &
  ResolvedOf<typeof followOptions> &
  UnpackOptions & { readonly patterns: readonly string[] }

const patternOptions = { patterns: required('paths or globs', listOf(name, 1)) }
const recordedOptions = { ...columnOptions, ...followOptions }
const defaults = resolveOptions('a source', recordedOptions, {})

/** `options` as they are recorded. Throws 'bad-option' unless the patterns are one name or some. */
export function recordOptions(
  who: string,
  patterns: string | readonly string[],
  options: OptionsOf<typeof recordedOptions>,
): Recorded {
  const list = typeof patterns === 'string' ? [patterns] : patterns
  checkOption(who, patternOptions, 'patterns', list)
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  return Object.freeze({ ...defaults, ...given, patterns: Object.freeze([...list]) }) as Recorded
}

/** A source in words: what it reads, and which options are not as they always are. */
export function describeRecorded(source: string, options: Recorded): string {
  const { patterns, follow, pollMs, domainDefault, strict, lineEnds, windowBytesMax, inflationMax, ...fields } = options
  const named = Object.entries(fields).filter(([field, value]) => value !== null && value !== field)
  const parts = [
    `${source} ${patterns.join(' ')}`.trim(),
    ...named.map(([field, value]) => `${field} from '${value}'`),
    domainDefault === defaults.domainDefault ? '' : `domain '${domainDefault}' by default`,
    strict ? 'strict' : '',
    lineEnds === defaults.lineEnds ? '' : 'line ends as they are',
    windowBytesMax === undefined ? '' : `unpacks with windows up to ${windowBytesMax} bytes`,
    inflationMax === undefined ? '' : `unpacks up to ${inflationMax} times a file's size`,
    follow ? `follows, looking every ${pollMs} ms` : '',
  ]
  return parts.filter(Boolean).join(', ')
}
