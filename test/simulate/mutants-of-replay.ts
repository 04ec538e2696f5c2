import { type Mutant, mutant } from './plant-mutant.ts'

/** What goes wrong where a run is replayed. */
const replayMutants: readonly Mutant[] = [
  mutant(
    'rows that a gate stopped are taken for wholly measured',
    'run/measure/stored-slot.ts',
    'row => (isStopped(row) ? -1 : steps.length)',
    'row => (isStopped(-1) ? -1 : steps.length + 0 * row)',
  ),
  mutant(
    'a replay that goes on reads its slots from the first on',
    'run/replay/replay-stage.ts',
    'from: Math.max(slot, from), to,',
    'from, to,',
  ),
  mutant(
    'tokens of another run are taken whatever they are of',
    'run/replay/reuse-tokens.ts',
    'return tokens === plan.tokensFingerprint && !groups',
    'return true || !groups',
  ),
  mutant(
    'a slot of a replay without a document has no columns',
    'run/measure/stored-slot.ts',
    '  if (stored.rows === 0) groups.set(steps.length, [])\n',
    '',
  ),
  mutant(
    'a replay has no splits',
    'run/replay/replay-stage.ts',
    "note === '' ? await readSplits(reader.log, reader.run) : null",
    'null',
  ),
]

/** What goes wrong where a feed goes on with another run. */
const promotionMutants: readonly Mutant[] = [
  mutant('what was covered is fed again', 'promote/select.ts', "    if (rows.has(address)) return 'covered'\n", ''),
  mutant(
    'a copy of what was covered is fed',
    'promote/select.ts',
    "    if (copies.has(address)) return 'swapped'\n",
    '',
  ),
  mutant(
    'links to shards are not synced into their folder',
    'promote/links.ts',
    '    for (const folder of folders) await syncFolder(folder)\n',
    '',
  ),
  mutant(
    'blocks that were begun are left at a promotion',
    'feed/plan/domain.ts',
    'fed.block + (fed.at > 0 || fed.before.length > 0 ? 1 : 0)',
    'fed.block',
  ),
  mutant(
    'what a fork passes over before it is promoted is not covered',
    'promote/cover.ts',
    '    if (planner.steps === step) missingSteps = await planner.passOver()\n',
    '',
  ),
]

/** What goes wrong where a feed parts from another. */
const forkMutants: readonly Mutant[] = [
  mutant(
    'an entry that names the first step that is passed over is in force there',
    'feed/plan/fork.ts',
    '(at >= from ? at + to - from + 1 : at)',
    '(at > from ? at + to - from + 1 : at)',
  ),
  mutant(
    'a fork builds on what a stopped one left',
    'feed/change/fork.ts',
    '  await rm(draft, { recursive: true, force: true })\n',
    '',
  ),
  mutant(
    "a fork's name is not synced",
    'feed/change/fork.ts',
    '    await rename(draft, to)\n    await syncFolder(dirname(to))\n',
    '    await rename(draft, to)\n',
  ),
  mutant(
    'what is passed over counts as fed',
    'feed/plan/planner.ts',
    '    for (const [name, place] of filled.places) this.#passed.add(name, this.#assembly.domains.get(name)!, place)\n',
    '',
  ),
]

/** What goes wrong where documents are taken down. */
const takeDownMutants: readonly Mutant[] = [
  mutant(
    'what a document repeats is not taken down with it',
    'record/copies.ts',
    '    if (partner >= 0) this.#add(partner)\n',
    '',
  ),
  mutant(
    'copies that only the run found to which the feed was promoted are not taken down',
    'record/copies.ts',
    'const runs = [run, ...others]',
    'const runs = [run, ...others.slice(0, 0)]',
  ),
  mutant('documents are masked a step late', 'feed/files/masks.ts', 'if (from > step)', 'if (from >= step)'),
  mutant(
    'of two lists of documents that are taken down the last one holds',
    'feed/files/masks.ts',
    'const { from, blankFrom } = rows.get(address) ?? { from: never, blankFrom: never }',
    'const { from, blankFrom } = { from: never, blankFrom: never }',
  ),
]

export const afterwardsMutants: readonly Mutant[] = [
  ...replayMutants,
  ...promotionMutants,
  ...forkMutants,
  ...takeDownMutants,
]
