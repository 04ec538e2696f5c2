import { HeadraceError } from '../errors.ts'
import type { SettingsChange } from '../feed/plan/control.ts'
import { changeDetails, changeFeed, changeOptions, changeUsage, openChanged } from './change-feed.ts'
import type { Command, ParsedArgs } from './command.ts'

export const batchCommand: Command = {
  name: 'batch',
  usage: changeUsage,
  summary:
    'Changes how many samples a step of a feed has, and of how many tokens, from a step on, and records who and why.',
  details: `${changeDetails} With --sample-tokens alone a step has as many tokens as before, in fewer or more samples; where they do not divide it is refused. What is left of blocks that are begun is cut anew, so that no token is fed twice or left out.`,
  options: {
    ...changeOptions,
    samples: { value: 'N', help: 'samples a step, over all ranks' },
    'sample-tokens': { value: 'N', help: 'tokens a sample' },
  },
  run: async (args, terminal) => {
    const change = changeOf(args)
    await using feed = await openChanged(args)
    return await changeFeed('batch', { args, feed, change }, terminal)
  },
}

function changeOf(args: ParsedArgs): SettingsChange {
  const countOf = (option: string) =>
    args.text(option) === undefined ? undefined : args.count(option, 1, 1, 2 ** 31 - 1)
  const [batch, length] = [countOf('samples'), countOf('sample-tokens')]
  if (batch === undefined && length === undefined)
    throw new HeadraceError(
      'bad-option',
      '--samples and --sample-tokens are missing: give the samples of a step, over all ranks, or the tokens of a sample, or both. See: headrace batch --help',
    )
  return { ...(batch !== undefined && { batch }), ...(length !== undefined && { length }) }
}
