import { signature } from '../annotate/signature.ts'
import type { Batch } from '../batch/batch.ts'
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

/** The documents of a run that are compared: those in slots before `slots`. */
export interface Measured {
  readonly run: RunReader
  readonly slots: number
}

/**
 * Throws `bad-option` unless what the deciders read was measured alike in all runs: by `signature()` with the same options, whatever text
 * each run has made of its documents before. Throws `trimmed` where what repeats documents can't be known, as their slots are gone.
 */
export async function checkMeasured(runs: readonly Measured[], deciders: readonly JoinDecider[]): Promise<void> {
  const isNear = deciders.some(({ name }) => name === 'near-duplicates')
  let first: { readonly dir: string; readonly options: SignatureOptions } | null = null
  for (const { run, slots } of runs) {
    checkWhole(run)
    for (const segment of run.run.segments) {
      if (segment.from >= slots) continue
      const options = findSignature(segment, await run.scored(segment.from))
      if (!options) throw refuseUnknown(run.dir)
      first ??= { dir: run.dir, options }
      const [mine, other] = [first.options, options].map(canonicalJson)
      // A text's hash is the same whatever the signature's options are.
      if (isNear && mine !== other) throw refuseOther(first.dir, mine, run.dir, other)
    }
  }
}

function checkWhole({ dir, first }: RunReader): void {
  if (first === 0) return
  throw new HeadraceError(
    'trimmed',
    `slots before ${first} of ${dir} were trimmed, and what repeats their documents can't be known: give --duplicates keep, or run its input again`,
  )
}

interface SignatureOptions {
  readonly bands: number
  readonly rows: number
  readonly shingle: number
  readonly punctuation: 'keep' | 'ignore'
}

/**
 * The options of the `signature()` that wrote a segment's hashes. A run records the fingerprints of its columns, and not what they are made of:
 * bands and rows follow from what a slot of it has, and every width of a shingle is tried. Null where none of these gives what is recorded:
 * another version wrote it, or another annotator, or nothing did.
 */
function findSignature({ reasons, origin }: Segment, { columns }: Batch): SignatureOptions | null {
  const [places, bands] = [columns.signature, columns.bands].map(column =>
    column?.kind === 'fixed' ? column.width : 0,
  )
  if (!reasons || origin === undefined || places === 0 || bands === 0) return null
  const prints = originPrints(origin)
  for (const step of reasons.steps) {
    if (!('writes' in step) || !step.prints) continue
    const written = step.writes.indexOf('textHash')
    if (written >= 0)
      return trySignatures({ bands: bands / 8, rows: (8 * places) / bands }, prints, step.prints[written])
    for (const [i, column] of step.writes.entries()) prints.set(column, step.prints[i])
  }
  return null
}

function trySignatures(
  shape: Pick<SignatureOptions, 'bands' | 'rows'>,
  prints: ReadonlyMap<string, string>,
  found: string,
): SignatureOptions | null {
  if (!isShape(shape.bands) || !isShape(shape.rows)) return null
  for (const punctuation of ['keep', 'ignore'] as const)
    for (let shingle = 1; shingle <= 64; shingle++) {
      const options = { ...shape, shingle, punctuation }
      if (fingerprintColumns(signature(options), prints).get('textHash') === found) return options
    }
  return null
}

const isShape = (count: number) => Number.isInteger(count) && count >= 1 && count <= 64

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
