import assert from 'node:assert/strict'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { JournalLog } from '../../src/log/journal.ts'
import type { Commit, Owner } from '../../src/log/log.ts'
import { MemoryLog } from '../../src/log/memory.ts'
import { logRules, testLog } from '../conformance/log.ts'

async function openJournal() {
  const dir = await mkdtemp(join(tmpdir(), 'headrace-log-'))
  const log = new JournalLog(dir, { writable: true, segmentBytesMax: 1500 })
  return {
    log,
    reopen: async () => {
      await log[Symbol.asyncDispose]()
      return new JournalLog(dir, { writable: true, segmentBytesMax: 1500 })
    },
  }
}

testLog('memory', async () => ({ log: new MemoryLog() }))
testLog('journal', openJournal)

/** A memory log with one mistake in it. */
class BrokenLog extends MemoryLog {
  readonly #break: (commit: Commit, real: Owner, former: Owner | null) => Promise<void>
  #owner: Owner | null = null
  constructor(mistake: (commit: Commit, real: Owner, former: Owner | null) => Promise<void>) {
    super()
    this.#break = mistake
  }
  override async own(stage: string): Promise<Owner> {
    const former = this.#owner
    const real = await super.own(stage)
    this.#owner = real
    return { commit: commit => this.#break(commit, real, former), [Symbol.asyncDispose]: async () => {} }
  }
}

const mutants: Record<string, () => MemoryLog> = {
  'a commit is applied twice': () =>
    new BrokenLog(async (commit, real) => {
      await real.commit(commit)
      await real.commit({ ...commit, positions: [] })
    }),
  'positions are forgotten': () => new BrokenLog((commit, real) => real.commit({ ...commit, positions: [] })),
  'the last append is lost': () =>
    new BrokenLog((commit, real) => real.commit({ ...commit, appends: commit.appends.slice(0, -1) })),
  'a fenced owner still writes': () => {
    const log: MemoryLog = new BrokenLog((commit, real) =>
      real.commit(commit).catch(async () => (await log.own('s')).commit(commit)),
    )
    return log
  },
}

for (const [mistake, open] of Object.entries(mutants))
  test(`the suite catches a log where ${mistake}`, async () => {
    const results = await Promise.allSettled(Object.values(logRules).map(check => check({ log: open() })))
    assert.ok(results.some(result => result.status === 'rejected'))
  })
