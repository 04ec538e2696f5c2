import { nameBuiltIn } from '../decide/built-in.ts'
import { HeadraceError } from '../errors.ts'
import { checkOverrides, type Overrides, type Threshold } from '../pipeline/overrides.ts'

/** What is tried: thresholds by column, as `rules()` takes them, and options of deciders by name; null leaves a decider out. */
export interface Change {
  readonly overrides: Overrides
  readonly deciders: ReadonlyMap<string, Readonly<Record<string, unknown>> | null>
}

export const noChange: Change = { overrides: {}, deciders: new Map() }

/** Reads `COLUMN.below=0.7`, `COLUMN.oneOf=a,b`, `COLUMN.off` and so on, each of which may be given once. Throws 'bad-option'. */
export function parseRules(given: readonly string[]): Overrides {
  const overrides = new Map<string, Record<string, unknown> | false>()
  for (const text of given) {
    const { owner: column, option, value } = parseSetting('--rule', text, 'COLUMN.below=NUMBER')
    const known = overrides.get(column)
    const isOff = option === 'off' && value === null
    if (known === false || (isOff && known) || (known && Object.hasOwn(known, option)))
      throw bad(`--rule ${text} contradicts another --rule for '${column}': give each bound once`)
    if (isOff) overrides.set(column, false)
    else overrides.set(column, { ...known, [option]: parseThreshold(text, option, value) })
  }
  return checkOverrides('rules()', Object.fromEntries(overrides) as Record<string, Threshold | false>)
}

function parseThreshold(text: string, option: string, value: string | null): unknown {
  if (value === null) throw bad(`--rule ${text} has no value: give COLUMN.below=NUMBER, or COLUMN.off for no rule`)
  if (option === 'oneOf' || option === 'noneOf') return value.split(',')
  if (option !== 'below' && option !== 'above') return value
  const number = value.trim() === '' ? Number.NaN : Number(value)
  if (Number.isFinite(number)) return number
  throw bad(`--rule ${text}: '${value}' is no number`)
}

/** Reads `nearDuplicates.similarity=0.7`, `balance.rates.code=0.5` and `holdout.off`. Throws 'bad-option'. */
export function parseDeciders(given: readonly string[]): Change['deciders'] {
  const deciders = new Map<string, Record<string, unknown> | null>()
  for (const text of given) {
    const { owner, option, value } = parseSetting('--decider', text, 'nearDuplicates.similarity=0.7')
    const [decider, ...path] = [...owner.split('.'), option]
    const name = nameBuiltIn(decider)
    if (option === 'off' && value === null) {
      deciders.set(name, null)
      continue
    }
    if (value === null || path.length > 2) throw bad(`--decider ${text}: give DECIDER.OPTION=VALUE, or DECIDER.off`)
    deciders.set(name, setOption(deciders.get(name) ?? {}, path, parseValue(value)))
  }
  return deciders
}

function setOption(options: Readonly<Record<string, unknown>>, [option, key]: readonly string[], value: unknown) {
  if (key === undefined) return { ...options, [option]: value }
  return { ...options, [option]: { ...(options[option] as object | undefined), [key]: value } }
}

function parseValue(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true'
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text
}

interface Setting {
  readonly owner: string
  readonly option: string
  /** Null where there is no `=`. */
  readonly value: string | null
}

function parseSetting(flag: string, text: string, example: string): Setting {
  const equals = text.indexOf('=')
  const path = equals < 0 ? text : text.slice(0, equals)
  const dot = path.lastIndexOf('.')
  if (dot <= 0 || dot === path.length - 1) throw bad(`${flag} is '${text}': give it as in ${flag} ${example}`)
  return { owner: path.slice(0, dot), option: path.slice(dot + 1), value: equals < 0 ? null : text.slice(equals + 1) }
}

/** At most this many thresholds are tried in one pass, as each has tables of its own. */
const sweepMax = 50

/** Reads `COLUMN.below=0.5..0.9/9` as nine changes of that threshold, both ends among them. Throws 'bad-option'. */
export function parseSweep(text: string): { readonly overrides: Overrides; readonly value: number }[] {
  const { owner, option, value } = parseSetting('--sweep', text, 'COLUMN.below=0.5..0.9/9')
  const [, from, to, count] = /^(.+)\.\.(.+)\/(\d+)$/.exec(value ?? '') ?? []
  const steps = Number(count)
  const [first, last] = [Number(from), Number(to)]
  if (!Number.isFinite(first) || !Number.isFinite(last) || !(steps >= 2 && steps <= sweepMax))
    throw bad(`--sweep is '${text}': give COLUMN.below=FROM..TO/COUNT, with a COUNT from 2 to ${sweepMax}`)
  return Array.from({ length: steps }, (_, i) => {
    // Rounded, so that a step of 0.1 is 0.7 and not 0.7000000000000001.
    const at = Number((first + ((last - first) * i) / (steps - 1)).toPrecision(12))
    return { overrides: parseRules([`${owner}.${option}=${at}`]), value: at }
  })
}

function bad(what: string): HeadraceError {
  return new HeadraceError('bad-option', what)
}
