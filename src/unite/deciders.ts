import { signature } from '../annotate/signature.ts'
import { canonicalJson } from '../canonical-json.ts'
import { makeBuiltIn } from '../decide/built-in.ts'
import type { Decider } from '../decide/decider.ts'
import { HeadraceError } from '../errors.ts'
import type { JoinDecider } from '../feed/plan/join.ts'
import { fingerprintColumns, originPrints } from '../pipeline/fingerprint.ts'
import type { Segment } from '../record/run-file.ts'
import type { RunReader } from '../record/run-reader.ts'

/** Headrace's own deciders that keep documents in tables, in the order in which they are asked. */
const lookers = ['exact-duplicates', 'near-duplicates'] as const

/**
 * What decides duplicates between runs: each of the two kinds as the first run decided by it that does, in their order. Throws `bad-option`
 * where none does.
 */
export function chooseDeciders(runs: readonly RunReader[]): JoinDecider[] {
  const chosen = lookers.flatMap(name => {
    const all = runs.flatMap(({ run }) => run.segments.at(-1)!.reasons?.deciders ?? [])
    const first = all.find(decider => decider.name === name)
    return first ? [{ name, version: first.version, options: first.options }] : []
  })
  if (chosen.length > 0) return chosen
  throw new HeadraceError(
    'bad-option',
    `none of ${runs.map(({ dir }) => dir).join(', ')} looked for duplicates by ${lookers.join(' or ')}, so nothing says what a duplicate between them is: give --duplicates keep, which feeds what is in several of them several times, or replay them with exactDuplicates()`,
  )
}

/** Makes them again. Throws `bad-option` for those of another version. */
export function makeDeciders(deciders: readonly JoinDecider[]): Decider[] {
  return deciders.map(({ name, version, options }) => {
    const made = makeBuiltIn(name, options)
    if (made?.version === version) return made
    throw new HeadraceError(
      'bad-option',
      `duplicates are decided by version ${version} of '${name}', and this Headrace has ${made ? made.version : 'no such decider'}`,
    )
  })
}

/**
 * Throws `bad-option` unless what the deciders read was measured alike in all runs: by `signature()` with the same options, whatever text
 * each run has made of its documents before.
 */
export function checkMeasured(runs: readonly RunReader[], deciders: readonly JoinDecider[]): void {
  const near = deciders.find(({ name }) => name === 'near-duplicates')
  const shapes = [...runs.flatMap(nearShapes), ...(near ? [near.options] : []), {}]
  let first: { readonly dir: string; readonly options: SignatureOptions } | null = null
  for (const { dir, run } of runs)
    for (const segment of run.segments) {
      const options = findSignature(segment, shapes)
      if (!options) throw refuseUnknown(dir)
      first ??= { dir, options }
      const [mine, other] = [first.options, options].map(canonicalJson)
      // A text's hash is the same whatever the signature's options are.
      if (near && mine !== other) throw refuseOther(first.dir, mine, dir, other)
    }
}

interface SignatureOptions {
  readonly bands: number
  readonly rows: number
  readonly shingle: number
  readonly punctuation: 'keep' | 'ignore'
}
type Shape = Readonly<Record<string, unknown>>

const nearShapes = ({ run }: RunReader): Shape[] =>
  run.segments.flatMap(({ reasons }) =>
    (reasons?.deciders ?? []).flatMap(({ name, options }) => (name === 'near-duplicates' ? [options] : [])),
  )

/**
 * The options of the `signature()` that wrote a segment's hashes. A run records the fingerprints of its columns, and not what they are made of:
 * so all that it can have been told is tried, the bands and rows of `shapes` with every width of a shingle. Null where none of these gives
 * what is recorded: another version wrote it, or another annotator, or nothing did.
 */
function findSignature(segment: Segment, shapes: readonly Shape[]): SignatureOptions | null {
  const { reasons, origin } = segment
  if (!reasons || origin === undefined) return null
  const prints = originPrints(origin)
  for (const step of reasons.steps) {
    if (!('writes' in step) || !step.prints) continue
    const written = step.writes.indexOf('textHash')
    if (written >= 0) return trySignatures(shapes, prints, step.prints[written])
    for (const [i, column] of step.writes.entries()) prints.set(column, step.prints[i])
  }
  return null
}

function trySignatures(shapes: readonly Shape[], prints: ReadonlyMap<string, string>, found: string) {
  for (const { bands = 14, rows = 8 } of shapes as readonly Partial<SignatureOptions>[])
    for (const punctuation of ['keep', 'ignore'] as const)
      for (let shingle = 1; shingle <= 64; shingle++) {
        const options = { bands, rows, shingle, punctuation }
        if (fingerprintColumns(signature(options), prints).get('textHash') === found) return options
      }
  return null
}

const keepAdvice = '--duplicates keep feeds what is in several of them several times'

function refuseUnknown(dir: string): HeadraceError {
  return new HeadraceError(
    'bad-option',
    `what ${dir} has measured doesn't say which of its documents are in another run: it has no hashes of this Headrace's signature(); replay it with signature(), or ${keepAdvice}`,
  )
}

function refuseOther(first: string, mine: string, dir: string, other: string): HeadraceError {
  return new HeadraceError(
    'bad-option',
    `${first} was measured by signature(${mine}) and ${dir} by signature(${other}), so their documents can't be compared: replay one as the other is, or ${keepAdvice}`,
  )
}
