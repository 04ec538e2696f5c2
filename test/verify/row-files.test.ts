import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { materialise } from '../../src/rows/materialise.ts'
import { Check } from '../../src/verify/check.ts'
import { findHead } from '../../src/verify/feed.ts'
import { verifyRows } from '../../src/verify/row-files.ts'
import { drawFrom } from '../random.ts'
import { publishFeed, writeShards } from '../rows/fixture.ts'
import { makeFolder } from '../temporary.ts'

const home = makeFolder('row-files')
const whole = join(home, 'whole')
const draw = drawFrom(Math.floor(Math.random() * 2 ** 31))
let folders = 0
const bits = process.env.CI ? 100 : 30

before(async () => {
  const corpus = await writeShards(home)
  await publishFeed(home, whole, corpus)
  await materialise({ feed: whole, from: null, to: null, fileSteps: 4, keepSteps: null, follow: false })
})

/** A copy of the feed, edited, as it is judged. */
async function judge(edit: (rows: string) => void): Promise<Check> {
  const folder = `feed-${folders++}`
  cpSync(whole, join(home, folder), { recursive: true })
  edit(join(home, folder, 'rows'))
  const check = new Check('rows', 'files')
  await verifyRows(home, (await findHead(home, folder))!, check)
  rmSync(join(home, folder), { recursive: true })
  return check
}
const namesOf = (rows: string, suffix: string) =>
  readdirSync(rows)
    .filter(name => name.endsWith(suffix))
    .sort()

test('rows that hold are counted, and nothing is said of them', async () => {
  const { counted, failures, notes } = await judge(() => {})
  assert.deepEqual([counted > 2, failures, notes], [true, 0, []])
})

test('one bit in what rows hold is found wherever it is, and the file named', async () => {
  for (let i = 0; i < bits; i++) {
    let path = ''
    const { failures, problems } = await judge(rows => {
      const names = [...namesOf(rows, '.i32'), ...namesOf(rows, '.spans')]
      path = names[draw(names.length)]
      const bytes = readFileSync(join(rows, path))
      bytes[draw(bytes.length)] ^= 1 << draw(8)
      writeFileSync(join(rows, path), bytes)
    })
    assert.ok(failures > 0, `nothing was found in ${path}`)
    assert.ok(problems[0].file.endsWith(path) && problems[0].place.startsWith('byte '), JSON.stringify(problems[0]))
    assert.match(problems[0].advice, /headrace materialise/)
  }
})

type Description = Record<string, unknown> & { sha256: string[]; digests: string[]; targets: number[]; order: number[] }
const changed = (list: readonly string[]) =>
  list.map((one, i) => (i === 1 ? one.replace(/^./, c => (c === '0' ? '1' : '0')) : one))
const edits: [what: string, edit: (says: Description) => object][] = [
  ['of another feed', () => ({ feed: '0'.repeat(64) })],
  ['of other steps', ({ first }) => ({ first: Number(first) + 1 })],
  ['of steps that are not there', ({ steps }) => ({ steps: Number(steps) + 1 })],
  ['with another end of text', () => ({ endOfText: 1 })],
  ['with another order', ({ order }) => ({ order: order.toReversed() })],
  ['with another hash', ({ sha256 }) => ({ sha256: changed(sha256) })],
  ['with another digest', ({ digests }) => ({ digests: changed(digests) })],
  ['with other targets', ({ targets }) => ({ targets: targets.map(count => count + 1) })],
  ['with other domains', ({ domains }) => ({ domains: (domains as string[]).toReversed() })],
  ['with another batch', ({ batch }) => ({ batch: 2 * Number(batch) })],
]
for (const [what, edit] of edits)
  test(`a description ${what} is found`, async () => {
    const { failures } = await judge(rows => {
      const file = join(rows, namesOf(rows, '.json')[0])
      const says = JSON.parse(readFileSync(file, 'utf8'))
      writeFileSync(file, JSON.stringify({ ...says, ...edit(says) }))
    })
    assert.ok(failures > 0)
  })

const damages: [what: string, damage: (rows: string) => void][] = [
  ['tokens that are cut off', rows => truncateSync(join(rows, namesOf(rows, '.i32')[1]), 40)],
  ['tokens that are gone', rows => rmSync(join(rows, namesOf(rows, '.i32')[1]))],
  ['spans that go on', rows => writeFileSync(join(rows, namesOf(rows, '.spans')[0]), 'more', { flag: 'a' })],
  ['no description', rows => writeFileSync(join(rows, namesOf(rows, '.json')[0]), '{}')],
]
for (const [what, damage] of damages)
  test(`${what}: found`, async () => {
    assert.ok((await judge(damage)).failures > 0)
  })
