import { basename } from 'node:path'
import { readTotals } from '../inspect/totals.ts'
import { type Choice, readChoices } from '../record/choices.ts'
import { describeTrip, type Hold, readHold } from '../record/hold.ts'
import type { RunReader } from '../record/run-reader.ts'
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
    const { hold, releases } = await readGuards(run, progress.decided)
    const summary = summaryOf(basename(run.dir), progress, { seconds: 0, cpuSeconds: 0 })
    if (args.flag('json')) {
      const { seconds: _, cpuSeconds: __, ...figures } = summary
      const { byDomain, byLanguage } = progress.decide
      const guards = { held: hold, releases }
      terminal.out.write(
        `${JSON.stringify({ ...figures, ended: isEnded, byDomain, byLanguage, ...progress.shard, ...guards })}\n`,
      )
      return 0
    }
    printSummary(summary, progress, run.dir, terminal)
    const { byDomain, byLanguage } = progress.decide
    if (Object.keys(byDomain).length) terminal.out.write(`\nkept by domain\n${shares(byDomain)}`)
    if (Object.keys(byLanguage).length) terminal.out.write(`\nkept by language\n${shares(byLanguage)}`)
    if (releases.length) terminal.out.write(`\nreleased\n${releases.map(describeRelease).join('')}`)
    if (hold) terminal.out.write(`\nheld by a guard rail at slot ${hold.slot}\n${describeHeld(hold)}`)
    else if (!isEnded)
      terminal.out.write('\nThe run has not ended: it is going on, or the same run command makes it go on.\n')
    return 0
  },
}

const rowsMax = 25

/** What holds the run now, and who let it pass before. A hold is over when its slot is decided. */
async function readGuards(run: RunReader, decided: number): Promise<{ hold: Hold | null; releases: Choice[] }> {
  const releases: Choice[] = []
  for await (const choice of readChoices(run.log)) releases.push(choice)
  const hold = await readHold(run.dir)
  return { hold: hold?.slot === decided ? hold : null, releases }
}

const describeRelease = (choice: Choice) =>
  `  ${describeTrip(choice)}\n    ${choice.who}, ${choice.at}: ${choice.why}\n`

function describeHeld({ trips }: Hold): string {
  const more = trips.length > rowsMax ? `  and ${trips.length - rowsMax} more\n` : ''
  return `${trips
    .slice(0, rowsMax)
    .map(trip => `  ${describeTrip(trip)}\n`)
    .join('')}${more}  headrace release --who NAME --why TEXT lets it pass\n`
}

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
