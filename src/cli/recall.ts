import { join, relative } from 'node:path'
import { HeadraceError } from '../errors.ts'
import type { Plan } from '../pipeline/plan.ts'
import { checkRun, findEarlier } from '../recall/check-run.ts'
import { findLine, type Line } from '../recall/line.ts'
import { drawRecalled } from '../recall/sample.ts'
import { openScorer, type Scorer } from '../recall/scorer.ts'
import { tallyRecall } from '../recall/tally.ts'
import type { Recalled } from '../record/recalled.ts'
import { type RunFile, readRunFile } from '../record/run-file.ts'
import type { RunReader } from '../record/run-reader.ts'
import type { PipelineRef } from '../run/measure/jobs.ts'
import { findDecided } from '../value/stored-columns.ts'
import type { ParsedArgs, Terminal } from './command.ts'
import { locateRun, openRunAt } from './find-run.ts'
import { loadPlan, referTo } from './load-plan.ts'
import { type RecallAsked, readRecallOptions } from './recall-options.ts'
import { describeNothing, describeTally, tallyJson } from './recall-tables.ts'
import { runModule } from './run.ts'
import { showParts } from './show-progress.ts'
import type { Summary } from './summary.ts'
import { formatCount, formatPlural } from './table.ts'
import { cleanName, pageWidth } from './wrap.ts'
import { writeWhole } from './write-whole.ts'

/** `headrace enrich RUN`. What can't be is said before any work; a recall that was begun goes on as it was. */
export async function recallRun(args: ParsedArgs, terminal: Terminal): Promise<number> {
  const asked = readRecallOptions(args)
  const of = await locateRun(args.positionals[0], args.text('dir'))
  const dir = join(args.text('dir') ?? '.headrace', asked.out)
  const begun = await prepare(of, { dir, asked, scorer: openScorer(asked.scorer), args, terminal })
  const { ref, recall, id, to } = begun
  const ordered = { ...ref, recall: { recall, of: id, scorer: asked.scorer } }
  const named: ParsedArgs = { ...args, text: name => args.text(name === 'run' ? 'out' : name) }
  const finished = await runModule(ordered, named, terminal, { of, to, recall })
  if (finished.isStopped) {
    terminal.err.write('headrace enrich: stopped: the same command goes on from here\n')
    return args.flag('drain') ? 0 : 130
  }
  return await showRecall(dir, asked, { ...begun, summary: finished.summary }, args, terminal)
}

/** What a recall is made with: of a new one the line is found now, and one that was begun says its own. */
interface Begun {
  readonly ref: PipelineRef
  readonly recall: Recalled
  /** Of the run that is recalled from, and the slots of it. */
  readonly id: string
  readonly to: number
  /** How the line was found, where that was now. */
  readonly found: Line | null
}

/** A recall that is asked for, and who is told. */
interface Asking {
  readonly dir: string
  readonly asked: RecallAsked
  readonly scorer: Scorer
  readonly args: ParsedArgs
  readonly terminal: Terminal
}

async function prepare(of: string, asking: Asking): Promise<Begun> {
  const { dir, asked, scorer, terminal } = asking
  await using run = await openRunAt(of, { text: () => undefined })
  const ref = referTo(pipelineOf(asked, run), run.run.input)
  const plan = await loadPlan(ref)
  checkRun(run, plan)
  checkSource(plan, asked)
  const known = await readRunFile(dir)
  const id = run.run.id!
  if (known) return { ref, id, ...goOn(dir, known, run, asked, scorer), found: null }
  const { to, isEnded } = await findDecided(run)
  if (to === 0) throw new HeadraceError('bad-option', `${run.dir} has decided no slot yet: there is nothing to recall`)
  if (!isEnded)
    terminal.err.write(
      `headrace enrich: ${run.dir} has not ended: its slots before ${to} are looked at, and what it keeps later may repeat what is recalled, which headrace unite leaves out\n`,
    )
  for (const what of notesOf(plan)) terminal.err.write(`headrace enrich: ${what}\n`)
  const after = await findEarlier(run, dir, folder => relative(dir, folder) || '.')
  const found = 'top' in asked.line ? await showLine(run, asked.line.top, to, asking) : null
  const recall: Recalled = {
    ...fixedOf(asked, scorer),
    line: found ? found.line : (asked.line as { minScore: number }).minScore,
    after,
  }
  return { ref, id, recall, to, found }
}

function pipelineOf({ pipeline }: RecallAsked, { dir, run }: RunReader): string {
  if (pipeline !== null) return pipeline
  throw new HeadraceError(
    'bad-option',
    `--pipeline FILE is missing: the file that ${dir} was made by, which says that it was ${cleanName(run.module, 300)}. A file that a run names is not loaded unasked`,
  )
}

/** What of the options a recall is fixed to, but for the line. */
function fixedOf({ line, caps, name }: RecallAsked, scorer: Scorer): Omit<Recalled, 'line' | 'after'> {
  const [{ sha256 }] = scorer.annotator.resources
  const top = 'top' in line ? { top: line.top } : {}
  return { name: name ?? scorer.name, model: sha256, column: scorer.column, ...top, ...caps }
}

/** Throws `bad-option` unless a recall that was begun is the one that is asked for. */
function goOn(
  dir: string,
  { recall, replays }: RunFile,
  { dir: of, run: { id } }: RunReader,
  asked: RecallAsked,
  scorer: Scorer,
): Pick<Begun, 'recall' | 'to'> {
  const refuse = (what: string) =>
    new HeadraceError('bad-option', `${what}: name another run with --out, or go on with it as it is`)
  if (!recall || !replays) throw refuse(`the run in ${dir} is no recall`)
  if (replays.id !== id) throw refuse(`the recall in ${dir} is of ${join(dir, replays.dir)}, and not of ${of}`)
  const fixed: Partial<Recalled> = fixedOf(asked, scorer)
  const now = 'minScore' in asked.line ? { ...fixed, line: asked.line.minScore } : fixed
  const names = ['name', 'model', 'column', 'top', 'perHost', 'perSource', 'source'] as const
  const all = recall.top === undefined && now.top === undefined ? ([...names, 'line'] as const) : names
  const changed = all.filter(name => recall[name] !== now[name])
  if (changed.length > 0) {
    const parts = changed.map(name => `${name} ${recall[name] ?? 'none'} and not ${now[name] ?? 'none'}`)
    throw refuse(`the recall in ${dir} was begun with ${parts.join(', ')}`)
  }
  return { recall, to: replays.to }
}

/** Throws `bad-option` where caps count a column that is no name. */
function checkSource({ fields }: Plan, { caps: { perSource, source } }: RecallAsked): void {
  const field = fields.find(({ name }) => name === source)
  if (perSource === undefined || field?.kind === 'utf8') return
  const known = fields.filter(({ name, kind }) => kind === 'utf8' && name !== 'text').map(({ name }) => name)
  const what = field ? 'holds no names' : 'is none of the pipeline'
  throw new HeadraceError(
    'bad-option',
    `--source is '${cleanName(source)}', which ${what}: it takes ${known.join(', ')}`,
  )
}

/** What the pipeline has that a recall does without. */
function notesOf({ deciders, guards, feed }: Plan): string[] {
  const idle = deciders.filter(({ tables }) => tables.length === 0).map(({ name }) => name)
  const notes: string[] = []
  if (deciders.length === idle.length)
    notes.push('the pipeline looks for no duplicates: copies of what the run keeps may be recalled')
  if (idle.length > 0)
    notes.push(`${idle.join(', ')}: of the deciders those alone have a part that look for duplicates`)
  if (guards.length > 0) notes.push('guard rails are of the pipeline: they do not hold a recall')
  if (feed?.mixture)
    notes.push('the mixture names domains of the pipeline: the feed of the recall has one domain, and none')
  return notes
}

async function showLine(
  run: RunReader,
  percent: number,
  to: number,
  { scorer, args, terminal: { out, err } }: Asking,
): Promise<Line> {
  const progress = { slots: 0, scored: 0 }
  const describe = () => [
    { rank: 0, text: `looking for the line: ${formatCount(progress.slots)} of ${formatPlural(to, 'slot')}` },
    { rank: 1, text: `${formatPlural(progress.scored, 'document')} scored` },
  ]
  const isQuiet = args.flag('json') || args.text('log-format') !== undefined
  const display = showParts(describe, isQuiet ? err : out, err)
  try {
    return await findLine(run, scorer, { percent, to }, progress)
  } finally {
    display.stop()
  }
}

/** Says what came of it. Nothing recalled is a failure, which says what there was. */
async function showRecall(
  dir: string,
  { sample }: RecallAsked,
  { found, summary }: Begun & { readonly summary: Summary },
  args: ParsedArgs,
  terminal: Terminal,
): Promise<number> {
  await using run = await openRunAt(dir, { text: () => undefined })
  const tally = await tallyRecall(run)
  if (sample && tally.recalled > 0) await writeWhole(sample.file, sampleLines(run, tally.recall, sample.count))
  if (args.flag('json'))
    terminal.out.write(`${JSON.stringify({ ...summary, recall: tallyJson(tally, { found, sample }) })}\n`)
  else terminal.out.write(describeTally(tally, { dir, found, sample }, pageWidth(terminal)))
  if (tally.recalled > 0) return 0
  terminal.err.write(`headrace enrich: ${describeNothing(tally, dir)}\n`)
  return 65
}

async function* sampleLines(run: RunReader, recall: Recalled, count: number): AsyncGenerator<string> {
  for await (const document of drawRecalled(run, recall, count)) yield `${JSON.stringify(document)}\n`
}
