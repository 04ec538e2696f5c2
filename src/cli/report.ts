import { basename } from 'node:path'
import { readTotals } from '../replay/totals.ts'
import { type Command, runOptions } from './command.ts'
import { openRun } from './find-run.ts'
import { printSummary, summaryOf } from './summary.ts'
import { formatBar, formatCount, formatShare, formatTable } from './table.ts'

export const reportCommand: Command = {
  name: 'report',
  usage: '',
  summary: 'Shows what a run has done so far, and what each domain and language lost.',
  positionals: { min: 0, max: 0 },
  options: { ...runOptions, json: { help: 'prints one line of JSON' } },
  run: async (args, terminal) => {
    await using run = await openRun(args)
    const { progress, isEnded } = await readTotals(run)
    const summary = summaryOf(basename(run.dir), progress, { seconds: 0, cpuSeconds: 0 })
    if (args.flag('json')) {
      const { seconds: _, cpuSeconds: __, ...figures } = summary
      const { byDomain, byLanguage } = progress.decide
      terminal.out.write(`${JSON.stringify({ ...figures, ended: isEnded, byDomain, byLanguage, ...progress.shard })}\n`)
      return 0
    }
    printSummary(summary, progress, run.dir, terminal)
    const { byDomain, byLanguage } = progress.decide
    if (Object.keys(byDomain).length) terminal.out.write(`\nkept by domain\n${shares(byDomain)}`)
    if (Object.keys(byLanguage).length) terminal.out.write(`\nkept by language\n${shares(byLanguage)}`)
    if (!isEnded)
      terminal.out.write('\nThe run has not ended: it is going on, or the same run command makes it go on.\n')
    return 0
  },
}

const rowsMax = 25

function shares(counts: Readonly<Record<string, { documents: number; kept: number }>>): string {
  const sorted = Object.entries(counts).sort((a, b) => b[1].documents - a[1].documents || (a[0] < b[0] ? -1 : 1))
  const rows = sorted
    .slice(0, rowsMax)
    .map(([name, { documents, kept }]) => [
      `  ${name || '(none)'}`,
      formatCount(kept),
      `of ${formatCount(documents)}`,
      formatShare(kept, documents),
      formatBar(kept / documents),
    ])
  const more = sorted.length > rowsMax ? `  and ${sorted.length - rowsMax} more\n` : ''
  return formatTable(rows) + more
}
