import type { Annotator } from '../annotate/annotator.ts'
import { HeadraceError } from '../errors.ts'
import type { Plan } from '../pipeline/plan.ts'
import type { RunReader } from '../record/run-reader.ts'
import { decideAlone } from '../run/measure/decide-alone.ts'
import type { PipelineRef } from '../run/measure/jobs.ts'
import { type Command, runOptions } from './command.ts'
import { isDefaultPipeline } from './default-pipeline.ts'
import { fateLine } from './fates.ts'
import { openRun } from './find-run.ts'
import { loadPlan, referTo, referToModule } from './load-plan.ts'
import { writeLines } from './write-lines.ts'

export const decisionsCommand: Command = {
  name: 'decisions',
  usage: 'ANNOTATOR [PIPELINE]',
  summary: "Prints what one annotator's default rules say of each record.",
  details:
    "Lines of JSON as 'fates' prints them, whatever the other annotators and the deciders said. The input is read again, and the text measured as it came in, so that two dialects of a filter can be compared. ANNOTATOR is its name as 'plan' shows it (gopher-quality) or as a pipeline calls it (gopherQuality), PIPELINE the file of the pipeline, whose code is loaded; a run of 'headrace try' needs none.",
  options: runOptions,
  run: async (args, terminal) => {
    await using run = await openRun(args)
    const [name, file] = args.positionals
    const plan = await loadPlan(refer(run, file))
    const annotator = findAnnotator(plan, name)
    await writeLines(terminal, decideAlone(plan, annotator, run.run), fateLine)
  },
}

/** What a run names is never loaded, as its folder may be someone else's, unless it is Headrace's own recipe. */
function refer({ run, dir }: RunReader, file: string | undefined): PipelineRef {
  if (file !== undefined) return referTo(file, run.input)
  if (isDefaultPipeline(run.module)) return referToModule(run.module, run.input)
  throw new HeadraceError(
    'bad-option',
    `this takes the pipeline of the run in ${dir}, and no code is loaded because a run names it: add the pipeline's file, as in headrace decisions ANNOTATOR PIPELINE`,
  )
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
