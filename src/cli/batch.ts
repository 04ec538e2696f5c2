import { HeadraceError } from '../errors.ts'
import { changeDetails, changeFeed, changeOptions, changeUsage, openChanged } from './change-feed.ts'
import type { Command } from './command.ts'

export const batchCommand: Command = {
  name: 'batch',
  usage: changeUsage,
  summary: 'Changes how many samples a step of a feed has, from a step on, and records who did so and why.',
  details: changeDetails,
  options: { ...changeOptions, samples: { value: 'N', help: 'samples a step, over all ranks' } },
  run: async (args, terminal) => {
    if (args.text('samples') === undefined)
      throw new HeadraceError(
        'bad-option',
        '--samples is missing: it takes the samples of a step, over all ranks. See: headrace batch --help',
      )
    const batch = args.count('samples', 1, 1, 2 ** 31 - 1)
    await using feed = await openChanged(args)
    return await changeFeed('batch', { args, feed, change: { batch } }, terminal)
  },
}
