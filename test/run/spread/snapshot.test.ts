import assert from 'node:assert/strict'
import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openTables } from '../../../src/decide/tables/tables.ts'
import { setLimits } from '../../simulate/small-limits.ts'
import { makeFolder } from '../../temporary.ts'
import { examine } from '../examine.ts'
import { until } from './memory-run.ts'

const { check, mutate } = examine<typeof import('../../../src/run/spread/snapshot.ts')>('spread/snapshot.ts')
setLimits({ snapshotSlots: 4 })

const shapes = [{ name: 'rows', kind: 'list' as const, width: 8 }]
const openAt = (folder: string) => openTables({ path: join(folder, 'decide.tables'), shapes, identity: 'x' })
type Tables = Awaited<ReturnType<typeof openAt>>

/** A run's folder, a folder of state beside it, and tables in that. */
async function begin() {
  const dir = makeFolder('snapshot')
  const folder = join(dir, 'state')
  const tables = await openAt(folder)
  const close = () => tables[Symbol.asyncDispose]()
  return { dir, path: join(folder, 'decide.tables'), folder, tables, [Symbol.asyncDispose]: close }
}

/** Seals slots up to `to`, each with an item that says its number. */
async function seal(tables: Tables, to: number): Promise<void> {
  for (let slot = tables.slot(); slot < to; slot++) {
    tables.list('rows').push(new Uint8Array(Float64Array.of(slot).buffer))
    await tables.seal(slot + 1)
  }
}

/** The slots that tables hold, which must be all before the one that they say. */
function slotOf(tables: Tables): number {
  const list = tables.list('rows')
  assert.equal(list.size, tables.slot())
  for (let i = 0; i < list.size; i++) assert.equal(new Float64Array(list.at(i).slice().buffer)[0], i)
  return tables.slot()
}

/** The slot to which a machine without tables is brought by the snapshot. */
async function restored(
  { restoreSnapshot }: { restoreSnapshot: (dir: string, to: string) => Promise<void> },
  dir: string,
) {
  const folder = makeFolder('other')
  await restoreSnapshot(dir, folder)
  await using tables = await openAt(folder)
  assert.deepEqual(await readdir(folder), ['decide.tables'])
  return slotOf(tables)
}

const bytesOf = (dir: string) => readFile(join(dir, 'snapshot', 'decide.tables'))

check('there is none before the first seal, and then it has all that is sealed', async module => {
  await using run = await begin()
  const { dir, path, tables } = run
  assert.equal(await module.readSnapshot(dir), null)
  await seal(tables, 3)
  {
    await using _none = new module.Snapshot(dir, path)
  }
  assert.equal(await module.readSnapshot(dir), null)
  {
    await using snapshot = new module.Snapshot(dir, path)
    snapshot.sealed(3)
  }
  const bytes = await readFile(path)
  assert.deepEqual(await module.readSnapshot(dir), { slot: 3, bytes: bytes.length })
  assert.deepEqual(await bytesOf(dir), bytes)
  assert.equal(await restored(module, dir), 3)
})

check('it is brought up to date while the tables grow, now and then, by what was added', async module => {
  await using run = await begin()
  const { dir, path, tables } = run
  {
    await using snapshot = new module.Snapshot(dir, path)
    for (let slot = 1; slot <= 30; slot++) {
      await seal(tables, slot)
      snapshot.sealed(slot)
      const at = 1 + 4 * Math.floor((slot - 1) / 4)
      if (slot === at) await until('it is copied', async () => (await module.readSnapshot(dir))?.slot === at)
      assert.equal((await module.readSnapshot(dir))?.slot, at)
      if (slot === 14) assert.equal(await restored(module, dir), 13)
    }
  }
  assert.equal(await restored(module, dir), 29)
  assert.deepEqual((await readdir(join(dir, 'snapshot'))).sort(), ['decide.json', 'decide.tables'])
})

check('what is sealed while a copy is at work is in it whole, or comes with the next', async module => {
  await using run = await begin()
  const { dir, path, tables } = run
  {
    await using snapshot = new module.Snapshot(dir, path)
    for (let slot = 1; slot <= 300; slot++) {
      await seal(tables, slot)
      snapshot.sealed(slot)
    }
  }
  const { slot, bytes } = (await module.readSnapshot(dir))!
  assert.ok(slot >= 297, `slot ${slot}`)
  assert.equal((await bytesOf(dir)).length, bytes)
  assert.ok((await restored(module, dir)) >= slot)
})

check('the next owner begins a file of its own, and the one before changes nothing more', async module => {
  await using first = await begin()
  await using second = await begin()
  const { dir } = first
  let isFormer = false
  await using old = new module.Snapshot(dir, first.path, () => assert.ok(!isFormer, 'fenced'))
  await seal(first.tables, 5)
  old.sealed(5)
  await until('it is copied', async () => (await module.readSnapshot(dir))?.slot === 5)
  await using next = new module.Snapshot(dir, second.path)
  await seal(second.tables, 9)
  next.sealed(9)
  await until('the next is copied', async () => (await module.readSnapshot(dir))?.slot === 9)
  const bytes = await bytesOf(dir)
  // A process that has not heard yet that it decides no more.
  isFormer = true
  await seal(first.tables, 30)
  old.sealed(30)
  await old[Symbol.asyncDispose]()
  assert.deepEqual([await bytesOf(dir), (await module.readSnapshot(dir))?.slot], [bytes, 9])
  await seal(second.tables, 13)
  next.sealed(13)
  await next[Symbol.asyncDispose]()
  assert.deepEqual(await bytesOf(dir), await readFile(second.path))
  assert.equal(await restored(module, dir), 13)
})

check('what the one before puts in its place is replaced: it says no more than it has', async module => {
  await using first = await begin()
  await using second = await begin()
  const { dir } = first
  await seal(first.tables, 5)
  await seal(second.tables, 9)
  await using next = new module.Snapshot(dir, second.path)
  next.sealed(9)
  await until('it is copied', async () => (await module.readSnapshot(dir))?.slot === 9)
  // A process that stood still since its last commit, and has not heard yet that it decides no more.
  await using old = new module.Snapshot(dir, first.path)
  old.sealed(5)
  await until('the old one is copied', async () => (await module.readSnapshot(dir))?.slot === 5)
  await seal(second.tables, 13)
  next.sealed(13)
  await until('it is copied', async () => (await module.readSnapshot(dir))?.slot === 13)
  assert.ok((await restored(module, dir)) >= 13)
})

check('a seal that is torn off is cut when the tables are opened, and the rest is whole', async module => {
  await using run = await begin()
  const { dir, path, tables } = run
  await seal(tables, 6)
  {
    await using snapshot = new module.Snapshot(dir, path)
    snapshot.sealed(6)
  }
  const bytes = await bytesOf(dir)
  for (const cut of [1, 9, 40]) {
    await writeFile(join(dir, 'snapshot', 'decide.tables'), bytes.subarray(0, -cut))
    assert.equal(await restored(module, dir), cut === 40 ? 4 : 5)
  }
})

check('drafts of owners that died are removed, and nothing else', async module => {
  await using run = await begin()
  const { dir, path, tables } = run
  await mkdir(join(dir, 'snapshot'))
  for (const name of ['decide.tables.1.tmp', 'decide.tables.2.tmp', 'other.tmp', 'decide.tables.kept'])
    await writeFile(join(dir, 'snapshot', name), 'x')
  await seal(tables, 1)
  {
    await using snapshot = new module.Snapshot(dir, path)
    snapshot.sealed(1)
  }
  const names = ['decide.json', 'decide.tables', 'decide.tables.kept', 'other.tmp']
  assert.deepEqual((await readdir(join(dir, 'snapshot'))).sort(), names)
})

for (const text of ['', '{', 'null', '{"slot":"1","bytes":2}', '{"slot":1}'])
  check(`a snapshot about which it says '${text}' is none`, async module => {
    const dir = makeFolder('snapshot')
    await mkdir(join(dir, 'snapshot'))
    await writeFile(join(dir, 'snapshot', 'decide.json'), text)
    assert.equal(await module.readSnapshot(dir), null)
  })

check('restoring takes the place of the tables that are there', async module => {
  await using run = await begin()
  const { dir, path, tables, folder } = run
  await seal(tables, 8)
  {
    await using snapshot = new module.Snapshot(dir, path)
    snapshot.sealed(8)
  }
  await tables[Symbol.asyncDispose]()
  await writeFile(path, (await readFile(path)).subarray(0, 60))
  await module.restoreSnapshot(dir, folder)
  await using again = await openAt(folder)
  assert.equal(slotOf(again), 8)
})

check('a copy that failed is told with the next seal', async module => {
  await using run = await begin()
  const { dir, tables } = run
  await appendFile(join(dir, 'snapshot'), 'a file where the folder should be')
  await using snapshot = new module.Snapshot(dir, join(dir, 'state', 'decide.tables'))
  await seal(tables, 1)
  snapshot.sealed(1)
  await until('it is told', () => {
    try {
      snapshot.sealed(1)
      return false
    } catch (error) {
      assert.match(String(error), /EEXIST|ENOTDIR/)
      return true
    }
  })
})

mutate(
  /none before the first/,
  'a snapshot is begun without a seal',
  'this.#slot = Number.NEGATIVE_INFINITY',
  'this.#slot = -1; this.sealed(99)',
)
mutate(
  /none before the first/,
  'it says another slot than it has',
  'const about: SnapshotState = { slot, bytes: size }',
  'const about: SnapshotState = { slot: slot + 1, bytes: size }',
)
mutate(/while the tables grow/, 'it is copied at each seal', 'if (slot - this.#slot < limits.snapshotSlots) return', '')
mutate(
  /while the tables grow/,
  'it is copied once',
  'this.#slot = slot\n    this.#work',
  'this.#slot = Infinity\n    this.#work',
)
mutate(
  /while the tables grow/,
  'drafts stay',
  'await rename(draft, join(folderOf(this.#dir), tablesName))',
  'await copyFile(draft, join(folderOf(this.#dir), tablesName))',
)
mutate(
  /while a copy is at work/,
  'what was added is written to the start',
  'this.#target!, this.#copied)',
  'this.#target!, 0)',
)
mutate(/while a copy is at work/, 'disposing does not wait for the copy', 'await this.#work\n', '')
mutate(
  /a file of its own/,
  'who decides no more is not told',
  'this.#checkOwner = checkOwner',
  'this.#checkOwner = () => void checkOwner',
)
mutate(
  /no more than it has/,
  'it does not look whether its file is in place',
  'there?.ino === mine.ino && there.dev === mine.dev',
  'there !== mine',
)
mutate(/drafts of owners/, 'drafts stay', 'await rm(join(folder, name), { force: true })', 'void name')
mutate(/drafts of owners/, 'all is taken for a draft', "name.startsWith(tablesName) && name.endsWith('.tmp')", 'name')
mutate(
  /takes the place/,
  'restoring leaves what is there',
  'await rename(draft, join(folder, tablesName))',
  'void rename',
)
mutate(/is told with the next/, 'what fails is not told', 'if (this.#failure) throw this.#failure', '')
