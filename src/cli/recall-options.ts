import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'
import type { Recalled, ScorerFile } from '../record/recalled.ts'
import { isModelName } from '../text/model-name.ts'
import type { ParsedArgs } from './command.ts'
import { cleanName } from './wrap.ts'

/** What `headrace enrich RUN` is asked for. */
export interface RecallAsked {
  readonly out: string
  readonly pipeline: string | null
  readonly scorer: ScorerFile
  readonly line: { readonly top: number } | { readonly minScore: number }
  readonly caps: Pick<Recalled, 'perHost' | 'perSource' | 'source'>
  /** Null for the model's name. */
  readonly name: string | null
  readonly sample: { readonly count: number; readonly file: string } | null
}

/** Reads the options of a recall. Throws `bad-option` for a wrong one, and for those that do not go together. */
export function readRecallOptions(args: ParsedArgs): RecallAsked {
  const out = args.text('out')
  if (out === undefined) throw refuse('a recall is a run of its own: give it a name with --out NAME')
  const name = args.text('name') ?? null
  if (name !== null && !isModelName(name))
    throw refuse(`--name is '${cleanName(name)}': use 1 to 64 letters, digits or '-'`)
  return {
    out,
    pipeline: args.text('pipeline') ?? null,
    scorer: readScorer(args),
    line: readLine(args),
    caps: readCaps(args),
    name,
    sample: readSample(args, out),
  }
}

function readScorer(args: ParsedArgs): ScorerFile {
  const [seed, classifier, head = null] = ['seed', 'classifier', 'head'].map(option => args.text(option))
  if ((seed === undefined) === (classifier === undefined))
    throw refuse('give one of --seed FILE and --classifier FILE: what scores documents')
  if (seed === undefined) return { kind: 'classifier', file: classifier!, head }
  if (head !== null) throw refuse('--head goes with --classifier')
  return { kind: 'seed', file: seed, head: null }
}

function readLine(args: ParsedArgs): RecallAsked['line'] {
  const [top, minScore] = [args.text('top'), args.text('min-score')]
  if ((top === undefined) === (minScore === undefined))
    throw refuse(
      'say from which score on documents are recalled: --top P% for the best of what RUN has dropped, as in --top 2%, or --min-score X. Scores of different models do not compare, so there is no default',
    )
  if (top !== undefined) {
    const percent = Number(/^(\d+(?:\.\d+)?|\.\d+)%?$/.exec(top)?.[1])
    if (percent > 0 && percent < 100) return { top: percent }
    throw refuse(`--top is '${cleanName(top)}': it takes a percentage above 0 and below 100, as in 2%`)
  }
  const score = minScore!.trim() === '' ? Number.NaN : Number(minScore)
  if (Number.isFinite(score)) return { minScore: score }
  throw refuse(`--min-score is '${cleanName(minScore!)}': it takes a number`)
}

function readCaps(args: ParsedArgs): RecallAsked['caps'] {
  const cap = (option: string) => (args.text(option) === undefined ? undefined : args.count(option, 1, 1, 2 ** 31 - 1))
  const [perHost, perSource] = [cap('per-host'), cap('per-source')]
  if (args.text('source') !== undefined && perSource === undefined) throw refuse('--source goes with --per-source')
  const source = args.text('source') ?? 'file'
  return { ...(perHost !== undefined && { perHost }), ...(perSource !== undefined && { perSource }), source }
}

function readSample(args: ParsedArgs, out: string): RecallAsked['sample'] {
  const file = args.text('sample-out') ?? `${out}-sample.jsonl`
  if (args.text('sample') !== undefined) return { count: args.count('sample', 1, 1, limits.recallLookedAtMax), file }
  if (args.text('sample-out') !== undefined) throw refuse('--sample-out goes with --sample N')
  return null
}

function refuse(what: string): HeadraceError {
  return new HeadraceError('bad-option', `${what}. See: headrace enrich --help`)
}
