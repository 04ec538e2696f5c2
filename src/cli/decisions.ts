import type { Annotator } from '../annotate/annotator.ts'
import { HeadraceError } from '../errors.ts'
import type { Plan } from '../pipeline/plan.ts'
import { decideAlone } from '../replay/decisions.ts'
import { publicFate } from '../replay/fates.ts'
import { type Command, runOptions } from './command.ts'
import { openRun } from './find-run.ts'
import { loadPlan } from './load-plan.ts'
import { writeLines } from './write-lines.ts'

export const decisionsCommand: Command = {
  name: 'decisions',
  usage: 'ANNOTATOR',
  summary:
    "Prints what one annotator's default rules say of each record, whatever the others said: a line of JSON each, as 'fates' does. It\nmeasures the text as it came in, so that two dialects of a filter can be compared.",
  positionals: { min: 1, max: 1 },
  options: runOptions,
  run: async (args, terminal) => {
    await using run = await openRun(args)
    const ref = {
      loader: import.meta.resolve('./load-plan.ts'),
      module: run.run.module,
      input: run.run.input,
      follow: false,
    }
    const plan = await loadPlan(ref)
    const annotator = findAnnotator(plan, args.positionals[0])
    await writeLines(terminal, decideAlone(plan, annotator, run.run), fate => JSON.stringify(publicFate(fate)))
    return 0
  },
}

function findAnnotator(plan: Plan, name: string): Annotator {
  const annotators = plan.steps.flatMap(step => ('annotator' in step ? [step.annotator] : []))
  const found = annotators.find(annotator => annotator.name === name)
  if (found) return found
  const names = annotators.map(annotator => annotator.name).join(', ')
  throw new HeadraceError('bad-option', `pipeline '${plan.name}' has no annotator '${name}'; it has ${names}`)
}
