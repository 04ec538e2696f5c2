import { askingDefaults } from '../annotate/judge/judge.ts'
import { HeadraceError } from '../errors.ts'
import { type Command, type ParsedArgs, runOptions } from './command.ts'
import { checkLabels } from './judge-check.ts'
import { sampleLabels } from './judge-sample.ts'

/** Which options go with which of both things that the command does; `json` goes with both, as `label` does. */
const own = {
  sample: [
    'dir',
    'per',
    'seed',
    'rubric',
    'endpoint',
    'model',
    'key-from',
    'store',
    'out',
    'characters',
    'concurrency',
    'timeout',
    'budget-requests',
    'budget-tokens',
    'dry-run',
  ],
  check: ['by-hand'],
}

export const judgeCommand: Command = {
  name: 'judge',
  usage: 'sample|check INPUT',
  summary:
    'Has a language model judge a sample of a run, as labels for a classifier; or holds such labels against others by hand.',
  details:
    'headrace judge sample RUN draws documents that a run keeps and writes what the model says of them as JSON Lines, for headrace classifier fit --labels. The model is behind an OpenAI-style endpoint (vLLM, SGLang, LMDeploy, Ollama). Answers are kept by content and never asked for twice: killed, the same command goes on; a request that was under way may be made again. Budgets are of all that was ever asked of this model by this rubric with the same store. headrace judge check LABELS --by-hand FILE says how far the model agrees with a person, on 50 documents or more. docs/value.md says how to write a rubric.',
  options: {
    dir: runOptions.dir,
    per: {
      value: 'GROUP=N',
      help: 'documents of each group: domain=200 (default), language=200, or domain,language=50',
    },
    seed: { value: 'N', help: 'another one draws others (default 0)' },
    rubric: { value: 'FILE', help: 'how to judge and what to say, as Markdown or JSON (required)' },
    endpoint: { value: 'URL', help: 'the server, as http://localhost:8000 (required, but for --dry-run)' },
    model: { value: 'NAME', help: "the model's name, as the server knows it (required)" },
    'key-from': { value: 'VARIABLE', help: 'the environment variable that holds the key, where the server wants one' },
    store: { value: 'DIR', help: 'folder of all answers, of this machine (default .headrace-judged)' },
    out: { value: 'FILE', help: 'where to write the labels (required, but for --dry-run)' },
    label: {
      value: 'NAME',
      help: "what stands as 'label': a dimension (default the first); of check, the field to compare (default label)",
    },
    characters: {
      value: 'N',
      help: `what is behind so many of a text is not judged (default ${askingDefaults.charactersMax})`,
    },
    concurrency: { value: 'N', help: `requests at a time (default ${askingDefaults.concurrency})` },
    timeout: { value: 'SECONDS', help: 'of a request (default 120)' },
    'budget-requests': {
      value: 'N',
      help: 'requests at most, in all starts together; 0 asks for nothing (default no limit)',
    },
    'budget-tokens': { value: 'N', help: 'tokens at most, of requests and answers, the same way (default no limit)' },
    'dry-run': { help: 'says how many documents it would ask about and what they may cost, and asks nobody' },
    'by-hand': { value: 'FILE', help: 'JSON Lines with id and label, of documents that a person has labelled' },
    json: { help: 'prints one line of JSON' },
  },
  run: async (args, terminal) => {
    const [verb, input] = args.positionals
    if (verb !== 'sample' && verb !== 'check') throw refuseJudge(`'${verb}' is neither 'sample' nor 'check'`)
    refuseForeign(verb === 'sample' ? 'check' : 'sample', args)
    if (verb === 'sample') await sampleLabels(input, args, terminal)
    else await checkLabels(input, args, terminal)
    return undefined
  },
}

function refuseForeign(other: keyof typeof own, args: ParsedArgs): void {
  const given = own[other].find(name => args.text(name) !== undefined || args.flag(name))
  if (given !== undefined) throw refuseJudge(`--${given} goes with ${other}`)
}

function refuseJudge(what: string): HeadraceError {
  return new HeadraceError('bad-option', `${what}. See: headrace judge --help`)
}
