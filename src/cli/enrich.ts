import type { Command } from './command.ts'
import { recallRun } from './recall.ts'
import { watchOptions } from './watch-run.ts'

export const enrichCommand: Command = {
  name: 'enrich',
  usage: 'RUN',
  summary: 'Recalls what a run has dropped and a seed or a classifier finds, into a run of its own.',
  details:
    'Scores each document of RUN as it is stored, dropped ones too, and measures what is not measured yet of those that reach the line alone. What repeats a document that RUN keeps, or that an earlier recall of RUN has brought back, is left out; the others go to the domain recalled:NAME of the new run, under the addresses that they have in RUN, whose rows it refers to. Killed or stopped, the same command goes on.',
  outlivesReader: true,
  options: {
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
  },
  run: recallRun,
}
