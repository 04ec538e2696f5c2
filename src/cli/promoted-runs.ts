import { readControls } from '../feed/files/control-file.ts'
import { openPromotedRuns, type PromotedRuns } from '../promote/known-runs.ts'
import type { Terminal } from './command.ts'
import type { FeedOfRun } from './find-feed.ts'
import { printable } from './wrap.ts'

/** The runs that a feed was promoted to, whose deciders' duplicates are copies, too. Says in which of them they are not looked for. */
export async function openOrTell(command: string, { run, dir }: FeedOfRun, terminal: Terminal): Promise<PromotedRuns> {
  const promotions = (await readControls(dir)).flatMap(({ promote }) => (promote ? [promote] : []))
  const promoted = await openPromotedRuns(run, promotions)
  for (const { message } of promoted.missing)
    terminal.err.write(
      `headrace ${command}: copies that only that run has found are not looked for: ${printable(message)}\n`,
    )
  return promoted
}
