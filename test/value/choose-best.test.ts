import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Choice, type ChosenBefore, chooseBest } from '../../src/value/choose-best.ts'
import { type ScoredRow, ScoredRows } from '../../src/value/scored-rows.ts'
import { randomFrom } from '../random.ts'

const nothing: ChosenBefore = { texts: new Set(), addresses: new Set(), hosts: new Map(), sources: new Map() }
const unbounded = { perHost: Number.MAX_SAFE_INTEGER, perSource: Number.MAX_SAFE_INTEGER }

function makeRows(seed: number, count: number): ScoredRow[] {
  const random = randomFrom(seed)
  const name = (of: number) => (random() < 0.1 ? Number.NaN : Math.floor(random() * of) / of)
  return Array.from({ length: count }, (_, address) => {
    // Some texts stand at two addresses, with the same scores.
    const text = random() < 0.2 ? Math.floor(random() * 50) / 50 : random()
    return { address, text, host: name(7), source: name(3), seed: text * 3 - 1, score: (text * 997) % 5 }
  })
}

async function choose(rows: readonly ScoredRow[], choice: Choice, before: ChosenBefore = nothing) {
  await using scored = await ScoredRows.open()
  for (const row of rows) await scored.add(row)
  return { chosen: await chooseBest(scored, choice, before), ranks: rows.map(row => scored.rankOf(row)) }
}

/** The same by sorting all. */
function chooseSlowly(
  rows: readonly ScoredRow[],
  ranks: readonly number[],
  choice: Choice,
  before: ChosenBefore,
): number[] {
  const order = rows.map((_, i) => i).sort((a, b) => ranks[b] - ranks[a] || rows[a].text - rows[b].text || a - b)
  const [texts, hosts, sources] = [new Set(before.texts), new Map(before.hosts), new Map(before.sources)]
  const chosen: number[] = []
  for (const i of order) {
    const { text, host, source, address } = rows[i]
    const [ofHost, ofSource] = [hosts.get(host) ?? 0, sources.get(source) ?? 0]
    const isFull = ofHost >= choice.perHost || ofSource >= choice.perSource
    if (chosen.length === choice.add || texts.has(text) || before.addresses.has(address) || isFull) continue
    chosen.push(address)
    texts.add(text)
    if (!Number.isNaN(host)) hosts.set(host, ofHost + 1)
    if (!Number.isNaN(source)) sources.set(source, ofSource + 1)
  }
  return chosen
}

const choices: [what: string, choice: Choice, before?: Partial<ChosenBefore>][] = [
  ['the best', { add: 40, ...unbounded }],
  ['no more of a host than it has room for', { add: 40, perHost: 4, perSource: Number.MAX_SAFE_INTEGER }],
  ['nor of a source', { add: 40, perHost: Number.MAX_SAFE_INTEGER, perSource: 3 }],
  [
    'both, with what is in already',
    { add: 40, perHost: 6, perSource: 9 },
    { hosts: new Map([[0, 5]]), sources: new Map([[1 / 3, 8]]) },
  ],
  ['all that there is', { add: 5000, ...unbounded }],
]
for (const [what, choice, before] of choices)
  test(`${what}, as by sorting all`, async () => {
    for (const seed of [1, 2, 3]) {
      const rows = makeRows(seed, 400)
      const all = { ...nothing, texts: new Set([rows[3].text]), addresses: new Set([5, 6]), ...before }
      const { chosen, ranks } = await choose(rows, choice, all)
      assert.deepEqual(
        chosen.map(({ address }) => address),
        chooseSlowly(rows, ranks, choice, all),
      )
      assert.equal(new Set(chosen.map(({ text }) => text)).size, chosen.length)
    }
  })

for (const isEqual of [false, true])
  test(`where bounds leave too few of what is held, the rows are read again${isEqual ? ', of equal ranks, too' : ''}`, async () => {
    // A host has all of the best, more of them than one pass holds.
    const rows = Array.from({ length: 70_000 }, (_, i) => {
      const rank = isEqual ? 1 : i < 66_000 ? 2 + i / 1e6 : i / 1e6
      return {
        address: i,
        text: i / 100_000,
        host: i < 66_000 ? 0.5 : 0.25,
        source: Number.NaN,
        seed: rank,
        score: rank,
      }
    })
    const { chosen } = await choose(rows, { add: 5, perHost: 3, perSource: 9 })
    assert.deepEqual(
      chosen.map(({ host }) => host),
      [0.5, 0.5, 0.5, 0.25, 0.25],
    )
    if (isEqual)
      assert.deepEqual(
        chosen.map(({ address }) => address),
        [0, 1, 2, 66_000, 66_001],
      )
  })
