import { basename } from 'node:path'
import type { RunReader } from '../record/run-reader.ts'
import { LogLooker } from '../watch/look-at-log.ts'
import { type Command, runOptions } from './command.ts'
import { openGivenRun, openRunAt } from './find-run.ts'
import { reachOptions, readReach } from './reach.ts'
import { pageAlone } from './report-files.ts'
import { stopOnSignal } from './stop-signal.ts'
import { cleanPath } from './wrap.ts'

export const browseCommand: Command = {
  name: 'browse',
  usage: '[RUN]',
  summary: 'Serves the pages of a run to a browser: how it stands, its report, all its documents, thresholds to try.',
  details:
    'RUN is a name in --dir, or a path; without it the run that was begun or ended last. It may have ended, or be at work in another process: it is read, and nothing is changed. The page is at the URL that it prints, its report at report, and what scripts may ask at api/run, api/documents, api/rows and api/what-if. SIGINT or SIGTERM ends it.',
  outlivesReader: true,
  options: {
    ...runOptions,
    http: { value: '[HOST:]PORT', help: 'where it listens (default HOST 127.0.0.1, and a port that is free)' },
    ...reachOptions,
    json: { help: 'prints a line of JSON when it listens' },
  },
  run: async (args, terminal) => {
    const reach = readReach(args, '0')!
    await using run = await openGivenRun(args)
    const { serveStatus } = await import('../watch/serve-status.ts')
    const { LiveRun } = await import('../page/live/serve-live.ts')
    const looker = new LogLooker(run)
    const open = () => openRunAt(run.dir, args)
    await using live = new LiveRun({
      dir: run.dir,
      hasDocuments: reach.hasDocuments,
      look: () => looker.look(),
      open,
      // A report shows documents.
      report: reach.hasDocuments ? () => writeReportOf(open) : null,
    })
    const stopping = stopOnSignal(() => {})
    try {
      await using server = await serveStatus(reach, live.routes())
      live.begin()
      if (args.flag('json')) terminal.out.write(`${JSON.stringify({ url: server.url, run: basename(run.dir) })}\n`)
      else terminal.out.write(`${cleanPath(run.dir)} is at ${server.url}/ until Ctrl-C\n`)
      await stopping.stopped
    } finally {
      stopping.end()
    }
    return 0
  },
}

async function writeReportOf(open: () => Promise<RunReader>): Promise<string> {
  const [{ readReport }, { writeReport }] = await Promise.all([
    import('../page/report.ts'),
    import('../page/report-page.ts'),
  ])
  await using run = await open()
  return await writeReport(await readReport(run, pageAlone('')), null)
}
