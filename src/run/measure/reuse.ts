import type { Annotator } from '../../annotate/annotator.ts'
import type { Batch, Column } from '../../batch/batch.ts'
import { documentFields } from '../../batch/contract.ts'
import { missingColumn } from '../../batch/rows.ts'
import { canonicalJson } from '../../canonical-json.ts'
import { fingerprintColumns, fingerprintSource, originPrints } from '../../pipeline/fingerprint.ts'
import type { AnnotateStep, Plan } from '../../pipeline/plan.ts'
import { type RecordedStep, recordReasons } from '../../record/reasons.ts'

/** What a run has of rows: how its source made documents of records, and the steps that these rows went through. */
export interface MeasuredBefore {
  /** The source's fingerprint; none in a run of an older version, of which nothing is known to hold. */
  readonly origin: string | undefined
  readonly steps: readonly RecordedStep[]
  /** Their texts are not stored, or not of every slot. Default false. */
  readonly lacksTexts?: boolean
}

/** Whether rows of a plan have their texts whoever tokenizes them: these are stored, or a decider reads them. */
export const needsTexts = ({ storedText, deciders }: Plan) =>
  storedText === 'all' || deciders.some(({ reads }) => reads.includes('text'))

/** How a plan's columns are got for rows that were measured before. */
export interface Reuse {
  /** The plan, in which steps that need not be done again give what the column `storedName(column)` of a row has. */
  readonly plan: Plan
  /** Columns that are read back. */
  readonly stored: ReadonlySet<string>
  /** Columns of documents as they came in that are needed and not stored: their records must be read again. */
  readonly fromSource: ReadonlySet<string>
  readonly measured: readonly Measuring[]
  /** An inexact annotator is asked again what it has answered. */
  readonly isAskedAgain: boolean
}

/** An annotator that is called. `wasAsked`: the rows have been through it as it is, but what it gave is not stored. */
export interface Measuring {
  readonly annotator: Annotator
  readonly wasAsked: boolean
}

/** The column under which a batch carries what is stored of a column. */
export const storedName = (column: string) => `stored ${column}`

/** A column as one step leaves it; step -1 is the source. */
interface Version {
  readonly column: string
  readonly print: string
  readonly step: number
}

/**
 * Which steps of a plan are to be done for rows that were measured before: those that write something that is not stored and that a later
 * step, a gate or the end needs. Of a column that several steps write, only what the last of them left is stored. Without `wantsTexts` the end
 * needs no text that is the same as before.
 */
export function planReuse(plan: Plan, before: MeasuredBefore, wantsTexts = true): Reuse {
  const { steps, last } = listVersions(plan)
  const prints = storedPrints(before)
  const stale = new Set<number>()
  const isSame = ({ column, print, step }: Version) => prints.get(column) === print && !stale.has(step)
  const isStored = (version: Version) => isSame(version) && !(before.lacksTexts && version.column === 'text')
  const gated = plan.steps.flatMap((step, i) => ('gate' in step ? steps[i].reads : []))
  const isNeeded = (version: Version) => wantsTexts || version.column !== 'text' || !isSame(version)
  const findMeasured = () => goBack(steps, [...gated, ...last.filter(isNeeded)], isStored)
  const asked = new Set(before.steps.flatMap(step => ('writes' in step ? (step.prints ?? []) : [])))
  const wasAsked = (i: number) => steps[i].writes.some(({ print }) => asked.has(print))
  let found = findMeasured()
  // What an inexact annotator answers now is another thing than what is stored of it, and of what was made of that.
  while (addStale(plan, steps, stale, i => found.measured.has(i) && wasAsked(i))) found = findMeasured()
  const { stored, fromSource, measured } = found
  const replaced = plan.steps.map((step, i) => {
    if ('gate' in step || measured.has(i)) return step
    return { annotator: readBack(step.annotator, steps[i].writes.filter(isStored)) }
  })
  const measuring = plan.steps.flatMap((step, i) => {
    if ('gate' in step || !measured.has(i)) return []
    return { annotator: step.annotator, wasAsked: wasAsked(i) }
  })
  return { plan: { ...plan, steps: replaced }, stored, fromSource, measured: measuring, isAskedAgain: stale.size > 0 }
}

/** From what is needed back to what is stored, or to what came in: the steps between are to be done. */
function goBack(
  steps: readonly StepVersions[],
  needed: readonly Version[],
  isStored: (version: Version) => boolean,
): { stored: Set<string>; fromSource: Set<string>; measured: Set<number> } {
  const stored = new Set<string>()
  const fromSource = new Set<string>()
  const measured = new Set<number>()
  const need = (version: Version) => {
    if (isStored(version)) stored.add(version.column)
    else if (version.step < 0) fromSource.add(version.column)
    else if (!measured.has(version.step)) {
      measured.add(version.step)
      steps[version.step].reads.forEach(need)
    }
  }
  needed.forEach(need)
  return { stored, fromSource, measured }
}

/** Adds inexact steps that are asked again, and those that read what a stale one wrote. Says whether there was any. */
function addStale(
  plan: Plan,
  steps: readonly StepVersions[],
  stale: Set<number>,
  isAgain: (step: number) => boolean,
): boolean {
  const known = stale.size
  for (const [i, step] of plan.steps.entries()) {
    if ('gate' in step) continue
    const isAsked = !step.annotator.exact && isAgain(i)
    if (isAsked || steps[i].reads.some(version => stale.has(version.step))) stale.add(i)
  }
  return stale.size > known
}

/**
 * The same for rows that went through the first `reached` steps of a run before a gate stopped them, or through all. Where the plan begins
 * with these steps and that gate they are stopped again, so that nothing behind it is needed of them.
 */
export function planRows(plan: Plan, before: MeasuredBefore, reached: number, wantsTexts: boolean): Reuse {
  const past = { ...before, steps: before.steps.slice(0, reached) }
  const isStopped = reached < before.steps.length && isBegun(plan, before.steps.slice(0, reached + 1))
  return planReuse(isStopped ? { ...plan, steps: plan.steps.slice(0, reached + 1) } : plan, past, wantsTexts)
}

/** Whether a plan begins with these steps. */
export function isBegun(plan: Plan, first: readonly RecordedStep[]): boolean {
  return canonicalJson(recordReasons(plan).steps.slice(0, first.length)) === canonicalJson(first)
}

/** The fingerprint of what is stored of each column. */
function storedPrints({ origin, steps }: MeasuredBefore): Map<string, string> {
  const prints = origin === undefined ? new Map<string, string>() : originPrints(origin)
  for (const step of steps)
    if ('writes' in step)
      for (const [i, column] of step.writes.entries()) prints.set(column, step.prints?.[i] ?? 'not known')
  return prints
}

interface StepVersions {
  readonly reads: readonly Version[]
  readonly writes: readonly Version[]
}

function listVersions(plan: Plan): { steps: StepVersions[]; last: Version[] } {
  const origin = originPrints(fingerprintSource(plan.source))
  const now = new Map(Array.from(origin, ([column, print]) => [column, { column, print, step: -1 }]))
  const readNow = (columns: readonly string[]) => columns.map(column => now.get(column)!)
  const list = (step: AnnotateStep, i: number): StepVersions => {
    if ('gate' in step) return { reads: readNow(step.gate.map(rule => rule.column)), writes: [] }
    const reads = readNow(step.annotator.reads)
    const prints = new Map(Array.from(now.values(), ({ column, print }) => [column, print]))
    const written = Array.from(fingerprintColumns(step.annotator, prints), ([column, print]) => ({
      column,
      print,
      step: i,
    }))
    for (const version of written) now.set(version.column, version)
    return { reads, writes: written }
  }
  return { steps: plan.steps.map(list), last: [...now.values()] }
}

/** An annotator that gives what is stored, and leaves what nobody needs as missing. */
function readBack(annotator: Annotator, stored: readonly Version[]): Annotator {
  const names = new Set(stored.map(version => version.column))
  const annotate = (batch: Batch) => {
    const columns: Record<string, Column> = {}
    for (const field of annotator.writes)
      columns[field.name] = names.has(field.name)
        ? batch.columns[storedName(field.name)]
        : missingColumn(field, batch.rows)
    return columns
  }
  return { ...annotator, annotate }
}

/** The columns of documents that rows have before the first step, of those that are stored; the others are missing. */
export function beforeSteps({ rows, columns }: Batch, before: MeasuredBefore, { plan }: Reuse): Record<string, Column> {
  const prints = storedPrints(before)
  const origin = fingerprintSource(plan.source)
  const isThere = (name: string) => prints.get(name) === origin && !(before.lacksTexts && name === 'text')
  const pick = (field: (typeof documentFields)[number]) =>
    isThere(field.name) ? columns[field.name] : missingColumn(field, rows)
  return Object.fromEntries(documentFields.map(field => [field.name, pick(field)]))
}

/** The columns of rows that are, whatever steps these went through, what a plan leaves in the end; texts as they were left. */
export function sameColumns(plan: Plan, { columns }: Batch, before: MeasuredBefore): Record<string, Column> {
  const prints = storedPrints(before)
  const isSame = ({ name }: (typeof plan.fields)[number]) =>
    name === 'text' || prints.get(name) === plan.fingerprints.get(name)
  const same = plan.fields.filter(field => columns[field.name] && isSame(field))
  return Object.fromEntries(same.map(({ name }) => [name, columns[name]]))
}
