import { join } from 'node:path'
import { HeadraceError } from '../errors.ts'
import { type DeadRecords, findDead } from '../record/dead-records.ts'
import { loaderOf } from '../record/layout.ts'
import { isEnded } from '../record/notes.ts'
import { listRequests, putRequest, removeRequest } from '../record/redrive-request.ts'
import { readSplits } from '../record/splits.ts'
import type { Command, ParsedArgs, Terminal } from './command.ts'
import { openRunAt } from './find-run.ts'
import { loadPlan, referTo, referToDead } from './load-plan.ts'
import { runModule, showEnd } from './run.ts'
import { formatPlural, formatTable, sortCounts } from './table.ts'
import { cleanName } from './wrap.ts'

export const redriveCommand: Command = {
  name: 'redrive',
  usage: 'PIPELINE',
  summary: "Reads a run's dead records again, after what was wrong with them is mended.",
  details:
    'The records that are dead, and were not read again since, become further rows of the run, which goes on as by headrace run; their dead rows stay as history. Lines of a mended file must have kept their numbers. A run that another process holds takes the records within seconds. A run that has ended takes no more: --into NAME begins another run whose whole input they are.',
  outlivesReader: true,
  options: {
    dir: { value: 'DIR', help: 'folder of all runs (default .headrace)' },
    run: { value: 'RUN', help: "name of the run (default the pipeline's name)" },
    reason: { value: 'REASON', multiple: true, help: 'only what is dead for this reason; repeatable' },
    into: { value: 'NAME', help: 'makes the records the input of another run' },
    follow: { help: 'waits for further files instead of ending' },
    log: { value: 'URL', help: "where the run's log is, for brokers on Kafka that you have not named before" },
    'log-config': { value: 'FILE', help: "client properties for them, as Kafka's own tools take them" },
    upgrade: { help: 'lets a changed pipeline take effect from here on: what was decided stays as it is' },
    workers: { value: 'N', help: 'worker threads (default one a core)' },
    json: { help: 'ends with one line of JSON; progress goes to standard error' },
  },
  run: async (args, terminal) => {
    const file = args.positionals[0]
    const name = args.text('run') ?? (await loadPlan(referTo(file))).name
    const dir = join(args.text('dir') ?? '.headrace', name)
    const { dead, input, hasEnded } = await lookAt(dir, args, args.texts('reason'))
    const into = args.text('into')
    if (into === name)
      throw new HeadraceError('bad-option', `--into names the run itself: name another, or leave --into out`)
    if (dead.records === 0) return sayNothing(dir, args, terminal)
    if (hasEnded && into === undefined) throw refuseEnded(dir, dead)
    showDead(dead, args.flag('json') ? terminal.err : terminal.out)
    if (into !== undefined) {
      const ref = referToDead(file, dir, args.texts('reason'))
      return goOn(ref, { ...args, text: option => args.text(option === 'run' ? 'into' : option) }, terminal)
    }
    const request = await putRequest(dir, args.texts('reason'))
    try {
      const status = await goOn(referTo(file, input, args.flag('follow')), args, terminal)
      await checkTaken(dir, args, { request, dead })
      return status
    } catch (error) {
      if (!(error instanceof HeadraceError) || error.code !== 'locked') throw error
      if (args.flag('json')) terminal.out.write(`${JSON.stringify({ left: dead.records })}\n`)
      terminal.err.write(
        `headrace redrive: left for the process that holds the run, which takes it: ${error.message}\n`,
      )
      return 0
    }
  },
}

async function lookAt(dir: string, args: ParsedArgs, reasons: readonly string[]) {
  await using run = await openRunAt(dir, args)
  const { log, run: shape } = run
  const dead = await findDead({ log, shape }, await readSplits(log, shape), reasons)
  return { dead, input: shape.input, hasEnded: isEnded([await log.position(loaderOf(shape).stage, 0)]) }
}

async function goOn(ref: Parameters<typeof runModule>[0], args: ParsedArgs, terminal: Terminal): Promise<number> {
  const finished = await runModule(ref, args, terminal)
  await showEnd(finished, args.flag('json'), terminal)
  return finished.isStopped ? 130 : 0
}

function sayNothing(dir: string, args: ParsedArgs, terminal: Terminal): number {
  const reasons = args.texts('reason')
  const what = reasons.length ? `no record is dead for ${reasons.join(' or ')}` : 'no record is dead'
  if (args.flag('json')) terminal.out.write(`${JSON.stringify({ redriven: 0 })}\n`)
  else terminal.out.write(`nothing to read again: in ${dir} ${what} that was not read again already\n`)
  return 0
}

function showDead({ records, files, reasons }: DeadRecords, out: Terminal['out']): void {
  out.write(`reading again ${formatPlural(records, 'dead record')} of ${formatPlural(files.size, 'file')}\n`)
  out.write(formatTable(sortCounts(reasons).map(([reason, count]) => [`  ${cleanName(reason)}`, String(count)])))
}

function refuseEnded(dir: string, { records }: DeadRecords): HeadraceError {
  return new HeadraceError(
    'bad-option',
    `the run in ${dir} has ended and takes no more records: make its ${formatPlural(records, 'dead record')} another run with --into NAME`,
  )
}

/** The run may have come to its end before it saw the request. */
async function checkTaken(
  dir: string,
  args: ParsedArgs,
  { request, dead }: { readonly request: string; readonly dead: DeadRecords },
): Promise<void> {
  if (!(await listRequests(dir)).some(({ id }) => id === request)) return
  const { hasEnded } = await lookAt(dir, args, [])
  if (!hasEnded) return
  await removeRequest(dir, request)
  throw refuseEnded(dir, dead)
}
