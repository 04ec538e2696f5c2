import { isDeepStrictEqual } from 'node:util'
import type { Expected } from './oracle.ts'
import type { ActualFeed, ActualRun, ActualShard } from './oracle-actual.ts'
import type { ExpectedFate, RowAddress } from './oracle-fates.ts'
import { keyOf } from './oracle-promotion.ts'
import { type ExpectedShard, tokensOf } from './oracle-shards.ts'
import type { ExpectedFeed, ExpectedStep } from './oracle-steps.ts'

const differencesMax = 10

/** What a run wrote otherwise than it must, in words: the first ten, or none. */
export function compareRun(expected: Expected, actual: ActualRun): string[] {
  const differences = [
    ...compareValue('the run has ended', expected.isEnded, actual.isEnded),
    ...compareValue('slots', expected.slots, actual.slots),
    ...compareFates(expected.fates, actual.fates),
    ...compareTotals(expected, actual),
    ...compareShards(expected.shards, actual.shards),
    ...compareFeeds(expected.feed, actual.feed),
  ]
  return differences.slice(0, differencesMax)
}

function compareValue(what: string, expected: unknown, actual: unknown): string[] {
  if (isDeepStrictEqual(expected, actual)) return []
  return [`${what}: expected ${shorten(expected)}, found ${shorten(actual)}`]
}

function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 200 ? `${text.slice(0, 200)}...` : text
}

/** Compares the fields of two objects, so that a difference names its field. */
function compareFields(what: string, expected: object, actual: object): string[] {
  const names = new Set([...Object.keys(expected), ...Object.keys(actual)])
  const get = (from: object, name: string) => (from as Record<string, unknown>)[name]
  return [...names].flatMap(name => compareValue(`${what}, ${name}`, get(expected, name), get(actual, name)))
}

function compareFates(expected: readonly ExpectedFate[], actual: readonly ExpectedFate[]): string[] {
  const differences: string[] = []
  const key = ({ file, line }: ExpectedFate) => `${file}:${line}`
  const found = Map.groupBy(actual, key)
  for (const fate of expected) {
    const fates = found.get(key(fate)) ?? []
    found.delete(key(fate))
    if (fates.length !== 1) differences.push(`${key(fate)} has ${fates.length} fates, expected ${describe(fate)}`)
    else if (!isDeepStrictEqual(fate, fates[0]))
      differences.push(`${key(fate)}: expected ${describe(fate)}, found ${describe(fates[0])}`)
  }
  for (const [record, fates] of found)
    differences.push(`${record} is no record of the input and is ${describe(fates[0])}`)
  if (differences.length === 0 && !isDeepStrictEqual(expected.map(key), actual.map(key)))
    differences.push('the fates are not in the order of slots and rows')
  return differences
}

function describe({ fate, reason, evidence, duplicateOf, similarity, id, ...at }: ExpectedFate): string {
  const why = reason === null ? '' : ` because ${reason}${evidence === null ? '' : ` (${evidence})`}`
  const original = duplicateOf ? ` of ${address(duplicateOf)}, similarity ${similarity}` : ''
  return `${fate}${why}${original}, at ${address(at)} with id '${id}'`
}

const address = ({ slot, row }: RowAddress) => `slot ${slot} row ${row}`

function compareTotals({ isEnded, fates, kept, shards }: Expected, { totals, dropped }: ActualRun): string[] {
  const dead = fates.filter(({ fate }) => fate === 'dead').length
  const reasons: Record<string, number> = {}
  for (const { fate, reason } of fates) if (fate === 'dropped') reasons[reason!] = (reasons[reason!] ?? 0) + 1
  // Tokens of shards that are open are counted with the next shard that is sealed.
  const tokens = isEnded ? tokensOf(shards.flatMap(shard => shard.documents)) : totals.tokens
  return [
    ...compareFields('totals', { documents: fates.length, kept: kept.length, dead, tokens }, totals),
    ...compareFields('dropped', reasons, dropped),
  ]
}

function compareShards(expected: readonly ExpectedShard[], actual: readonly ActualShard[]): string[] {
  const name = ({ domain, number }: { domain: string; number: number }) => `${domain}/${number}`
  const order = compareValue(
    'the shards in the order of sealing',
    expected.map(name),
    actual.map(({ entry }) => name(entry)),
  )
  const contents = expected.flatMap((shard, i) =>
    actual[i] && name(actual[i].entry) === name(shard) ? compareShard(`shard ${name(shard)}`, shard, actual[i]) : [],
  )
  return [...order, ...contents]
}

function compareShard(what: string, expected: ExpectedShard, { entry, sha256, documents }: ActualShard): string[] {
  const places = compareValue(`${what}, its documents`, expected.documents.map(address), documents.map(address))
  const differences = expected.documents.flatMap((document, i) => {
    const { domain: _, ...wanted } = document
    const found = documents[i]
    const isSame = !found || address(found) !== address(document) || isDeepStrictEqual(wanted, found)
    return isSame ? [] : compareFields(`${what}, ${address(document)}`, wanted, found)
  })
  const at = ({ slot, row }: RowAddress) => ({ slot, row })
  const manifest = {
    rows: expected.documents.length,
    tokens: tokensOf(expected.documents),
    textBytes: expected.documents.reduce((sum, document) => sum + document.textBytes, 0),
    first: at(expected.documents[0]),
    last: at(expected.documents.at(-1)!),
    sha256,
  }
  const { rows, tokens, textBytes, first, last } = entry
  const found = { rows, tokens, textBytes, first, last, sha256: entry.sha256 }
  return [...places, ...differences, ...compareFields(`the manifest of ${what}`, manifest, found)]
}

export function compareFeeds(expected: ExpectedFeed | null, actual: ActualFeed | null): string[] {
  // A feed without a step is not published before it ends.
  if (!actual) return expected && (expected.isEnded || expected.steps.length > 0) ? ['there is no feed'] : []
  if (!expected) return ['there is a feed, and the pipeline makes none']
  const { feed, root, steps, isEnded, leftover } = expected
  return [
    ...compareValue("the feed's id", feed, actual.feed),
    ...compareValue('the number of steps', steps.length, actual.steps.length),
    ...steps.flatMap((step, i) => (actual.steps[i] ? compareStep(i, expected, step, actual.steps[i]) : [])),
    ...compareValue('the feed has ended', isEnded, actual.isEnded),
    ...compareValue("the head's digest", steps.at(-1)?.digest ?? root, actual.digest),
    ...compareFields('leftover', leftover, actual.leftover),
  ]
}

function compareStep(
  number: number,
  feed: ExpectedFeed,
  expected: ExpectedStep,
  actual: ActualFeed['steps'][number],
): string[] {
  const line =
    expected.line === actual.line
      ? []
      : compareFields(`step ${number}`, JSON.parse(expected.line), JSON.parse(actual.line))
  const isOtherForm = expected.line !== actual.line && line.length === 0
  return [
    ...line,
    ...(isOtherForm ? [`step ${number}: expected the line ${expected.line}, found ${actual.line}`] : []),
    ...compareValue(`step ${number}, digest`, expected.digest, actual.digest),
    ...compareValue(`step ${number}, samples`, expected.samples.length, actual.samples.length),
    ...expected.samples.flatMap((sample, i) => {
      const found = actual.samples[i]
      return found ? compareFields(`step ${number}, sample ${i}`, layOut(sample, feed, number), found) : []
    }),
  ]
}

/**
 * A sample as a trainer must get it: a label is the next token of the same piece, -100 where there is none and in padding, and for what is
 * taken down by this step.
 */
function layOut({ domain, pieces }: ExpectedStep['samples'][number], feed: ExpectedFeed, step: number) {
  const { length, padding, align, hasNext } = feed
  const masks = pieces.map(({ document }) => findMask(document, feed, step))
  const spans = pieces.map(({ document, start, length: count }, i) =>
    document.tokens.slice(start, start + count).map(token => (masks[i]?.blank ? padding : token)),
  )
  const documents = pieces.map(piece => piece.document.id)
  const fill = (count: number, value: number) => Array.from({ length: count }, () => value)
  const toNext = (span: readonly number[]) => (align - (span.length % align)) % align
  const laid = spans.map(span => [...span, ...fill(toNext(span), padding)])
  const rest = length - laid.flat().length
  const count = (span: readonly number[]) => span.map((_, i) => i)
  const labels = spans.map((span, i) => {
    const { document, start, length: tokens } = pieces[i]
    const next = hasNext ? (document.tokens[start + tokens] ?? -100) : -100
    const known = masks[i] ? span.map(() => -100) : [...span.slice(1), next]
    return [...known, ...fill(toNext(span), -100)]
  })
  const pad = fill(rest, padding)
  const all = rest > 0 ? [...laid, pad] : laid
  const [bounds, reals] = [[0], [0]]
  for (const span of all) bounds.push(bounds.at(-1)! + span.length)
  for (const span of rest > 0 ? [...spans, pad] : spans) reals.push(reals.at(-1)! + span.length)
  return {
    domain,
    inputIds: all.flat(),
    labels: [...labels.flat(), ...pad.map(() => -100)],
    positionIds: all.flatMap(count),
    bounds,
    reals,
    documents: rest > 0 ? [...documents, ''] : documents,
  }
}

/** Whether a document is taken down in a step, and its tokens too; null where it is not. */
function findMask(document: RowAddress, { takeDowns }: ExpectedFeed, step: number): { blank: boolean } | null {
  const held = takeDowns.filter(one => one.step <= step && one.takeDown!.rows.has(keyOf(document)))
  return held.length > 0 ? { blank: held.some(({ takeDown }) => takeDown!.blank) } : null
}
