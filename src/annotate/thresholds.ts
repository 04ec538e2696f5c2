import { HeadraceError } from '../errors.ts'
import type { OptionTable } from '../options.ts'

/**
 * Thresholds among a filter's options: they say what is dropped, not what is measured. So columns hold when a threshold moves, and a replay
 * with another one measures nothing again.
 */
export function thresholdsIn(options: OptionTable, measuredWith: readonly string[] = []): string[] {
  return Object.keys(options).filter(name => 'place' in options[name] && !measuredWith.includes(name))
}

type Options = Readonly<Record<string, unknown>>

/** Options with these thresholds at their defaults, wherever they are set: that is how fingerprints name the columns. */
export function atDefaults<T extends Options>(chosen: T, options: OptionTable, thresholds: readonly string[]): T {
  return { ...chosen, ...Object.fromEntries(thresholds.map(name => [name, options[name].default])) }
}

/** Options without these thresholds. To read one while measuring throws, as what was measured would no longer be what its fingerprint says. */
export function hideThresholds<T extends Options>(annotator: string, chosen: T, thresholds: readonly string[]): T {
  const seen = Object.fromEntries(Object.entries(chosen).filter(([name]) => !thresholds.includes(name)))
  for (const name of thresholds)
    Object.defineProperty(seen, name, {
      get() {
        throw new HeadraceError(
          'bad-option',
          `annotator '${annotator}' measures with '${name}', which is a threshold of its rules: name it in 'measuredWith' of filter()`,
        )
      },
    })
  return seen as T
}
