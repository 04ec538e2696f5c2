import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { makeFolder } from '../disk/durable-file.ts'
import { HeadraceError, systemCodeOf } from '../errors.ts'
import { readTrim, trimmedStep } from '../feed/files/trim-file.ts'
import { readFeed } from '../feed/read.ts'
import { findUnfed, type Unfed } from '../inspect/unfed.ts'
import type { LogPlace } from '../log/place.ts'
import type { Plan } from '../pipeline/plan.ts'
import type { Figures } from '../record/figures.ts'
import { type StageName, stageNames } from '../record/layout.ts'
import { isEnded } from '../record/notes.ts'
import { readRunFile } from '../record/run-file.ts'
import type { Watch } from '../run/events.ts'
import type { PipelineRef } from '../run/measure/jobs.ts'
import type { ReplayOptions } from '../run/options.ts'
import { runPipeline } from '../run/run.ts'
import { type EventLog, fieldsOf, openEventLog } from '../watch/event-log.ts'
import type { Command, ParsedArgs, Terminal } from './command.ts'
import { judgeError, readVersion, Told } from './explain.ts'
import { showFirstSteps } from './feed.ts'
import { openRunAt } from './find-run.ts'
import { choosePlace, rememberPlace } from './known-brokers.ts'
import { loadPlan, pinCode, referTo } from './load-plan.ts'
import { explainFields, explainNothing } from './nothing-read.ts'
import { pageAlone, type ReportOrder, tellReportFiles } from './report-files.ts'
import { stopOnSignal } from './stop-signal.ts'
import { printSummary, type Summary, summaryOf } from './summary.ts'
import { formatCount } from './table.ts'
import { describeUnfed } from './unfed.ts'
import { type RunWatch, watchOptions, watchRun } from './watch-run.ts'
import { printable } from './wrap.ts'

/** What a process of a spread run says of its own part. */
export const shareOptions = {
  stages: {
    value: 'LIST',
    help: 'in a spread run, what this process takes part in: load,annotate,decide,shard (default all)',
  },
  state: { value: 'DIR', help: "in a spread run, this machine's folder of state (default in the run's folder)" },
} as const

export const runCommand: Command = {
  name: 'run',
  usage: 'PIPELINE',
  summary: 'Runs a pipeline until its input ends; run again, it goes on where it was.',
  details:
    'All of a run is kept in DIR/RUN: shards in shards/, the feed in feed/. The first SIGINT or SIGTERM finishes what was read and stops; the second stops at once; neither loses anything.',
  outlivesReader: true,
  options: {
    input: {
      value: 'GLOB',
      multiple: true,
      help: "reads these files (quote a glob) or this folder of text instead of the pipeline's own input; repeatable",
    },
    dir: { value: 'DIR', help: 'folder of all runs (default .headrace)' },
    run: { value: 'RUN', help: "name of the run (default the pipeline's name)" },
    follow: { help: 'waits for further files instead of ending' },
    log: { value: 'URL', help: "where the run's log is: kafka://HOST:PORT[,HOST:PORT] (default in the run's folder)" },
    'log-config': { value: 'FILE', help: "client properties for it, as Kafka's own tools take them (sasl.*, ssl.*)" },
    partitions: { value: 'N', help: 'partitions of each topic of slots, for a new run on Kafka (default 1)' },
    spread: { help: 'makes a new run one that several processes share: start the same command in each' },
    ...shareOptions,
    'keep-slots': {
      value: 'N',
      help: 'trims slots that the run needs no more, but for the last N, of which look, trace and the like tell (default all)',
    },
    upgrade: { help: 'lets a changed pipeline take effect from here on: what was decided stays as it is' },
    drain: { help: 'finishes what was read before, reads nothing more, and stops' },
    workers: { value: 'N', help: 'worker threads (default one a core)' },
    ...watchOptions,
    report: { value: 'FILE', help: 'writes a page of the run at its end, as headrace report --html does' },
    json: { help: 'ends with one line of JSON; progress goes to standard error' },
  },
  run: async (args, terminal) => {
    const ref = referTo(args.positionals[0], args.texts('input'), args.flag('follow'))
    const page = readPageOption(args)
    const finished = await runModule(ref, args, terminal)
    await showEnd(finished, args.flag('json'), terminal)
    if (page) await writePage(finished, page, args, terminal)
    const nothing = finished.isWorker ? null : await explainNothing(finished.dir, finished.place, finished.figures)
    if (nothing !== null) {
      terminal.err.write(`headrace run: ${printable(nothing)}\n`)
      return 65
    }
    return finished.isStopped && !args.flag('drain') ? 130 : 0
  },
}

/** The page that is asked for; null where none is. Throws 'bad-option' in a process that will not have the run's folder. */
function readPageOption(args: ParsedArgs): ReportOrder | null {
  const file = args.text('report')
  if (file === undefined) return null
  const isWorker = parseStages(args.text('stages'))?.every(stage => stage === 'annotate')
  if (file !== '' && !isWorker) return pageAlone(file)
  const why = file === '' ? 'is empty: it takes a file' : "needs the run's folder: give it where the run is decided"
  throw new HeadraceError('bad-option', `--report ${why}. See: headrace run --help`)
}

async function writePage({ dir, isLogged }: FinishedRun, page: ReportOrder, args: ParsedArgs, terminal: Terminal) {
  const { out, err } = terminal
  await using run = await openRunAt(dir, args)
  const silent = { write: () => true }
  await tellReportFiles(run, dirname(dir), page, { err, out: isLogged ? silent : args.flag('json') ? err : out })
}

/** A run that ended or was stopped. */
export interface FinishedRun {
  readonly dir: string
  /** Where its log is; null for a new run whose log is in its folder. */
  readonly place: LogPlace | null
  readonly plan: Plan
  readonly figures: Figures
  readonly summary: Summary
  /** The fields that the source's options name and no document has, in sentences. */
  readonly missingFields: readonly string[]
  /** What the feed does not give; null where there is none. */
  readonly unfed: Unfed | null
  readonly isStopped: boolean
  /** Whether it annotated only, and has no folder of the run. */
  readonly isWorker: boolean
  /** Whether standard error has lines of events alone. */
  readonly isLogged: boolean
}

/** What is run: a pipeline over its input, or over the slots of another run. */
interface Started {
  readonly ref: PipelineRef
  readonly replay: ReplayOptions | null
}

/** Runs a pipeline with the options of `run`, showing its progress. With `--log-format` it tells what ends it, and throws `Told`. */
export async function runModule(
  ref: PipelineRef,
  args: ParsedArgs,
  terminal: Terminal,
  replay: ReplayOptions | null = null,
): Promise<FinishedRun> {
  const log = openEventLog(args.text('log-format'), line => terminal.err.write(line))
  try {
    return await runWatched({ ref, replay }, args, terminal, log)
  } catch (error) {
    if (!log) throw error
    log.stop()
    const { code, exit, retry, message } = judgeError(error, 'headrace run')
    log.tell('error', 'error', { code, exit, retry, message })
    throw new Told(exit)
  } finally {
    log?.stop()
  }
}

async function runWatched({ ref, replay }: Started, args: ParsedArgs, terminal: Terminal, log: EventLog | null) {
  const stages = parseStages(args.text('stages'))
  const workers = args.count('workers', Math.max(1, availableParallelism()), 1, 512)
  const plan = await loadPlan(ref)
  const name = checkName(args.text('run') ?? plan.name)
  const dir = join(args.text('dir') ?? '.headrace', name)
  // A process that does not load need not see the input, and one that only annotates not the folder either.
  const loads = stages?.includes('load') ?? true
  const isWorker = stages?.every(stage => stage === 'annotate') ?? false
  const place = await placeLog(dir, args)
  if (loads && !replay) await checkInput(plan, dir)
  await using watching = await watchRun(args, terminal, log, dir)
  log?.tell('info', 'starting', { dir, workers, pid: process.pid, version: readVersion() })
  if (!isWorker)
    await makeFolder(dir).catch(error => {
      throw refuseFolder(dir, error)
    })
  const started = performance.now()
  const cpu = process.cpuUsage()
  const { display } = watching
  const onFirst = () => display.note('headrace: finishing what was read; once more stops at once')
  const drain = stopOnSignal(onFirst, { atOnce: () => display.stop(), isBegun: args.flag('drain') })
  const watch: Watch = event => {
    watching.watch(event)
    if (event.kind === 'stage-began' && !replay && loaders.includes(event.stage) && !isEnded([event]))
      showInput(plan, watching)
  }
  let figures: Figures
  const note = (text: string) => (log ? log.tell('warn', 'note', { text }) : watching.display.note(`headrace: ${text}`))
  for (const step of plan.steps) if ('annotator' in step) step.annotator.notes?.forEach(note)
  try {
    figures = await runPipeline(plan, pinCode(ref), {
      dir,
      workers,
      drain: drain.signal,
      isUpgrade: args.flag('upgrade'),
      log: place?.log ?? undefined,
      logConfig: place?.logConfig ?? undefined,
      partitions: args.count('partitions', 1, 1, 1024),
      spread: args.flag('spread'),
      state: args.text('state'),
      keepSlots: args.text('keep-slots') === undefined ? null : args.count('keep-slots', 0, 0),
      note,
      replay: replay && { ...replay, note },
      watch,
      ...(stages && { stages }),
    })
  } finally {
    watching.display.stop()
    drain.end()
  }
  const used = process.cpuUsage(cpu)
  const seconds = roundToMs((performance.now() - started) / 1000)
  const cpuSeconds = roundToMs((used.user + used.system) / 1e6)
  const { passedOver } = figures
  const summary = { ...summaryOf(name, figures), seconds, cpuSeconds, ...(passedOver && { passedOver }) }
  const isStopped = drain.signal.aborted
  const unfed =
    plan.feed && !isWorker ? await findUnfed(join(dir, 'feed'), Object.keys(figures.shard.tokensByDomain)) : null
  const missingFields = isWorker ? [] : explainFields(plan, figures)
  if (log) tellEnd(log, { figures, missingFields, unfed, isStopped }, seconds)
  return { dir, place, plan, figures, summary, missingFields, unfed, isStopped, isWorker, isLogged: log !== null }
}

/** The stages of which one loads; `annotate` where no process loads alone. */
const loaders: readonly StageName[] = ['load', 'annotate']

/** Only shown: a run does not wait for it, and whoever reads the input says what is wrong with it. */
function showInput({ source }: Plan, { watch }: Pick<RunWatch, 'watch'>): void {
  source.bytes?.().then(
    bytes => watch({ kind: 'input', bytes }),
    () => {},
  )
}

type End = Pick<FinishedRun, 'figures' | 'missingFields' | 'unfed' | 'isStopped'>

function tellEnd(log: EventLog, { figures, missingFields, unfed, isStopped }: End, seconds: number): void {
  log.stop()
  if (figures.laterSplits) log.tell('warn', 'late-files', { files: figures.laterSplits })
  if (missingFields.length > 0) log.tell('warn', 'missing-fields', { fields: missingFields })
  if (unfed && unfed.missing.length + unfed.tokens > 0) {
    const { tokens, missing, present } = unfed
    log.tell('warn', 'unfed', { tokens, missing, present: present.slice(0, domainsTold) })
  }
  log.tell('info', isStopped ? 'drained' : 'ended', { ...fieldsOf(figures), seconds })
}

/** Domains that a line of the event log names. */
const domainsTold = 20

const roundToMs = (seconds: number) => Math.round(seconds * 1000) / 1000

/** Shows how a run ended. */
export async function showEnd(finished: FinishedRun, isJson: boolean, terminal: Terminal): Promise<void> {
  const { dir, plan, figures, summary, missingFields, unfed, isStopped, isWorker, isLogged } = finished
  const { laterSplits, steps } = figures
  if (laterSplits && !isLogged) {
    const files = laterSplits === 1 ? 'a file' : `${laterSplits} files`
    const advice = 'begin another with --run NAME to read all'
    terminal.err.write(`headrace run: this run had ended before ${files} of its input came; ${advice}\n`)
  }
  if (!isLogged) for (const missed of missingFields) terminal.err.write(`headrace run: ${printable(missed)}\n`)
  if (isJson) {
    terminal.out.write(
      `${JSON.stringify({ ...summary, ...(missingFields.length > 0 && { missingFields }), ...(unfed && { feed: unfed }) })}\n`,
    )
    return
  }
  printSummary(summary, figures, dir, terminal)
  if (isWorker) return
  const from = plan.feed ? trimmedStep(await readTrim(join(dir, 'feed'))) : 0
  if (plan.feed && steps > from) await showFirstSteps(readFeed(join(dir, 'feed'), { from }), steps - from, terminal)
  else if (plan.feed && steps === 0) {
    const tokens = formatCount(plan.feed.length * plan.feed.batch)
    terminal.out.write(`\nno step of the feed${unfed?.ended ? '' : ' yet'}: a step has ${tokens} tokens\n`)
  }
  if (unfed) terminal.out.write(describeUnfed(unfed))
  if (isStopped) terminal.out.write('\nStopped: the same command goes on from here.\n')
  const where = dirname(dir) === '.headrace' ? '' : ` --dir ${dirname(dir)}`
  terminal.out.write(`\nheadrace look${where} shows why, headrace trace ID${where} one document's whole way.\n`)
}

/** Where the log of a run is that was begun, or is to be on brokers. Its own file may be somebody else's word. */
async function placeLog(dir: string, args: ParsedArgs): Promise<LogPlace | null> {
  // What is wrong with the folder is said when it is made.
  const known = await readRunFile(dir).catch(() => null)
  if (known) return choosePlace(dir, known, args)
  const [log, logConfig = null] = [args.text('log'), args.text('log-config')]
  if (log === undefined) return null
  await rememberPlace({ log, logConfig })
  return { log, logConfig }
}

/** Input that is not there is refused before a run remembers it. One that goes on compares it with what it has read. */
async function checkInput({ source }: Plan, dir: string): Promise<void> {
  if (source.options.follow === true) return
  // What is wrong with the folder is said when it is made.
  if (await readRunFile(dir).catch(() => null)) return
  for await (const _ of source.splits(new AbortController().signal)) break
}

function parseStages(list: string | undefined): StageName[] | null {
  if (list === undefined) return null
  const names = list.split(',')
  const wrong = names.find(name => !stageNames.includes(name as StageName))
  if (wrong === undefined) return stageNames.filter(name => names.includes(name))
  throw new HeadraceError('bad-option', `--stages has '${wrong}'; it takes a list of ${stageNames.join(', ')}`)
}

function checkName(name: string): string {
  if (/^[A-Za-z0-9][\w.-]{0,99}$/.test(name)) return name
  throw new HeadraceError(
    'bad-option',
    `--run is '${name}'; a run's name has letters, digits, '.', '_' and '-', at most 100`,
  )
}

/** A folder that can't be made, for another reason than a full or broken disk, is a wrong option. */
function refuseFolder(dir: string, error: unknown): unknown {
  const code = systemCodeOf(error)
  return error instanceof HeadraceError
    ? error
    : new HeadraceError('bad-option', `the folder ${dir} can't be made (${code}): name another with --dir`, error)
}
