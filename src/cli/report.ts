import { basename, join } from 'node:path'
import { findUnfed } from '../inspect/unfed.ts'
import { type Choice, readChoices } from '../record/choices.ts'
import { figuresOf } from '../record/figures.ts'
import { describeTrip, findHold, type Hold } from '../record/hold.ts'
import { hasEnded, readStanding } from '../record/standing.ts'
import { type Command, runOptions } from './command.ts'
import { openRun } from './find-run.ts'
import { keyOption } from './join-key.ts'
import { readReportOrder, tellReportFiles, writeReportFiles } from './report-files.ts'
import { printSummary, summaryOf } from './summary.ts'
import { formatBar, formatCount, formatShare, formatTable } from './table.ts'
import { describeUnfed } from './unfed.ts'
import { cleanName } from './wrap.ts'

export const reportCommand: Command = {
  name: 'report',
  summary: 'Shows what a run has done so far, and what each domain and language lost.',
  details:
    'With --html or --svg it writes files in the place of tables. The page is one file that asks nobody for anything: why documents went, what each domain lost, what other thresholds would keep, documents with the evidence marked, what the trainer saw. A page holds documents, so it is for whoever may read them. The same run gives the same bytes.',
  options: {
    ...runOptions,
    html: { value: 'FILE', help: 'writes a page for a browser, of its own in one file' },
    against: { value: 'RUN', help: 'adds to the page what differs from another run, which is before this one' },
    key: { ...keyOption, help: `with --against: ${keyOption.help}` },
    documents: { value: 'N', help: 'documents in the page, some of each reason (default 200)' },
    seed: { value: 'S', help: 'chooses other documents and rows for the page (default 0)' },
    svg: {
      value: 'DIR',
      help: 'writes pictures: what is left after each stage, kept shares, scores, the mixture, pairs that bands miss',
    },
    json: { help: 'prints one line of JSON' },
  },
  run: async (args, terminal) => {
    const order = readReportOrder(args)
    await using run = await openRun(args)
    if (order && !args.flag('json'))
      return void (await tellReportFiles(run, args.text('dir') ?? '.headrace', order, terminal))
    const standing = await readStanding(run.log, run.run)
    const isEnded = hasEnded(standing, run.run)
    const releases = await Array.fromAsync(readChoices(run.log))
    const hold = await findHold(run.dir, standing.decide.slot)
    const { byDomain, byLanguage } = standing.decide.totals
    const figures = figuresOf(standing)
    const summary = summaryOf(basename(run.dir), figures)
    const feed = await findUnfed(join(run.dir, 'feed'), Object.keys(figures.shard.tokensByDomain))
    if (order) await writeReportFiles(run, args.text('dir') ?? '.headrace', order)
    if (args.flag('json')) {
      const more = {
        ended: isEnded,
        byDomain,
        byLanguage,
        ...figures.shard,
        held: hold,
        releases,
        ...(feed && { feed }),
      }
      terminal.out.write(`${JSON.stringify({ ...summary, ...more })}\n`)
      return
    }
    printSummary(summary, figures, run.dir, terminal)
    if (Object.keys(byDomain).length) terminal.out.write(`\nkept by domain\n${shares(byDomain)}`)
    if (Object.keys(byLanguage).length) terminal.out.write(`\nkept by language\n${shares(byLanguage)}`)
    if (feed) terminal.out.write(describeUnfed(feed))
    if (releases.length) terminal.out.write(`\nreleased\n${releases.map(describeRelease).join('')}`)
    if (hold) terminal.out.write(`\nheld by a guard rail at slot ${hold.slot}\n${describeHeld(hold)}`)
    else if (!isEnded)
      terminal.out.write('\nThe run has not ended: it is going on, or the same run command makes it go on.\n')
  },
}

const rowsMax = 25

const describeRelease = (choice: Choice) =>
  `  ${describeTrip(choice)}\n    ${choice.who}, ${choice.at}: ${choice.why}\n`

function describeHeld({ trips }: Hold): string {
  const more = trips.length > rowsMax ? `  and ${trips.length - rowsMax} more\n` : ''
  const shown = trips.slice(0, rowsMax).map(trip => `  ${describeTrip(trip)}\n`)
  return `${shown.join('')}${more}  headrace release --who NAME --why TEXT lets it pass\n`
}

function shares(counts: Readonly<Record<string, { documents: number; kept: number }>>): string {
  const sorted = Object.entries(counts).sort((a, b) => b[1].documents - a[1].documents || (a[0] < b[0] ? -1 : 1))
  const rows = sorted.slice(0, rowsMax).map(([name, { documents, kept }]) => {
    const figures = [formatCount(kept), `of ${formatCount(documents)}`, formatShare(kept, documents)]
    return [`  ${cleanName(name) || '(none)'}`, ...figures, formatBar(kept / documents)]
  })
  const more = sorted.length > rowsMax ? `  and ${sorted.length - rowsMax} more\n` : ''
  return formatTable(rows) + more
}
