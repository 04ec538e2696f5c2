import { basename } from 'node:path'
import type { LockHolder } from '../disk/lock.ts'
import { HeadraceError } from '../errors.ts'
import { type Diagnosis, diagnoseRun, type InputState } from '../inspect/doctor.ts'
import type { Plan } from '../pipeline/plan.ts'
import { describeTrip } from '../record/hold.ts'
import type { RunFile } from '../record/run-file.ts'
import { statePath } from '../verify/state.ts'
import { type Command, runOptions } from './command.ts'
import { openRun } from './find-run.ts'
import { loadPlan, referToRun } from './load-plan.ts'
import { formatBytes, formatCount, formatPlural } from './table.ts'
import { formatPairs, pageWidth, printable, wrapText } from './wrap.ts'

export const doctorCommand: Command = {
  name: 'doctor',
  usage: '',
  summary: 'Explains what a start of a run would find and do, and does nothing.',
  details: 'Whether the bytes of the run are whole, verify says.',
  positionals: { min: 0, max: 0 },
  options: { ...runOptions, json: { help: 'prints one line of JSON' } },
  run: async (args, terminal) => {
    await using run = await openRun(args, terminal)
    const diagnosis = await diagnoseRun(run, await tryPlan(run.run))
    const next = describeNext(diagnosis)
    if (args.flag('json')) terminal.out.write(`${JSON.stringify({ run: basename(run.dir), ...diagnosis, next })}\n`)
    else {
      const width = pageWidth(terminal)
      terminal.out.write(
        `run ${basename(run.dir)} in ${run.dir}\n\n${printable(formatPairs(describe(diagnosis), width))}`,
      )
      terminal.out.write(`\n${wrapText(printable(next), width).join('\n')}\n`)
    }
    return 0
  },
}

/** The pipeline as it is now, or why it can't be loaded. */
async function tryPlan(run: RunFile): Promise<Plan | string> {
  try {
    return await loadPlan(referToRun(run))
  } catch (error) {
    if (error instanceof HeadraceError) return error.message
    throw error
  }
}

function describe(found: Diagnosis): [string, string][] {
  const rows: [string, string][] = [['lock', describeHolder(found.holder)]]
  for (const { stage, slots, behind, isEnded } of found.stages)
    rows.push([
      stage,
      `${formatPlural(slots, 'slot')}${isEnded ? ', ended' : behind ? `, ${formatCount(behind)} behind` : ''}`,
    ])
  for (const { file, at, bytes, isDamage } of found.tails)
    rows.push([
      'log',
      `${file}: ${formatPlural(bytes, 'byte')} from byte ${at} on are ${isDamage ? 'damaged' : 'no whole commit and are left behind'}`,
    ])
  const decided = found.stages[1]?.slots ?? 0
  const isKnown = found.stages.length > 0
  if (isKnown && found.stateSlots !== null) rows.push(['tables', describeTables(found.stateSlots, decided)])
  if (found.open.slots > 0)
    rows.push([
      'shards',
      `${formatPlural(found.open.slots, 'slot')} from slot ${found.open.from} on are filled into shards again`,
    ])
  if (isKnown && found.leftovers.length)
    rows.push(['left over', `${found.leftovers.join(', ')}: written again or of no use`])
  if (found.feed) rows.push(['feed', describeFeed(found.feed)])
  if (isKnown) rows.push(['input', describeInput(found.input)])
  rows.push(['disk', describeDisk(found.disk)])
  if (found.hold) {
    const state = found.hold.isReleased ? 'released since' : 'not released'
    rows.push(['guard', `slot ${found.hold.slot} is held, ${state}\n${found.hold.trips.map(describeTrip).join('\n')}`])
  }
  const dead = Object.entries(found.dead)
  const again = found.stages[0]?.isEnded
    ? 'headrace redrive --into NAME reads them'
    : 'headrace redrive reads them again'
  if (dead.length)
    rows.push(['dead', `${dead.map(([reason, n]) => `${reason} ${formatCount(n)}`).join(', ')}: ${again}`])
  return rows
}

function describeHolder(holder: LockHolder | null): string {
  if (!holder) return 'held by nobody'
  const { pid, host, state } = holder
  const states = { alive: 'which runs', dead: 'which is gone: a start takes it over', remote: 'another machine' }
  return `held by process ${pid} on ${host}, ${states[state]}`
}

function describeTables(slots: number, decided: number): string {
  if (slots > decided) return `${statePath} holds slots before ${slots}, and the log only those before ${decided}`
  return slots === decided
    ? `${statePath} holds all ${formatPlural(slots, 'decided slot')}`
    : `${statePath} holds ${formatPlural(slots, 'slot')}: ${formatPlural(decided - slots, 'slot')} from ${slots} on are entered again`
}

function describeFeed({ steps, isEnded, tailLines }: NonNullable<Diagnosis['feed']>): string {
  const tail = tailLines
    ? `; ${formatPlural(tailLines, 'line')} behind them are not published and are written again`
    : ''
  return `${formatPlural(steps, 'step')} published${isEnded ? ', ended' : ''}${tail}`
}

/** Names of files that are shown. */
const namesMax = 3

function describeInput({ splits, missing, changed, fresh, unchecked }: InputState): string {
  if (unchecked !== null) return `${formatPlural(splits, 'file')} recorded, not compared: ${unchecked}`
  const some = (what: string, names: readonly string[]) =>
    names.length
      ? [
          `${formatCount(names.length)} ${what} (${names.slice(0, namesMax).join(', ')}${names.length > namesMax ? ', ...' : ''})`,
        ]
      : []
  const parts = [
    ...some('changed', changed),
    ...some('missing', missing),
    ...(fresh ? [`${formatCount(fresh)} new`] : []),
  ]
  return `${formatPlural(splits, 'file')} recorded, ${parts.length ? parts.join(', ') : 'all as they were'}`
}

function describeDisk({ freeBytes, runBytes, readBytes, perByteRead }: Diagnosis['disk']): string {
  const free = `${formatBytes(freeBytes)} free; the run has ${formatBytes(runBytes)}`
  if (!perByteRead) return free
  return `${free} for ${formatBytes(readBytes)} read, so there is room for ${formatBytes(freeBytes / perByteRead)} of input more`
}

/** What `headrace run` would do next, in a sentence. */
function describeNext(found: Diagnosis): string {
  const { holder, stages, hold, feed, stateSlots, open } = found
  if (holder && holder.state !== 'dead')
    return `headrace run would be refused: process ${holder.pid} on ${holder.host} ${holder.state === 'alive' ? 'is at work on the run' : 'holds it; if that machine is gone for good, delete the file lock'}.`
  const damage = found.tails.find(tail => tail.isDamage)
  if (damage)
    return `headrace run would be refused: ${damage.file} is damaged at byte ${damage.at}; headrace verify says what else is.`
  if (found.refusal) return `headrace run would be refused: ${found.refusal}.`
  if (hold && !hold.isReleased)
    return `headrace run would stop again at slot ${hold.slot}, with exit status 3, until it is released.`
  const decided = stages[1].slots
  if (stateSlots !== null && stateSlots > decided)
    return 'headrace run would be refused: the tables are ahead of the log; delete the folder state to rebuild them from it.'
  if (stages.every(stage => stage.isEnded) && (feed === null || feed.isEnded))
    return 'headrace run would find that the run has ended, and return at once.'
  const lag = stateSlots === null ? decided : decided - stateSlots
  const doing = [
    lag > 0 && stateSlots !== null ? `enter ${formatPlural(lag, 'slot')} into the tables again` : '',
    stages[1].behind > 0 ? `decide the ${formatPlural(stages[1].behind, 'slot')} that are measured` : '',
    open.slots > 0 ? `fill shards again from slot ${open.from}` : '',
    stages[0].isEnded ? 'finish the run' : `read on at slot ${stages[0].slots}`,
  ].filter(Boolean)
  return `headrace run would ${doing.length > 1 ? `${doing.slice(0, -1).join(', ')} and ${doing.at(-1)}` : doing[0]}.`
}
