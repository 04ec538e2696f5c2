import { basename } from 'node:path'
import type { Comparison, Difference } from '../diff/compare.ts'
import { type Witnessed, witness } from '../diff/evidence.ts'
import { similarityOf } from '../diff/outcome.ts'
import type { Side } from '../diff/side.ts'
import type { Amounts, Both, Cell, Sums } from '../diff/tally.ts'

/** The whole comparison as one value for scripts. What is not known is null. */
export async function diffJson(comparison: Comparison): Promise<unknown> {
  const { sides, tally, label, labels } = comparison
  const cells: unknown[] = []
  for (const cell of tally.cells) cells.push(await cellJson(comparison, cell))
  return {
    same: comparison.isSame,
    a: sideJson(comparison, 0),
    b: sideJson(comparison, 1),
    joined: label === null ? { by: 'slot' } : { by: label, ...labels },
    kinds: Object.fromEntries(Array.from(tally.kinds, ([kind, amounts]) => [kind, amountsJson(sides, amounts)])),
    unknownTexts: tally.unknownTexts,
    moves: cells,
    by: Object.fromEntries(
      Array.from(tally.groups, ([grouping, groups]) => [
        grouping,
        groups.sorted.map(([name, { tokens, ...group }]) => ({ name, ...group, tokens: knownTokens(sides, tokens) })),
      ]),
    ),
  }
}

function sideJson({ sides, ranges, tally, unchecked }: Comparison, index: 0 | 1) {
  const side = sides[index]
  const { run } = side.run
  const { dropped, tokensByDomain, ...sums } = tally.sums[index]
  return {
    run: basename(side.run.dir),
    dir: side.run.dir,
    ended: side.decide.ended,
    slots: ranges[index],
    tokenizer: run.tokenizer,
    ...sums,
    ...(run.tokenizer === null && { tokens: null, uncounted: null }),
    // Names come from pipelines and documents: pairs, as one may be `__proto__`.
    dropped: [...dropped],
    checked: unchecked[index] ?? true,
  } satisfies Record<string, unknown> & { readonly [name in keyof Sums]?: unknown }
}

async function cellJson({ sides }: Comparison, { kind, from, to, amounts, samples }: Cell) {
  const shown: unknown[] = []
  for (const pair of samples.pairs) shown.push(await pairJson(sides, { kind, pair }))
  return { kind, from, to, ...amountsJson(sides, amounts), ...(shown.length > 0 && { samples: shown }) }
}

function amountsJson(sides: Comparison['sides'], { documents, kept, bytes, tokens }: Amounts) {
  return { documents, kept, bytes, tokens: knownTokens(sides, tokens) }
}

/** Tokens of both runs, null for one that makes none. */
function knownTokens(sides: Comparison['sides'], tokens: Readonly<Both>): (number | null)[] {
  return sides.map(({ run }, i) => (run.run.tokenizer === null ? null : tokens[i]))
}

/** A differing record as a line of JSON. */
export async function diffLine(sides: readonly [Side, Side], difference: Difference): Promise<string> {
  return JSON.stringify(await pairJson(sides, difference))
}

async function pairJson(sides: readonly [Side, Side], { kind, pair }: Difference) {
  const [a, b] = await witness(sides, pair)
  const { file, line } = (a ?? b)!.outcome
  return { kind, id: a?.id || b?.id || '', file, line, a: a && witnessJson(a), b: b && witnessJson(b) }
}

function witnessJson({ outcome, duplicateOf, threshold, measured, distance }: Witnessed) {
  const { slot, row, fate, reason, domain, language, bytes, tokens } = outcome
  const place = { slot, row, fate, reason: reason || null, domain, language, bytes, tokens }
  return {
    ...place,
    measured,
    threshold: threshold.known ? threshold : null,
    distance,
    duplicateOf,
    similarity: similarityOf(outcome),
  }
}
