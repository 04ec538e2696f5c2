import { basename, resolve } from 'node:path'
import { askingDefaults } from '../annotate/judge/judge.ts'
import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'
import { isModelName } from '../text/model-name.ts'
import type { RoundsOrder } from '../value/run-rounds.ts'
import { type CommandOption, type ParsedArgs, runOptions } from './command.ts'
import type { TextFields } from './grouped-texts.ts'
import { cleanName } from './wrap.ts'

export const roundsOptions: Readonly<Record<string, CommandOption>> = {
  dir: runOptions.dir,
  positive: {
    value: 'GLOB',
    multiple: true,
    help: 'what there is of what is sought, 50 texts will do: files, or rows of a run (required)',
  },
  background: { value: 'GLOB', multiple: true, help: 'text at large, from which it is told apart (required)' },
  out: { value: 'FOLDER', help: 'where rounds, samples and models stand; the same command goes on there (required)' },
  name: { value: 'NAME', help: "names the seed and the classifier's head (default the folder's name)" },
  add: { value: 'N', help: 'rows that a round adds (default 200)' },
  'per-host': { value: 'N', help: 'rows of one host at most, in all rounds (default no limit)' },
  'per-source': { value: 'N', help: 'rows of one source at most, in all rounds (default no limit)' },
  source: { value: 'FIELD', help: "field or column that says where a text is from (default 'source', else its host)" },
  sample: { value: 'N', help: 'rows of a round that are looked at (default 50)' },
  'purity-min': {
    value: 'SHARE',
    help: 'a round whose sample is less pure is not added, and ends the loop (default 0.9)',
  },
  'rounds-max': { value: 'N', help: 'rounds at most (default 8)' },
  leave: {
    value: 'P',
    help: 'per cent of the background, the best-scoring, that are no negatives in the next round (default 8)',
  },
  epochs: { value: 'N', help: 'times that the classifier learns from all texts (default 5)' },
  labels: {
    value: 'FILE',
    multiple: true,
    help: 'labels of samples, JSON Lines with slot and row, or id, and label: yes or no',
  },
  rubric: { value: 'FILE', help: 'has a language model judge the samples, in place of a person' },
  is: { value: 'CONDITION', help: "what its answer must be, as 'score>=3' or 'kind=article,code' (with --rubric)" },
  endpoint: { value: 'URL', help: 'the server, as http://localhost:8000 (with --rubric)' },
  model: { value: 'NAME', help: "the model's name, as the server knows it (with --rubric)" },
  'key-from': { value: 'VARIABLE', help: 'the environment variable that holds the key, where the server wants one' },
  store: { value: 'DIR', help: 'folder of all answers, of this machine (default .headrace-judged)' },
  characters: { value: 'N', help: `of a text that are looked at (default ${askingDefaults.charactersMax})` },
  concurrency: { value: 'N', help: `requests at a time (default ${askingDefaults.concurrency})` },
  timeout: { value: 'SECONDS', help: 'of a request (default 120)' },
  'budget-requests': { value: 'N', help: 'requests at most, in all starts together (default no limit)' },
  'budget-tokens': { value: 'N', help: 'tokens at most, the same way (default no limit)' },
  text: { value: 'FIELD', help: "field of a file's record that holds the text (default 'text')" },
  url: { value: 'FIELD', help: "field that holds the url (default 'url')" },
  json: { help: 'prints one line of JSON' },
}

/** What the options of a loop say, but for the run. */
export interface RoundsAsked extends Omit<RoundsOrder, 'fate' | 'decided'> {
  readonly folder: string
  readonly positive: readonly string[]
  readonly background: readonly string[]
  readonly fields: TextFields
}

/** Reads them; throws `bad-option`. */
export function readAsked(args: ParsedArgs): RoundsAsked {
  const folder = args.text('out')
  if (!folder) throw refuse('--out is missing: the folder where rounds, samples and models stand')
  const [positive, background] = ['positive', 'background'].map(name => args.texts(name))
  if (positive.length === 0) throw refuse('--positive is missing: what there is of what is sought')
  if (background.length === 0) throw refuse('--background is missing: text at large, from which it is told apart')
  const unlimited = Number.MAX_SAFE_INTEGER
  return {
    folder,
    positive,
    background,
    fields: {
      text: args.text('text') ?? 'text',
      url: args.text('url') ?? 'url',
      source: args.text('source') ?? 'source',
      groups: 'host',
      dir: args.text('dir') ?? '.headrace',
    },
    name: nameOf(args, folder),
    epochs: args.count('epochs', 5, 1, 100),
    add: args.count('add', 200, 1, limits.roundAddMax),
    perHost: args.count('per-host', unlimited),
    perSource: args.count('per-source', unlimited),
    sample: args.count('sample', 50, 1, limits.roundSampleMax),
    purityMin: shareOf(args, 'purity-min', 0.9, 1),
    roundsMax: args.count('rounds-max', 8, 1, 1000),
    leave: shareOf(args, 'leave', 8, 100) / 100,
  }
}

function nameOf(args: ParsedArgs, folder: string): string {
  const name = args.text('name') ?? basename(resolve(folder))
  if (isModelName(name)) return name
  throw refuse(`the name is '${cleanName(name)}': give --name with 1 to 64 letters, digits or '-'`)
}

function shareOf(args: ParsedArgs, name: string, fallback: number, most: number): number {
  const given = args.text(name)
  if (given === undefined) return fallback
  const value = Number(given)
  if (given.trim() !== '' && value >= 0 && value <= most) return value
  throw refuse(`--${name} is '${cleanName(given)}'; it takes a number from 0 to ${most}`)
}

export function refuse(what: string): HeadraceError {
  return new HeadraceError('bad-option', `${what}. See: headrace enrich rounds --help`)
}
