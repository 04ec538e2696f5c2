import { join } from 'node:path'
import { numbers, stringAt, utf8 } from '../batch/batch.ts'
import { type Address, addressOf, rowOf, slotOf } from '../decide/decider.ts'
import { readText } from '../disk/files.ts'
import { readTakeDown, type TakeDownList } from '../feed/files/take-down-file.ts'
import type { ControlEntry } from '../feed/plan/control.ts'
import type { RunReader } from '../record/run-reader.ts'
import { type Check, fileAt } from './check.ts'

const advice =
  'restore it from a copy: which documents trainers learn nothing from is said here alone; or take the same ids down again'

/** From which step on documents must be masked, as the lists of a feed say. */
export class FoundMasks {
  readonly #from = new Map<Address, { targets: number; all: number }>()

  add(address: Address, step: number, blank: boolean): void {
    const never = Number.POSITIVE_INFINITY
    const { targets, all } = this.#from.get(address) ?? { targets: never, all: never }
    this.#from.set(address, { targets: Math.min(targets, step), all: blank ? Math.min(all, step) : all })
  }

  at(slot: number, row: number, step: number): 'targets' | 'all' | null {
    const from = this.#from.get(addressOf(slot, row))
    if (!from || from.targets > step) return null
    return from.all <= step ? 'all' : 'targets'
  }
}

/** Looks for the documents of each take-down once more, and holds its list against that. Returns what must be masked. */
export async function verifyTakeDowns(run: RunReader, folder: string, check: Check): Promise<FoundMasks> {
  const masks = new FoundMasks()
  const dir = join(run.dir, folder)
  const text = (await readText(join(dir, 'control.json'))) ?? '[]'
  for (const { step, takeDown } of parseEntries(text)) {
    if (!takeDown) continue
    const where = fileAt(`${folder}/${takeDown.list}`)
    const list = await check.attempt(where, advice, () => readTakeDown(dir, takeDown))
    if (!list) continue
    for (const [slot, row] of list.rows) masks.add(addressOf(slot, row), step, takeDown.blank)
    const what = await check.attempt(where, advice, async () => compare(list, await findRows(run, list), run.first))
    if (what) check.fail(where, what, advice)
    if (run.first > 0)
      check.note(`${where.file}: rows of slots before ${run.first}, which were trimmed, are not looked for`)
  }
  return masks
}

/** Where they can't be read, the planner's check says so. */
function parseEntries(text: string): readonly ControlEntry[] {
  try {
    return JSON.parse(text)
  } catch {
    return []
  }
}

function compare({ rows }: TakeDownList, found: ReadonlySet<Address>, first: number): string | null {
  const listed = rows.filter(([slot]) => slot >= first).map(([slot, row]) => addressOf(slot, row))
  const strange = listed.find(address => !found.has(address))
  if (strange !== undefined) return `it lists ${describe(strange)}, which is none of the named documents nor a copy`
  const all = new Set(listed)
  const missing = [...found].find(address => slotOf(address) >= first && !all.has(address))
  return missing === undefined ? null : `it does not list ${describe(missing)}, which is a named document or a copy`
}

const describe = (address: Address) => `slot ${slotOf(address)}, row ${rowOf(address)}`

/**
 * The rows of a list, found by what holds of every cluster: a dropped copy names a kept document. So a cluster is one kept document and
 * all that names it, and two looks at the drops find it.
 */
async function findRows(run: RunReader, { by, names, slots }: TakeDownList): Promise<Set<Address>> {
  const wanted = new Set(names)
  const copies = new Set<Address>()
  const originals = new Set<Address>()
  for await (const { slot, scored, drops } of run.slots()) {
    if (slot >= slots) break
    const rows = numbers(scored, 'row')
    const named = new Set(rows.filter((_, i) => wanted.has(stringAt(utf8(scored, by), i))))
    for (const row of named) originals.add(addressOf(slot, row))
    if (!drops) continue
    const partners = numbers(drops, 'duplicateOf')
    for (const [i, row] of numbers(drops, 'row').entries())
      if (partners[i] >= 0 && named.has(row)) originals.add(partners[i])
  }
  for await (const { slot, drops } of run.slots()) {
    if (slot >= slots) break
    if (!drops) continue
    const partners = numbers(drops, 'duplicateOf')
    for (const [i, row] of numbers(drops, 'row').entries())
      if (originals.has(partners[i])) copies.add(addressOf(slot, row))
  }
  return new Set([...originals, ...copies])
}
