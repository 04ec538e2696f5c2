import { HeadraceError } from '../errors.ts'
import { checkOption, type OptionTable, refuseName } from '../options.ts'
import { balance, balanceOptions } from './balance.ts'
import type { Decider } from './decider.ts'
import { exactDuplicates, exactDuplicatesOptions } from './exact-duplicates.ts'
import { holdout, holdoutOptions } from './holdout.ts'
import { nearDuplicates, nearDuplicatesOptions } from './near-duplicates.ts'

type Options = Readonly<Record<string, unknown>>

interface BuiltIn {
  readonly table: OptionTable
  readonly make: (options: Options) => Decider
}

/** Headrace's own deciders by their names, which a run records. Options are checked by the tables. */
const builtIn: ReadonlyMap<string, BuiltIn> = new Map(
  Object.entries({
    'exact-duplicates': { table: exactDuplicatesOptions, make: exactDuplicates as BuiltIn['make'] },
    'near-duplicates': { table: nearDuplicatesOptions, make: nearDuplicates as BuiltIn['make'] },
    holdout: { table: holdoutOptions, make: holdout as unknown as BuiltIn['make'] },
    balance: { table: balanceOptions, make: balance as unknown as BuiltIn['make'] },
  }),
)

/** The decider of this name, with these options; null for one that is not Headrace's own. */
export function makeBuiltIn(name: string, options: Options): Decider | null {
  return builtIn.get(name)?.make(options) ?? null
}

/** The name of a built-in decider as a run has it, given as that or as a pipeline calls it. Throws 'bad-option' with the nearest one. */
export function nameBuiltIn(given: string): string {
  const name = given.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
  if (builtIn.has(name)) return name
  throw new HeadraceError('bad-option', refuseName("Headrace's own deciders have no", given, [...builtIn.keys()]))
}

/** Throws 'bad-option' unless the decider takes this value. */
export function checkBuiltInOption(name: string, option: string, value: unknown): void {
  checkOption(name, builtIn.get(name)!.table, option, value)
}
