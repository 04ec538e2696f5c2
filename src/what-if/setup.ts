import { documentFields } from '../batch/contract.ts'
import { checkBuiltInOption, makeBuiltIn } from '../decide/built-in.ts'
import type { Decider } from '../decide/decider.ts'
import { HeadraceError } from '../errors.ts'
import { refuseName } from '../options.ts'
import type { RecordedReasons } from '../record/reasons.ts'
import type { Change } from './change.ts'
import { changeRules, type RuleSetup } from './change-rules.ts'

/** What decides a document: its rules, and the deciders. */
export interface Setup extends RuleSetup {
  readonly deciders: readonly Decider[]
}

/** What a segment of a run has recorded. Throws 'bad-option' where a decider is not Headrace's own, or none are recorded. */
export function recordedSetup(recorded: RecordedReasons | undefined): Setup {
  if (!recorded?.deciders) throw refuseOlder()
  const { steps, rules } = recorded
  const deciders = recorded.deciders.map(({ name, version, options }) => {
    const made = makeBuiltIn(name, options)
    if (made?.version === version) return made
    const what = made
      ? `version ${version} of '${name}', and this Headrace has ${made.version}`
      : `the decider '${name}', which is not Headrace's own`
    throw new HeadraceError(
      'bad-option',
      `this run was decided by ${what}: add the pipeline's file, as in headrace what-if RUN PIPELINE`,
    )
  })
  return { steps, rules, deciders }
}

/** The error of a run that does not say what decided it. */
export function refuseOlder(): HeadraceError {
  return new HeadraceError(
    'bad-option',
    "this run was begun by an older version and says not what decided it: add the pipeline's file, as in headrace what-if RUN PIPELINE",
  )
}

/** The setup with a change. Throws 'bad-option' for a column that nothing measures, or a value that a decider does not take. */
export function changeSetup(setup: Setup, { overrides, deciders }: Change): Setup {
  for (const column of Object.keys(overrides)) checkColumn(setup, column)
  return { ...changeRules(setup, overrides), deciders: changeDeciders(setup, deciders) }
}

/** The columns that a run has of each document, in the order of writing. */
export function columnsOf({ steps }: Pick<Setup, 'steps'>): string[] {
  const written = steps.flatMap(step => ('writes' in step ? step.writes : []))
  return [...new Set([...documentFields.map(field => field.name), ...written])]
}

function checkColumn(setup: Setup, column: string): void {
  const known = columnsOf(setup)
  if (!known.includes(column)) throw new HeadraceError('bad-option', refuseName('the run has no column', column, known))
}

function changeDeciders(setup: Setup, changes: Change['deciders']): Decider[] {
  const changed = setup.deciders.flatMap(decider => {
    const change = changes.get(decider.name)
    if (change === null) return []
    return [change ? remake(decider.name, decider.options, change) : decider]
  })
  const known = new Set(setup.deciders.map(decider => decider.name))
  const added = [...changes].filter(([name]) => !known.has(name))
  const made = added.map(([name, change]) => {
    if (change) return remake(name, {}, change)
    const names = [...known]
    throw new HeadraceError('bad-option', refuseName('the run has no decider', name, names))
  })
  const columns = new Set(columnsOf(setup))
  for (const { name, reads } of made) {
    const missing = reads.find(column => !columns.has(column))
    if (missing)
      throw new HeadraceError(
        'bad-option',
        `${name} reads '${missing}', which the run has not measured: a replay measures it`,
      )
  }
  return [...changed, ...made]
}

function remake(name: string, options: Readonly<Record<string, unknown>>, change: Readonly<Record<string, unknown>>) {
  for (const [option, value] of Object.entries(change)) checkBuiltInOption(name, option, value)
  return makeBuiltIn(name, { ...options, ...merge(options, change) })!
}

/** Values that are records are joined: `balance.rates.code=0.5` leaves the other domains' rates. */
function merge(options: Readonly<Record<string, unknown>>, change: Readonly<Record<string, unknown>>) {
  const isRecord = (value: unknown): value is object =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
  const joined = Object.entries(change).map(([option, value]) => {
    const before = options[option]
    return [option, isRecord(value) && isRecord(before) ? { ...before, ...value } : value]
  })
  return Object.fromEntries(joined)
}
