import { HeadraceError } from '../errors.ts'
import type { ParsedArgs } from './command.ts'

/** Characters of a note, as it stands in the feed for ever. */
const noteMax = 1000

/** What `--note` says, or null. */
export function noteOf(args: ParsedArgs, command: string): string | null {
  const text = args.text('note')?.trim() ?? ''
  const refuse = (what: string) => new HeadraceError('bad-option', `--note ${what}. See: headrace ${command} --help`)
  if (text.length > noteMax) throw refuse(`has ${text.length} characters; ${noteMax} at most`)
  if (/[\p{Cc}\u2028\u2029]/u.test(text)) throw refuse('has more than one line, or a control character')
  return text || null
}
