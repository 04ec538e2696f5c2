import { HeadraceError } from '../errors.ts'
import type { Plan } from '../pipeline/plan.ts'
import type { RunReader } from '../record/run-reader.ts'
import type { Asked } from '../what-if/answer.ts'
import { type Change, parseDeciders, parseRules, parseSweep } from '../what-if/change.ts'
import { type Base, baseOf, changedRules, changeParts } from '../what-if/parts.ts'
import { refuseRecall, whatIf } from '../what-if/what-if.ts'
import type { Command, ParsedArgs, Terminal } from './command.ts'
import { runOptions } from './command.ts'
import { openNamedRun } from './find-run.ts'
import { answerOf, sweepOf } from './what-if-json.ts'
import { printAnswer, printSweep } from './what-if-page.ts'

export const whatIfCommand: Command = {
  name: 'what-if',
  usage: 'RUN [PIPELINE]',
  summary: 'Shows what other thresholds or deciders would keep of a run, from what it has stored, in seconds.',
  details:
    "Nothing is written. RUN is a run's name or folder. Rules and duplicates are decided again over the stored measurements, exactly; what a gate stopped was measured no further, so a document that would pass it now is counted as needing a replay. A column's rules are replaced as a whole, in gates too, as rules() does it; without --rule it shows what each rule does. PIPELINE gives other rules and deciders to try, or those of a run with deciders of one's own; its code is loaded, and it must measure as the run did.",
  options: {
    dir: runOptions.dir,
    rule: {
      value: 'COLUMN.below=NUMBER',
      multiple: true,
      help: 'tries another rule; also COLUMN.above=NUMBER, COLUMN.oneOf=a,b, COLUMN.noneOf=a,b, COLUMN.reason=NAME and COLUMN.off for none',
    },
    decider: {
      value: 'DECIDER.OPTION=VALUE',
      multiple: true,
      help: 'tries another option of a decider, as in nearDuplicates.similarity=0.7; DECIDER.off leaves it out',
    },
    sweep: { value: 'COLUMN.below=FROM..TO/COUNT', help: 'tries COUNT thresholds in one pass, both ends among them' },
    by: { value: 'domain|language', help: 'shows what each domain or language would have' },
    samples: { value: 'N', help: 'documents of each kind of change to show (default 3)' },
    json: { help: 'prints one line of JSON' },
  },
  run: async (args, terminal) => {
    const change: Change = { overrides: parseRules(args.texts('rule')), deciders: parseDeciders(args.texts('decider')) }
    const sweep = args.text('sweep') === undefined ? null : parseSweep(args.text('sweep')!)
    const [name, file] = args.positionals
    await using run = await openNamedRun(args.text('dir') ?? '.headrace', name)
    refuseRecall(run)
    const base = baseOf(run.run, file === undefined ? null : await loadOther(file, run))
    if (sweep) return await answerSweep(run, base, { change, sweep }, args, terminal)
    const tried = changeParts(base.tried, change)
    const isChanged = Object.keys(change.overrides).length > 0 || change.deciders.size > 0
    const answer = await whatIf(run, asked(args, base, [tried], base.isSame && !isChanged))
    const about = { changed: changedRules(base.recorded, tried), deciders: change.deciders }
    if (args.flag('json')) terminal.out.write(`${JSON.stringify(await answerOf(run, about, answer))}\n`)
    else await printAnswer(run, about, answer, terminal)
    return undefined
  },
}

/** The pipeline of a file; what loads it is loaded for it alone. */
async function loadOther(file: string, { run }: RunReader): Promise<Plan> {
  const { loadPlan, referTo } = await import('./load-plan.ts')
  return loadPlan(referTo(file, run.input))
}

async function answerSweep(
  run: RunReader,
  base: Base,
  { change, sweep }: { readonly change: Change; readonly sweep: ReturnType<typeof parseSweep> },
  args: ParsedArgs,
  terminal: Terminal,
): Promise<undefined> {
  const tried = sweep.map(({ overrides }) => {
    const twice = Object.keys(overrides).find(column => Object.hasOwn(change.overrides, column))
    if (twice) throw new HeadraceError('bad-option', `--sweep and --rule are both for column '${twice}': give one`)
    return changeParts(base.tried, { ...change, overrides: { ...change.overrides, ...overrides } })
  })
  const answer = await whatIf(run, asked(args, base, tried, false))
  const values = sweep.map(({ value }) => value)
  if (args.flag('json')) terminal.out.write(`${JSON.stringify(sweepOf(run, values, answer))}\n`)
  else printSweep(args.text('sweep')!, values, answer, terminal)
}

function asked(args: ParsedArgs, { recorded }: Base, tried: Asked['tried'], isSame: boolean): Asked {
  const by = args.text('by') ?? null
  if (by !== null && by !== 'domain' && by !== 'language')
    throw new HeadraceError('bad-option', `--by is '${by}': give domain or language`)
  return { recorded, tried, isSame, by, samplesMax: args.count('samples', 3, 0, 10_000) }
}
