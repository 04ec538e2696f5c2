import { HeadraceError } from '../errors.ts'
import type { Command, CommandOption, ParsedArgs } from './command.ts'
import { runEnrichRounds } from './enrich-rounds.ts'
import { recallRun } from './recall.ts'
import { roundsOptions } from './rounds-options.ts'
import { watchOptions } from './watch-run.ts'

/** Of `headrace enrich RUN`. */
const recallOptions: Command['options'] = {
  dir: { value: 'DIR', help: 'folder of all runs (default .headrace)' },
  seed: { value: 'FILE', help: "scores by a seed that 'headrace seed fit' wrote" },
  classifier: { value: 'FILE', help: "scores by a model that 'headrace classifier fit' wrote" },
  head: { value: 'NAME', help: 'the head of that model, where it has several' },
  out: { value: 'NAME', help: 'name of the new run (required)' },
  pipeline: { value: 'FILE', help: 'the pipeline that RUN was made by (required)' },
  top: { value: 'P%', help: 'the line: recalls from the best P % of what RUN has dropped' },
  'min-score': { value: 'X', help: 'the line: recalls what scores X or more; one below 0 as --min-score=-1' },
  'per-host': { value: 'N', help: 'recalls N documents of a host at most, the first ones' },
  'per-source': { value: 'N', help: 'recalls N documents of a source at most, the first ones' },
  source: { value: 'COLUMN', help: "column that says what a document's source is (default file)" },
  name: { value: 'NAME', help: "the domain is recalled:NAME (default the seed's or the head's name)" },
  sample: { value: 'N', help: 'writes N of the recalled documents, drawn by hash, to be judged' },
  'sample-out': { value: 'FILE', help: 'where to (default OUT-sample.jsonl)' },
  log: { value: 'URL', help: "where the new run's log is: kafka://HOST:PORT[,HOST:PORT] (default in its folder)" },
  'log-config': { value: 'FILE', help: "client properties for it, as Kafka's own tools take them (sasl.*, ssl.*)" },
  drain: { help: 'finishes what was begun before, and stops' },
  workers: { value: 'N', help: 'worker threads (default one a core)' },
  ...watchOptions,
  json: { help: 'ends with one line of JSON; progress goes to standard error' },
}

export const enrichCommand: Command = {
  name: 'enrich',
  usage: '[rounds] RUN',
  summary: 'Finds more of a kind in what a run has stored: recalls it into a run, or goes on in rounds.',
  details:
    "Without 'rounds': scores each document of RUN as it is stored, dropped ones too, and measures what is not measured yet of those that reach the line alone. What repeats a document that RUN keeps, or that an earlier recall of RUN has brought back, is left out; the others go to the domain recalled:NAME of the new run, under the addresses that they have in RUN, whose rows it refers to.\n\nWith 'rounds': each round fits a seed and a classifier on what there is, scores all stored rows by both, dropped ones too, and takes the best that are not in yet. A sample of them is judged: by a person, who fills in a file and runs the same command again, or by a language model (--rubric). Where it is pure enough they are added; where not, the loop ends.\n\nKilled or stopped, the same command goes on. docs/enrich.md says more.",
  outlivesReader: true,
  options: joinOptions(),
  run: async (args, terminal) => {
    const [verb] = args.positionals
    const isRounds = args.positionals.length === 2 || verb === 'rounds'
    if (!isRounds) {
      refuseOthers(args, recallOptions, "'headrace enrich rounds RUN'")
      return await recallRun(args, terminal)
    }
    if (verb !== 'rounds') throw refuse(`'${verb}' is not 'rounds'`)
    if (args.positionals.length < 2) throw refuse('rounds are of a run: rounds RUN')
    refuseOthers(args, roundsOptions, "'headrace enrich RUN' without rounds")
    return await runEnrichRounds(args, terminal)
  },
}

/** The options of both forms; of one that both have, what it is in each. */
function joinOptions(): Command['options'] {
  const joined: Record<string, CommandOption> = { ...recallOptions }
  for (const [name, option] of Object.entries(roundsOptions)) {
    const own = recallOptions[name]
    const isSame = own === undefined || own.help === option.help
    joined[name] = isSame
      ? { ...option, help: own ? option.help : `rounds: ${option.help}` }
      : { ...own, help: `${own.help}; rounds: ${option.help}` }
  }
  return joined
}

function refuseOthers(args: ParsedArgs, mine: Command['options'], other: string): void {
  const isGiven = (name: string) => args.flag(name) || args.texts(name).length > 0
  const wrong = Object.keys(enrichCommand.options).find(name => !Object.hasOwn(mine, name) && isGiven(name))
  if (wrong !== undefined) throw refuse(`--${wrong} goes with ${other}`)
}

function refuse(what: string): HeadraceError {
  return new HeadraceError('bad-option', `${what}. See: headrace enrich --help`)
}
