import assert from 'node:assert/strict'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { clearPassed } from '../../src/record/hold.ts'
import { listRequests, putRequest, removeRequest } from '../../src/record/redrive-request.ts'
import { listReleases, putRelease, type Release, releases } from '../../src/record/release.ts'
import { makeFolder } from '../temporary.ts'

const release = (slot: number, at = '2026-01-01T00:00:00.000Z'): Release => ({
  ...{ kind: 'release', slot, groups: [{ guard: 'by all over 64 slots', group: 'all' }] },
  ...{ who: 'ann', why: 'a mirror', at },
})
const slotsOf = async (dir: string) => (await listReleases(dir)).map(one => one.slot)

test('an inbox that nothing was put in is empty', async () => {
  const dir = makeFolder('inbox')
  assert.deepEqual([await listReleases(dir), await clearPassed(dir, 5)], [[], false])
})

test('entries come back whole, in the order of time, also those of one millisecond', async () => {
  const dir = makeFolder('inbox')
  const put = [release(3, '2026-03-01T00:00:00.000Z'), release(1), release(1), release(2, '2026-02-01T00:00:00.000Z')]
  for (const one of put) await putRelease(dir, one)
  assert.deepEqual(await slotsOf(dir), [1, 1, 2, 3])
  assert.deepEqual((await listReleases(dir))[3], put[0])
})

test('an entry is removed once, and again without harm', async () => {
  const dir = makeFolder('inbox')
  await putRelease(dir, release(1))
  const [name] = (await releases.list(dir)).keys()
  await releases.remove(dir, name)
  await releases.remove(dir, name)
  assert.deepEqual(await listReleases(dir), [])
})

test('what was left of a write that did not end is no entry', async () => {
  const dir = makeFolder('inbox')
  await putRelease(dir, release(1))
  await writeFile(join(dir, 'inbox', '20260101.release.tmp'), '{"kind": "rel')
  assert.deepEqual(await slotsOf(dir), [1])
})

test('releases of slots that are committed are cleared away, the others stay', async () => {
  const dir = makeFolder('inbox')
  for (const slot of [4, 5, 6]) await putRelease(dir, release(slot))
  assert.equal(await clearPassed(dir, 6), true)
  assert.deepEqual(await slotsOf(dir), [6])
  assert.equal(await clearPassed(dir, 7), false)
  assert.deepEqual(await slotsOf(dir), [])
})

const whole = JSON.stringify(release(7))
const damaged: [what: string, text: string][] = [
  ['empty', ''],
  ['cut off', whole.slice(0, 40)],
  ['another value', '[]'],
  ['null', 'null'],
  ['of another kind', whole.replace('release', 'promote')],
  ['without a slot', whole.replace('"slot":7,', '')],
  ['of half a slot', whole.replace('"slot":7', '"slot":7.5')],
  ['without a name', whole.replace('"who":"ann",', '')],
  ['without a reason', whole.replace('"why":"a mirror",', '')],
  ['with a number for a reason', whole.replace('"a mirror"', '3')],
  ['without groups', whole.replace('"groups"', '"group"')],
  ['with a group without its guard', whole.replace('"guard"', '"rail"')],
  ['with null for a group', whole.replace(/\{"guard[^}]*\}/, 'null')],
]
for (const [what, text] of damaged)
  test(`an entry that is ${what} is refused with its name`, async () => {
    const dir = makeFolder('inbox')
    await putRelease(dir, release(1))
    await writeFile(join(dir, 'inbox', 'b.release'), text)
    const message = /inbox\/b\.release is no release: delete it, and give it again with 'headrace release'/
    await assert.rejects(listReleases(dir), { code: 'corrupt', message })
    await assert.rejects(clearPassed(dir, 9), { code: 'corrupt', message })
    assert.equal((await readdir(join(dir, 'inbox'))).length, 2, 'and nothing is removed')
  })

test('an inbox that no run empties takes no more than its bound', async () => {
  const dir = makeFolder('inbox')
  await mkdir(join(dir, 'inbox'))
  for (let i = 0; i < 1000; i++) await writeFile(join(dir, 'inbox', `${i}.release`), whole)
  await assert.rejects(putRelease(dir, release(1)), {
    code: 'limit',
    message: /holds 1000 entries that no run has taken/,
  })
})

test('requests and releases share the folder and keep apart, and a request goes by the name of its file', async () => {
  const dir = makeFolder('inbox')
  await putRelease(dir, release(1))
  const id = await putRequest(dir, ['broken-json'])
  assert.deepEqual(await listRequests(dir), [{ kind: 'redrive', id, reasons: ['broken-json'] }])
  assert.deepEqual(await slotsOf(dir), [1])
  // As it was written before, in one line; and one whose id leads out of the folder.
  await writeFile(join(dir, 'inbox', 'b.redrive'), '{"kind":"redrive","id":"b","reasons":[]}\n')
  await writeFile(join(dir, 'inbox', 'c.redrive'), '{"kind":"redrive","id":"../../hold","reasons":[]}')
  const named = (await listRequests(dir)).map(request => request.id)
  assert.deepEqual(named, [id, 'b', 'c'].sort())
  for (const name of named) await removeRequest(dir, name)
  assert.deepEqual([await listRequests(dir), await slotsOf(dir)], [[], [1]])
})

for (const text of ['', '[]', '{"kind":"redrive","id":"a"}', '{"kind":"release","id":"a","reasons":[]}'])
  test(`a request that is ${JSON.stringify(text)} is refused with its name`, async () => {
    const dir = makeFolder('inbox')
    await mkdir(join(dir, 'inbox'))
    await writeFile(join(dir, 'inbox', 'a.redrive'), text)
    const message = /inbox\/a\.redrive is no request: delete it, and ask again with 'headrace redrive'/
    await assert.rejects(listRequests(dir), { code: 'corrupt', message })
  })
