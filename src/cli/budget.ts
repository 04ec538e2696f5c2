import { HeadraceError } from '../errors.ts'
import { changeDetails, changeFeed, changeOptions, changeUsage, openChanged } from './change-feed.ts'
import type { Command, ParsedArgs } from './command.ts'
import { cleanName } from './wrap.ts'

export const budgetCommand: Command = {
  name: 'budget',
  usage: changeUsage,
  summary: 'Ends a feed with the last step within so many tokens in all, or raises that bound.',
  details: `${changeDetails} The bound is on the tokens of all steps together. A feed that it has ended goes on when it is raised.`,
  options: {
    ...changeOptions,
    tokens: { value: 'N', help: 'tokens of all steps at most, as 100e9' },
    none: { help: 'takes the bound away' },
  },
  run: async (args, terminal) => {
    const budget = budgetOf(args)
    await using feed = await openChanged(args)
    return await changeFeed('budget', { args, feed, change: { budget } }, terminal)
  },
}

function budgetOf(args: ParsedArgs): number | null {
  const text = args.text('tokens')
  const refuse = (what: string) => new HeadraceError('bad-option', `${what}. See: headrace budget --help`)
  if (args.flag('none')) {
    if (text !== undefined) throw refuse('--none is given with --tokens: give one of them')
    return null
  }
  if (text === undefined) throw refuse('--tokens is missing: it takes the tokens of all steps at most, as 100e9')
  const tokens = /^\d/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(tokens) && tokens > 0) return tokens
  throw refuse(`--tokens is '${cleanName(text)}'; it takes a whole number of at least 1, as 100e9`)
}
