import { HeadraceError } from '../../errors.ts'
import { kind, listOf, name, show } from '../../options.ts'
import type { UnusableLines } from './unusable.ts'

/** Where a list's entries come from. */
export const files = kind<string | readonly string[]>(
  'a file, or several',
  value => name.accepts(value) || listOf(name, 1).accepts(value),
)

/** Columns and reasons are named by lists. */
const listName = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/

/** The lists' names, in the order in which they are given. Throws 'bad-option' where there is none, or one that can't name a column. */
export function checkListNames(who: string, lists: Readonly<Record<string, unknown>>): string[] {
  const names = Object.keys(lists)
  if (names.length === 0) throw new HeadraceError('bad-option', `${who} has no list in 'lists': give one or more`)
  const wrong = names.find(one => !listName.test(one))
  if (wrong === undefined) return names
  throw new HeadraceError(
    'bad-option',
    `${who} has a list ${show(wrong)}: name it by a letter, then letters, digits, '_', '.' and '-', 64 at most, as columns are named by it`,
  )
}

/** What of the lists' lines was passed over. */
export function describeLists(lists: readonly { readonly name: string; readonly unusable: UnusableLines }[]): string[] {
  return lists.flatMap(({ name, unusable }) => {
    const what = unusable.describe()
    return what === null ? [] : [`list '${name}': ${what}`]
  })
}
