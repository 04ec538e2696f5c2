import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { before, test } from 'node:test'
import { type Reference, runChain, runUndisturbed } from './chain.ts'
import { type Kill, makeSubject, parseKill, removeDir, type Subject } from './life.ts'
import { points } from './points.ts'
import { recallMutants } from './recall.ts'
import { mutants } from './replay.ts'

// The harness of `npm run kill`, a kill of each kind, and a planted mistake that it must find.
const documentsPerFile = 14
let subject: Subject
let reference: Reference
before(async () => {
  subject = await makeSubject({ seed: 11, documentsPerFile })
  reference = await runUndisturbed(subject, 2)
})

const kinds = [
  'run.rename.before:1',
  'annotate.frame.torn:2',
  'annotate.draft.torn:1',
  'lock.break.taken:1',
  'decide.sync.after:1',
  'state.seal.torn:1',
  'shard.file.rename.after:2',
  'block.written:1',
  'ledger.append.torn:2',
  'head.rename.after:2',
]

/** Gives the kills one after the other, and then lets the run end. */
function inTurn(kills: readonly Kill[]): () => Kill | null {
  const left = [...kills]
  return () => left.shift() ?? null
}

test('killed at a point of each kind, a run goes on to the same bytes', async () => {
  const options = { workers: 1, verifies: false, next: inTurn(kinds.map(parseKill)) }
  const { outcomes, failure, restarts } = await runChain(subject, reference, options)
  assert.equal(failure, null)
  assert.deepEqual(
    outcomes.filter(outcome => !outcome.isKilled).map(({ kill }) => kill),
    [],
  )
  assert.equal(restarts, kinds.length)
})

test('every point is passed by an undisturbed run, but those of a recovery', () => {
  const { passings } = reference
  assert.deepEqual(
    points.filter(({ name, behind }) => !behind && !passings[name]).map(({ name }) => name),
    [],
  )
})

// What SIGKILL can show: an effect too early, or a recovery that is wrong. A sync left out it can't, as the system keeps what was written.
const mistakes: [what: string, module: string, from: string, to: string, kills: string[], found: RegExp][] = [
  [
    'a head that counts steps before the ledger has them',
    'feed/publish.ts',
    'await this.#ledger.sync()\n        await this.#writeHead({ steps, digest, ...this.#counted() })',
    'await this.#writeHead({ steps, digest, ...this.#counted() })\n        await this.#ledger.sync()',
    ['head.rename.after:1'],
    /^\d+ bytes differ, in feed\//,
  ],
  [
    'tables that are sealed before the log has the slots',
    'run/decide/decide-stage.ts',
    'await owner.commit(commitOf(group, slot, notes))',
    'await state.seal(slot, group.mark)\n        await owner.commit(commitOf(group, slot, notes))',
    ['decide.frame.before:2'],
    /the state in .* holds slots before \d+ and the log only those before \d+/,
  ],
  [
    'open shards that are not filled again',
    'record/notes.ts',
    'return Math.min(slot, ',
    'return Math.max(slot, ',
    ['shard.sync.after:3'],
    /bytes differ, in (shards|feed)\//,
  ],
  [
    'rows of a sealed shard that are added a second time',
    'run/shard/open-shards.ts',
    'if (slot < domain.sealedTo) continue',
    '',
    ['shard.sync.after:3', 'shard.sync.after:3'],
    /bytes differ, in (shards|feed)\/|that it did not seal before the restart/,
  ],
]
for (const [what, module, from, to, kills, found] of mistakes)
  test(`finds ${what}`, async () => {
    const options = { workers: 1, verifies: false, next: inTurn(kills.map(parseKill)) }
    const chain = await runChain({ ...subject, plant: { module, from, to } }, reference, options)
    assert.match(chain.failure ?? 'nothing was found', found)
    await removeDir(chain.dir)
  })

// Lives of these take too long for here: `npm run kill -- --replay` and `--recall` end them, and with `--mutant` find these.
test('each mistake in a replay or a recall has its place', () => {
  for (const { module, from } of Object.values({ ...mutants, ...recallMutants })) {
    const source = readFileSync(new URL(`../../src/${module}`, import.meta.url), 'utf8')
    assert.equal(source.split(from).length, 2, from)
  }
})
