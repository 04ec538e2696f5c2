import { HeadraceError } from '../errors.ts'
import { show } from '../options.ts'

/** What a pipeline is made of, and the method that takes it. */
const methods = {
  'a source': '.from()',
  'an annotator': '.annotate()',
  'a gate': '.annotate()',
  'a decider': '.decide()',
  'rules()': '.decide()',
} as const
type Part = keyof typeof methods

/** The values, all of which must be parts that the method takes. */
export function takeParts<T>(pipeline: string, method: (typeof methods)[Part], values: readonly T[]): readonly T[] {
  const isPart = (value: unknown) => methods[recognise(value)!] === method
  for (const value of values)
    if (!isPart(value))
      throw new HeadraceError('bad-pipeline', `pipeline '${pipeline}': ${method} ${explain(method, value)}`)
  return values
}

function explain(method: string, value: unknown): string {
  const part = recognise(value)
  if (part) return `got ${part}: give it to ${methods[part]}`
  if (typeof value === 'function') return `got the function ${value.name} itself: call it, as in ${value.name}()`
  if (Array.isArray(value)) return 'got a list: give what is in it one by one, as in (...list)'
  const taken = Object.entries(methods).flatMap(([name, taker]) => (taker === method ? [name] : []))
  return `takes ${taken.join(' or ')}, not ${show(value)}`
}

/** What a value is by what it can do; null for what stands in no pipeline. */
function recognise(value: unknown): Part | null {
  const given = (value ?? {}) as Readonly<Record<string, unknown>>
  const can = (...names: string[]) => names.every(name => typeof given[name] === 'function')
  if (given.kind === 'gate') return 'a gate'
  if (given.kind === 'rules') return 'rules()'
  if (can('splits', 'read', 'parse')) return 'a source'
  if (can('annotate') && Array.isArray(given.writes)) return 'an annotator'
  return can('open') && Array.isArray(given.tables) ? 'a decider' : null
}
