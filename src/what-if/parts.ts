import { HeadraceError } from '../errors.ts'
import type { Plan } from '../pipeline/plan.ts'
import { recordReasons } from '../record/reasons.ts'
import type { RunFile } from '../record/run-file.ts'
import type { Change } from './change.ts'
import { changeSetup, recordedSetup, type Setup } from './setup.ts'
import type { Part } from './trial.ts'

/** What decided a run, what is tried instead before a change, and whether these are the same. */
export interface Base {
  readonly recorded: readonly Part[]
  readonly tried: readonly Part[]
  readonly isSame: boolean
}

/** As the run itself says; or the rules and deciders of `plan`, which must measure as the run did. Throws 'bad-option' where it can't be. */
export function baseOf({ segments }: RunFile, plan: Plan | null): Base {
  if (!plan) {
    const recorded = segments.map(({ from, reasons }) => ({ from, setup: recordedSetup(reasons) }))
    return { recorded, tried: recorded, isSame: true }
  }
  if (segments.some(({ annotate }) => annotate !== plan.annotateFingerprint))
    throw new HeadraceError(
      'bad-option',
      `pipeline '${plan.name}' measures otherwise than the run did, or has other gates or another input: only a replay tells what it would keep`,
    )
  const setup = setupOf(plan)
  const recorded = segments.map(({ from, decide, reasons }) => ({
    from,
    setup: decide === plan.decideFingerprint ? setup : recordedSetup(reasons),
  }))
  const isSame = segments.every(({ decide }) => decide === plan.decideFingerprint)
  return { recorded, tried: segments.map(({ from }) => ({ from, setup })), isSame }
}

function setupOf(plan: Plan): Setup {
  const { steps, rules } = recordReasons(plan)
  return { steps, rules, deciders: plan.deciders }
}

export function changeParts(parts: readonly Part[], change: Change): Part[] {
  return parts.map(({ from, setup }) => ({ from, setup: changeSetup(setup, change) }))
}

/** Rules that a change takes away, and those that it brings; those of gates among them, each once. */
export function changedRules(before: readonly Part[], after: readonly Part[]) {
  const [was, is] = [before, after].map(rulesOf)
  return {
    without: [...was].filter(([key]) => !is.has(key)).map(([, rule]) => rule),
    with: [...is].filter(([key]) => !was.has(key)).map(([, rule]) => rule),
  }
}

function rulesOf(parts: readonly Part[]) {
  const rules = parts.flatMap(({ setup }) => [
    ...setup.steps.flatMap(step => ('gate' in step ? step.gate : [])),
    ...setup.rules,
  ])
  return new Map(rules.map(rule => [JSON.stringify(Object.entries(rule).sort()), rule]))
}
