import { basename, join } from 'node:path'
import type { LockHolder } from '../disk/lock.ts'
import { HeadraceError } from '../errors.ts'
import { type Diagnosis, type Examination, examineRun, type StageState, type Tail } from '../inspect/doctor.ts'
import { describeTrip } from '../record/hold.ts'
import type { RunReader } from '../record/run-reader.ts'
import { type Admission, admit, placeRun, type Start } from '../run/admit.ts'
import { judgeText } from '../run/text-tables.ts'
import { statePath } from '../verify/state.ts'
import { type Command, runOptions } from './command.ts'
import { openRun } from './find-run.ts'
import { loadPlan, nameStart, referTo } from './load-plan.ts'
import { formatBytes, formatCount, formatPlural } from './table.ts'
import { cleanName, cleanPath, formatPairs, pageWidth, printable, wrapText } from './wrap.ts'

export const doctorCommand: Command = {
  name: 'doctor',
  usage: '[PIPELINE]',
  summary: 'Explains what a start of a run would find and do, and does nothing.',
  details:
    'It reads what the run has recorded. PIPELINE is the file of the pipeline, whose code it loads, to say also whether that and its input are still those of the run. Whether the bytes of the run are whole, verify says.',
  options: {
    ...runOptions,
    input: { value: 'GLOB', multiple: true, help: 'explains a start with this input (default what the run has)' },
    json: { help: 'prints one line of JSON' },
  },
  run: async (args, terminal) => {
    await using run = await openRun(args, terminal)
    if (run.run.recall && args.positionals.length > 0)
      throw new HeadraceError(
        'bad-option',
        `${run.dir} is a recall, whose pipeline is made by headrace enrich: that command says what differs from how it was begun`,
      )
    const input = args.texts('input').length ? args.texts('input') : run.run.input
    const asked = await ask(run, args.positionals[0], input)
    const examined = await examineRun(run, asked.start?.plan ?? null)
    const { found } = examined
    const outcome = foresee(run, asked, examined)
    const { obstacle, upgrade } = outcome
    const command = run.run.replays
      ? `headrace ${run.run.recall ? 'enrich' : 'replay'} ${cleanPath(join(run.dir, run.run.replays.dir))}`
      : nameStart(input)
    const next = `${command} would ${describeNext(found, outcome)}${asked.isNamed ? '' : leftOut}`
    const name = basename(run.dir)
    if (args.flag('json')) {
      const foreseen = { refusal: obstacle?.message ?? null, exit: obstacle?.exit ?? 0, upgrade }
      terminal.out.write(`${JSON.stringify({ run: name, ...found, ...foreseen, next })}\n`)
    } else {
      const width = pageWidth(terminal)
      terminal.out.write(`run ${name} in ${run.dir}\n\n${printable(formatPairs(describe(found), width))}`)
      terminal.out.write(`\n${wrapText(printable(next), width).join('\n')}\n`)
    }
  },
}

/** What is added where no pipeline was named. */
const leftOut = ' That is with the pipeline and the input as they were: headrace doctor PIPELINE compares them.'

/** The start that is explained, or why its pipeline can't be loaded. */
interface Asked {
  readonly isNamed: boolean
  readonly start: Start | null
  readonly failure: HeadraceError | null
}

async function ask({ dir, run }: RunReader, file: string | undefined, input: readonly string[]): Promise<Asked> {
  if (file === undefined) return { isNamed: false, start: null, failure: null }
  try {
    const ref = referTo(file, input)
    const { replays, base } = run
    const place = { ...placeRun(dir, run, {}), ...(replays && { replays }), ...(base && { base }) }
    const start = { dir, plan: await loadPlan(ref), ref, place }
    return { isNamed: true, start, failure: null }
  } catch (error) {
    if (error instanceof HeadraceError) return { isNamed: true, start: null, failure: error }
    throw error
  }
}

interface Outcome {
  /** What the start would be ended by, or null. */
  readonly obstacle: HeadraceError | null
  /** Of a changed pipeline, the slot at which it would take effect with --upgrade, or what that would be refused for. */
  readonly upgrade: { readonly from: number | null; readonly refusal: string | null } | null
}

/** What ends a start, in the order in which it meets that. */
function foresee({ dir, run }: RunReader, { start, failure }: Asked, examined: Examination): Outcome {
  const { before, broken, behind, standing } = examined
  const admission = start && admit(start, run, null)
  const first = failure ?? before ?? judgeText(dir, run)
  if (first || admission?.kind !== 'refused') return { obstacle: first ?? broken ?? behind, upgrade: null }
  const upgraded = standing && admit(start!, run, standing)
  return { obstacle: admission.error, upgrade: describeUpgrade(upgraded, broken ?? behind) }
}

/** A slot that is held is decided by the new pipeline then. */
function describeUpgrade(upgraded: Admission | null, behind: HeadraceError | null): Outcome['upgrade'] {
  const obstacle = behind?.code === 'guard-rail' ? null : behind
  const refusal = upgraded?.kind === 'refused' ? upgraded.error : obstacle
  if (refusal) return { from: null, refusal: refusal.message }
  return upgraded?.kind === 'upgrade' ? { from: upgraded.run.segments.at(-1)!.from, refusal: null } : null
}

type Row = readonly [name: string, text: string | false]

function describe(found: Diagnosis): [string, string][] {
  const { stages, tails, stateSlots, open, leftovers, feed, lostSteps, input, disk, hold } = found
  const isKnown = stages.length > 0
  const rows: Row[] = [
    ['lock', describeHolder(found.holder)],
    [
      'id',
      found.id === null && 'none, as an older version began the run: files of another run are not told from its own',
    ],
    ...stages.map((stage): Row => [stage.stage, describeStage(stage)]),
    ...tails.map((tail): Row => ['log', describeTail(tail)]),
    ['tables', isKnown && stateSlots !== null && describeTables(stateSlots, stages[1].slots)],
    [
      'shards',
      open.slots > 0 && `${formatPlural(open.slots, 'slot')} from slot ${open.from} on are filled into shards again`,
    ],
    ['left over', isKnown && leftovers.length > 0 && `${leftovers.join(', ')}: written again or of no use`],
    ['feed', lostSteps > 0 && `head.json is gone, and ${formatPlural(lostSteps, 'step')} were published`],
    ['feed', feed !== null && describeFeed(feed)],
    ['input', isKnown && describeInput(input)],
    ['disk', describeDisk(disk)],
    ['guard', hold !== null && describeHold(hold)],
    ['refers to', found.references.to !== null && `the rows of ${cleanPath(found.references.to)}`],
    ['referred', found.references.by.length > 0 && describeReferrers(found.references.by)],
    ['dead', describeDead(found)],
  ]
  return rows.flatMap(([name, text]) => (text === false ? [] : [[name, text]]))
}

function describeStage({ slots, behind, isEnded }: StageState): string {
  const lag = behind ? `, ${formatCount(behind)} behind` : ''
  return formatPlural(slots, 'slot') + (isEnded ? ', ended' : lag)
}

function describeTail({ file, at, bytes, isDamage }: Tail): string {
  const what = isDamage ? 'damaged' : 'no whole commit and are left behind'
  return `${file}: ${formatPlural(bytes, 'byte')} from byte ${at} on are ${what}`
}

function describeReferrers(by: readonly string[]): string {
  return `by ${by.map(cleanPath).join(', ')}: no slot is trimmed, and the run is not to be moved or removed`
}

function describeHold({ slot, trips, isReleased }: NonNullable<Diagnosis['hold']>): string {
  return `slot ${slot} is held, ${isReleased ? 'released since' : 'not released'}\n${trips.map(describeTrip).join('\n')}`
}

function describeDead({ dead, stages }: Diagnosis): string | false {
  const counts = Object.entries(dead).map(([reason, n]) => `${cleanName(reason)} ${formatCount(n)}`)
  const again = stages[0]?.isEnded ? 'headrace redrive --into NAME reads them' : 'headrace redrive reads them again'
  return counts.length > 0 && `${counts.join(', ')}: ${again}`
}

function describeHolder(holder: LockHolder | null): string {
  if (!holder) return 'held by nobody'
  const { pid, host, state } = holder
  const states = {
    alive: 'which runs',
    dead: 'which is gone: a start takes it over',
    unseen: 'in another container or machine of this name, which was at work within seconds',
    remote: 'another machine',
  }
  return `held by process ${pid} on ${host}, ${states[state]}`
}

function describeTables(slots: number, decided: number): string {
  if (slots > decided) return `${statePath} holds slots before ${slots}, and the log only those before ${decided}`
  return slots === decided
    ? `${statePath} holds all ${formatPlural(slots, 'decided slot')}`
    : `${statePath} holds ${formatPlural(slots, 'slot')}: ${formatPlural(decided - slots, 'slot')} from ${slots} on are entered again`
}

function describeFeed({ steps, isEnded, tailLines }: NonNullable<Diagnosis['feed']>): string {
  const published = `${formatPlural(steps, 'step')} published${isEnded ? ', ended' : ''}`
  if (!tailLines) return published
  return `${published}; ${formatPlural(tailLines, 'line')} behind them are not published and are written again`
}

/** Names of files that are shown. */
const namesMax = 3

function describeInput({ splits, missing, changed, fresh, unchecked }: Diagnosis['input']): string {
  const recorded = `${formatPlural(splits, 'file')} recorded`
  if (unchecked !== null) return `${recorded}, not compared: ${unchecked}`
  const some = (what: string, names: readonly string[]) => {
    const shown = [...names.slice(0, namesMax).map(cleanPath), ...(names.length > namesMax ? ['...'] : [])]
    return names.length > 0 ? `${formatCount(names.length)} ${what} (${shown.join(', ')})` : ''
  }
  const parts = [some('changed', changed), some('missing', missing), fresh ? `${formatCount(fresh)} new` : '']
  return `${recorded}, ${parts.filter(Boolean).join(', ') || 'all as they were'}`
}

function describeDisk({ freeBytes, runBytes, readBytes, perByteRead }: Diagnosis['disk']): string {
  const free = `${formatBytes(freeBytes)} free; the run has ${formatBytes(runBytes)}`
  if (!perByteRead) return free
  return `${free} for ${formatBytes(readBytes)} read, so there is room for ${formatBytes(freeBytes / perByteRead)} of input more`
}

/** What a start would do next, in words that go on from "would". */
function describeNext(
  { stages, hold, feed, lostSteps, input, stateSlots, open }: Diagnosis,
  { obstacle, upgrade }: Outcome,
): string {
  if (hold && obstacle?.code === 'guard-rail')
    return `stop again at slot ${hold.slot}, with exit status ${obstacle.exit}, until it is released.`
  if (obstacle) return `be refused: ${obstacle.message}.${sayUpgrade(upgrade)}`
  const [annotate, decide] = stages
  const later = annotate.isEnded && input.fresh ? ` ${sayLater(input.fresh)}` : ''
  if (lostSteps > 0) return `publish the ${formatPlural(lostSteps, 'step')} of its feed again.${later}`
  if (stages.every(stage => stage.isEnded) && (feed === null || feed.isEnded))
    return `find that the run has ended, and return at once.${later}`
  const lag = stateSlots === null ? 0 : decide.slots - stateSlots
  const doing = [
    lag > 0 ? `enter ${formatPlural(lag, 'slot')} into the tables again` : '',
    decide.behind > 0 ? `decide the ${formatPlural(decide.behind, 'slot')} that are measured` : '',
    open.slots > 0 ? `fill shards again from slot ${open.from}` : '',
    annotate.isEnded ? 'finish the run' : `read on at slot ${annotate.slots}`,
  ].filter(Boolean)
  return `${doing.length > 1 ? `${doing.slice(0, -1).join(', ')} and ${doing.at(-1)}` : doing[0]}.${later}`
}

function sayUpgrade(upgrade: Outcome['upgrade']): string {
  if (!upgrade) return ''
  return upgrade.refusal === null
    ? ` With --upgrade the change would take effect at slot ${upgrade.from}.`
    : ` With --upgrade it would be refused, too: ${upgrade.refusal}.`
}

function sayLater(files: number): string {
  return `It would leave out ${files === 1 ? 'a file' : `${formatCount(files)} files`} of its input that came after the end: begin another with --run NAME to read all.`
}
