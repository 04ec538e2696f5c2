import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { limits } from '../../../src/limits.ts'
import type { DocumentQuery } from '../../../src/page/live/document-query.ts'
import { type FoundDocument, findDocuments } from '../../../src/page/live/find-documents.ts'
import { RunReader } from '../../../src/record/run-reader.ts'
import { setLimits } from '../../simulate/small-limits.ts'
import { hostile, hostileReason } from '../made.ts'
import { addressOf, copyAsOlder, type LoggedRecord, makeRuns, readLog } from './made-runs.ts'

// Documents that are found, against a walk over all that the log has.

let dir = ''
let log: LoggedRecord[] = []
/** Slots that are decided. */
let slots = 0

before(async () => {
  const runs = await makeRuns(['whole', 'bare'])
  dir = join(runs, 'whole')
  log = await readLog(dir)
  await using run = await RunReader.open(dir)
  slots = (await Array.fromAsync(run.slots())).length
  assert.ok(slots > 15, `${slots} slots`)
})

/** All that is found, page by page. */
async function findAll(query: DocumentQuery, of = dir) {
  await using run = await RunReader.open(of)
  const found: FoundDocument[] = []
  const pages: number[] = []
  const scanned = { slots: 0, rows: 0, textless: 0 }
  for (let after = query.after; ; ) {
    const page = await findDocuments(run, { ...query, after })
    found.push(...page.documents)
    pages.push(page.documents.length)
    scanned.slots += page.scanned.slots
    scanned.rows += page.scanned.rows
    scanned.textless += page.scanned.textless
    assert.equal(page.isEnd, page.next === null)
    if (page.next === null) return { found, pages, scanned }
    const [slot, row] = page.next.split('/').map(Number)
    assert.ok(!after || slot > after.slot || (slot === after.slot && row > after.row), 'the search goes on')
    after = { slot, row }
  }
}

const has = (text: string, part: string) => text.toLowerCase().includes(part.toLowerCase())
const isSearched = (part: string) => (one: LoggedRecord) =>
  [one.id, `${one.file}:${one.line}`, one.fate === 'dead' ? String(one.evidence) : one.text].some(text =>
    has(text, part),
  )

const queries: [query: DocumentQuery, isWanted: (one: LoggedRecord) => boolean][] = [
  [{}, () => true],
  [{ fate: 'kept' }, one => one.fate === 'kept'],
  [{ fate: 'dropped' }, one => one.fate === 'dropped'],
  [{ fate: 'dead' }, one => one.fate === 'dead'],
  [{ reason: 'near-duplicate' }, one => one.reason === 'near-duplicate'],
  [{ reason: hostileReason }, one => one.reason === hostileReason],
  [{ reason: 'bad-json' }, one => one.reason === 'bad-json'],
  [{ fate: 'kept', reason: 'near-duplicate' }, () => false],
  [{ domain: '__proto__' }, one => one.domain === '__proto__' && one.fate !== 'dead'],
  [{ domain: hostile }, one => one.domain === hostile],
  // As pages show it: cut, and without what steers.
  [{ domain: `${'b'.repeat(59)}…` }, one => one.domain === 'b'.repeat(80)],
  [{ domain: 'web', fate: 'dropped' }, one => one.domain === 'web' && one.fate === 'dropped'],
  [{ q: 'ONE LINE MORE' }, isSearched('one line more')],
  [{ q: '.jsonl:17' }, isSearched('.jsonl:17')],
  [{ q: 'd25' }, isSearched('d25')],
  [{ q: '<IMG src=x', fate: 'kept' }, one => one.fate === 'kept' && isSearched('<img src=x')(one)],
  [{ q: 'json', fate: 'dead' }, one => one.fate === 'dead' && isSearched('json')(one)],
  [{ q: 'no document has this' }, () => false],
  [{ after: { slot: 5, row: 2 } }, ({ slot, row }) => slot > 5 || (slot === 5 && row > 2)],
  [{ after: { slot: 1e9, row: 0 } }, () => false],
]
for (const [query, isWanted] of queries)
  test(`${JSON.stringify(query)} finds what the log has, each once, however many are asked for at a time`, async () => {
    const wanted = log.filter(isWanted)
    for (const limit of [undefined, 1, 7, 100]) {
      if (limit === 1 && wanted.length > 60) continue
      const { found, pages } = await findAll({ ...query, limit })
      assert.deepEqual(found.map(addressOf), wanted.map(addressOf))
      assert.ok(pages.every(count => count <= (limit ?? 20)))
      for (const [i, { fate, reason }] of found.entries()) {
        assert.equal(fate, wanted[i].fate)
        // A reason as it stands here is clean.
        assert.equal(reason.slice(0, 20), (wanted[i].reason ?? '').slice(0, 20))
      }
    }
  })

test('what is not in the log is found nowhere, and each of the queries but those finds something', () => {
  for (const [query, isWanted] of queries.filter(([, isWanted]) => !log.some(isWanted)))
    assert.ok(query.q?.startsWith('no ') || query.after || query.reason, `${JSON.stringify(query)} ${isWanted}`)
})

test('names, places and texts are clean and short', async () => {
  const { found } = await findAll({ limit: 100 })
  for (const one of found)
    for (const text of [one.id, one.domain, one.language, one.place, one.reason, one.head]) {
      assert.doesNotMatch(text, /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u)
      assert.ok(text.length <= 300)
    }
  const shown = found.find(one => one.id.startsWith('</script>'))!
  assert.match(shown.id, /^<\/script><!--<img src=x onerror=alert\(1\)>\ufffd\ufffd\[31m $/)
  const long = found.find(one => one.id === 'd8')!
  assert.equal(long.head, `${'x'.repeat(199)}…`)
})

test('one call looks at so many slots at most, and goes on behind them', async () => {
  const { searchSlotsMax, searchMs } = limits
  setLimits({ searchSlotsMax: 3 })
  const { pages, scanned } = await findAll({ q: 'no document has this' })
  assert.equal(pages.length, Math.ceil(slots / 3))
  assert.equal(scanned.rows, log.length)
  setLimits({ searchSlotsMax, searchMs: 0 })
  const bySlot = await findAll({ q: 'one line more' })
  assert.equal(bySlot.pages.length, slots)
  assert.deepEqual(bySlot.found.map(addressOf), log.filter(isSearched('one line more')).map(addressOf))
  setLimits({ searchMs })
})

test('of a run of an older version the same are found', async () => {
  const older = await copyAsOlder(dir)
  const without = ({ found }: Awaited<ReturnType<typeof findAll>>) => found
  assert.deepEqual(without(await findAll({ limit: 100 }, older)), without(await findAll({ limit: 100 })))
})

test('where texts are not stored labels are searched, and the rest is counted', async () => {
  const bare = join(dir, '..', 'bare')
  const records = await readLog(bare)
  const place = await findAll({ q: '.jsonl:17', limit: 100 }, bare)
  assert.deepEqual(place.found.map(addressOf), records.filter(isSearched('.jsonl:17')).map(addressOf))
  const isAlive = ({ fate }: { readonly fate: string }) => fate !== 'dead'
  const found = place.found.filter(isAlive)
  assert.equal(place.scanned.textless, records.filter(isAlive).length - found.length)
  for (const { head, noText } of found) assert.deepEqual([head, noText], ['', 'this run does not store its texts'])
})
