import type { Annotator } from '../annotate/annotator.ts'
import { HeadraceError } from '../errors.ts'
import type { Plan } from '../pipeline/plan.ts'
import { decideAlone } from '../run/measure/decide-alone.ts'
import { type Command, runOptions } from './command.ts'
import { fateLine } from './fates.ts'
import { openRun } from './find-run.ts'
import { loadPlan, referToRun } from './load-plan.ts'
import { writeLines } from './write-lines.ts'

export const decisionsCommand: Command = {
  name: 'decisions',
  usage: 'ANNOTATOR',
  summary: "Prints what one annotator's default rules say of each record.",
  details:
    "Lines of JSON as 'fates' prints them, whatever the other annotators and the deciders said. The input is read again, and the text measured as it came in, so that two dialects of a filter can be compared. ANNOTATOR is its name as 'plan' shows it (gopher-quality) or as a pipeline calls it (gopherQuality).",
  options: runOptions,
  run: async (args, terminal) => {
    await using run = await openRun(args)
    const plan = await loadPlan(referToRun(run.run))
    const annotator = findAnnotator(plan, args.positionals[0])
    await writeLines(terminal, decideAlone(plan, annotator, run.run), fateLine)
  },
}

/** Names of functions that make an annotator with another name. */
const aliases: Readonly<Record<string, string>> = { maskpii: 'pii' }

function findAnnotator(plan: Plan, given: string): Annotator {
  const fold = (name: string) => name.replaceAll('-', '').toLowerCase()
  const annotators = plan.steps.flatMap(step => ('annotator' in step ? [step.annotator] : []))
  const wanted = aliases[fold(given)] ?? fold(given)
  const found = annotators.find(annotator => annotator.name === given || fold(annotator.name) === wanted)
  if (found) return found
  const names = annotators.map(annotator => annotator.name).join(', ')
  throw new HeadraceError(
    'bad-option',
    `pipeline '${plan.name}' has no annotator '${given}'; it has ${names || 'none'}`,
  )
}
