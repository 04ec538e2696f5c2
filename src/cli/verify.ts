import { basename, resolve } from 'node:path'
import { HeadraceError } from '../errors.ts'
import { recomputeJoins } from '../unite/recompute.ts'
import { openOwners, readUnion } from '../unite/union.ts'
import { advices, type Check, fileAt } from '../verify/check.ts'
import { verifyUnion } from '../verify/union.ts'
import { type Verification, verifyRun } from '../verify/verify.ts'
import { type Command, type ParsedArgs, runOptions, type Terminal } from './command.ts'
import { openRun, openRunAt } from './find-run.ts'
import { formatBytes, formatCount, formatPlural, formatSeconds, formatTable } from './table.ts'
import { cleanPath, indentText, pageWidth, printable } from './wrap.ts'

/** How often a terminal is told what is read. */
const redrawMs = 200

export const verifyCommand: Command = {
  name: 'verify',
  usage: '[HOME]',
  summary: 'Reads everything that a run has recorded, and says what holds.',
  details:
    'Checksums, counts, hashes and digests of the log, the shards and the feed; every step is planned again, and some are read as trainers read them, down to the tokens of their texts. HOME is that of a feed of several runs (headrace unite): its documents and what is left out are decided again by its runs, where these are. It writes nothing and may run beside the run. Exit status 65 when anything does not hold.',
  options: {
    ...runOptions,
    steps: { value: 'N', help: 'steps to read as trainers do (default 32)' },
    json: { help: 'prints one line of JSON' },
  },
  run: async (args, terminal) => {
    const [home] = args.positionals
    const started = performance.now()
    const { dir, ...found } = await (home === undefined ? verifyRunOf(args, terminal) : verifyHome(home, args))
    const seconds = (performance.now() - started) / 1000
    if (args.flag('json')) terminal.out.write(`${JSON.stringify(jsonOf(basename(resolve(dir)), found, seconds))}\n`)
    else printVerification(dir, found, seconds, terminal)
    return found.isSound ? 0 : 65
  },
}

type Verified = Verification & { readonly dir: string }

async function verifyRunOf(args: ParsedArgs, terminal: Terminal): Promise<Verified> {
  await using run = await openRun(args)
  const progress = showReading(terminal, args.flag('json'))
  try {
    const found = await verifyRun(run, { steps: args.count('steps', 32, 0), onProgress: progress.show })
    return { dir: run.dir, ...found }
  } finally {
    progress.clear()
  }
}

/** A feed of several runs. */
async function verifyHome(home: string, args: ParsedArgs): Promise<Verified> {
  const openJoined = (dir: string) => openRunAt(dir, { text: () => undefined })
  const union = await readUnion(home)
  if (!union)
    throw new HeadraceError(
      'not-found',
      `there is no feed of several runs in ${cleanPath(home)}: a run is named by --run. See: headrace verify --help`,
    )
  await using owners = await openOwners(union, openJoined)
  const judgeJoins = async (check: Check) => {
    const unknown: string[] = []
    for await (const judged of recomputeJoins(union, openJoined)) {
      check.counted++
      const who = `the join at step ${judged.step}`
      for (const what of judged.problems) check.fail(fileAt('feed/control.json'), `${who}: ${what}`, advices.report)
      if (judged.unknown !== null) unknown.push(`${who}: ${judged.unknown}.`)
    }
    return unknown
  }
  const options = { steps: args.count('steps', 32, 0), findOwner: owners.find, judgeJoins }
  return { dir: home, ...(await verifyUnion(home, options)) }
}

function jsonOf(run: string, { checks, isSound, bytes, unchecked }: Verification, seconds: number): unknown {
  return { run, sound: isSound, bytes, seconds: Math.round(seconds * 1000) / 1000, checks, unchecked }
}

function printVerification(dir: string, found: Verification, seconds: number, terminal: Terminal) {
  const { checks, isSound, bytes, unchecked } = found
  const width = pageWidth(terminal)
  const write = (text: string) => terminal.out.write(text)
  const indent = (text: string) => indentText(printable(text), width, '  ')
  const rows = checks.map(check => [check.name, formatCount(check.counted), check.unit, describeResult(check)])
  write(`verified ${dir}\n\n${formatTable(rows, [0, 2, 3])}`)
  for (const { name, failures, problems } of checks) {
    for (const { file, place, what, advice } of problems) {
      const where = [file, place].filter(Boolean).join(', ')
      write(`\n${name}: ${cleanPath(where)}\n${indent(`${what}\n${advice}`)}`)
    }
    if (failures > problems.length) write(`\n${name}: and ${formatCount(failures - problems.length)} more\n`)
  }
  const notes = checks.flatMap(check => check.notes)
  if (notes.length) write(`\nwhat a stop, a crash or a run at work may leave\n${notes.map(indent).join('')}`)
  if (unchecked.length) write(`\nwhat was not checked\n${unchecked.map(indent).join('')}`)
  const rate = `${formatBytes(bytes)} read in ${formatSeconds(seconds)} (${formatBytes(bytes / Math.max(seconds, 0.001))}/s)`
  const failed = checks.filter(check => check.failures > 0).length
  const failure = `${formatPlural(failed, 'row')} of the table ${failed === 1 ? 'does' : 'do'} not hold`
  write(`\n${isSound ? 'All of it holds' : failure}; ${rate}.\n`)
}

function describeResult({ counted, failures, notes }: Check): string {
  if (failures) return formatPlural(failures, 'failure')
  if (counted === 0) return 'nothing to check'
  return notes.length ? `holds, ${formatPlural(notes.length, 'note')}` : 'holds'
}

/** One line on a terminal that is redrawn while it reads. */
function showReading({ err }: Terminal, isJson: boolean): { show(doing: string, bytes: number): void; clear(): void } {
  let last = performance.now()
  const isShown = err.isTTY === true && !isJson
  return {
    show: (doing, bytes) => {
      if (!isShown || performance.now() - last < redrawMs) return
      last = performance.now()
      err.redraw?.(`reading ${doing}: ${formatBytes(bytes)}`)
    },
    clear: () => isShown && err.redraw?.(''),
  }
}
