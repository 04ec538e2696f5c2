import { HeadraceError } from '../errors.ts'
import { readControls } from '../feed/files/control-file.ts'
import { nameRun, openPromotedRun } from '../promote/source-run.ts'
import type { RunReader } from '../record/run-reader.ts'
import type { Terminal } from './command.ts'
import type { FeedOfRun } from './find-feed.ts'
import { printable } from './wrap.ts'

/** The runs that a feed was promoted to: what their deciders found is of its documents, too. */
export interface PromotedRuns extends AsyncDisposable {
  readonly runs: readonly RunReader[]
  /** Why some can't be opened: in these nothing was looked for. */
  readonly missing: readonly string[]
}

export async function openPromotedRuns({ run, dir }: FeedOfRun): Promise<PromotedRuns> {
  const opened = new AsyncDisposableStack()
  const runs: RunReader[] = []
  const missing: string[] = []
  const promotions = (await readControls(dir)).flatMap(({ promote }) => (promote ? [promote.to] : []))
  const named = new Map(promotions.map(to => [to.run, to]))
  named.delete(nameRun(run, run).run)
  for (const one of named.values())
    try {
      runs.push(opened.use(await openPromotedRun(run, one)))
    } catch (error) {
      if (!(error instanceof HeadraceError)) throw error
      missing.push(error.message)
    }
  return { runs, missing, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

/** Says in which runs copies were not looked for. */
export function tellMissing(command: string, { missing }: PromotedRuns, terminal: Terminal): void {
  for (const why of missing)
    terminal.err.write(
      `headrace ${command}: copies that only that run has found are not looked for: ${printable(why)}\n`,
    )
}
