import { join } from 'node:path'
import { numbers, stringAt, utf8 } from '../batch/batch.ts'
import { type Address, addressOf, rowOf, slotOf } from '../decide/decider.ts'
import { readText } from '../disk/files.ts'
import { readTakeDown, type TakeDownList } from '../feed/files/take-down-file.ts'
import type { ControlEntry } from '../feed/plan/control.ts'
import type { Promotion } from '../feed/plan/promotion.ts'
import type { Log } from '../log/log.ts'
import { openPromotedRuns } from '../promote/recompute.ts'
import { decodeEntry } from '../record/entry.ts'
import { topics } from '../record/layout.ts'
import type { RunReader } from '../record/run-reader.ts'
import { readBySlot } from '../record/slots.ts'
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
  const promotions: Promotion[] = []
  for (const { step, takeDown, promote } of parseEntries(text)) {
    if (promote) promotions.push(promote)
    if (!takeDown) continue
    const where = fileAt(`${folder}/${takeDown.list}`)
    const list = await check.attempt(where, advice, () => readTakeDown(dir, takeDown))
    if (!list) continue
    for (const [slot, row] of list.rows) masks.add(addressOf(slot, row), step, takeDown.blank)
    // A take-down looks for copies in all runs that the feed was promoted to before it.
    await using promoted = await openPromotedRuns(run, promotions)
    const { runs, missing } = promoted
    const isWhole = missing.length === 0
    const compareAll = async () => compare(list, await findRows([run, ...runs], list), run.first, isWhole)
    const what = await check.attempt(where, advice, compareAll)
    if (what) check.fail(where, what, advice)
    for (const { message } of missing)
      check.note(`${where.file}: copies that only that run has found are not looked for: ${message}`)
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

function compare({ rows }: TakeDownList, found: ReadonlySet<Address>, first: number, isWhole: boolean): string | null {
  const listed = rows.filter(([slot]) => slot >= first).map(([slot, row]) => addressOf(slot, row))
  const strange = isWhole ? listed.find(address => !found.has(address)) : undefined
  if (strange !== undefined) return `it lists ${describe(strange)}, which is none of the named documents nor a copy`
  const all = new Set(listed)
  const missing = [...found].find(address => slotOf(address) >= first && !all.has(address))
  return missing === undefined ? null : `it does not list ${describe(missing)}, which is a named document or a copy`
}

const describe = (address: Address) => `slot ${slotOf(address)}, row ${rowOf(address)}`

/** The named documents of a list, and what any of the runs says of them: of each drop both rows or neither, until nothing is added. */
async function findRows(runs: readonly RunReader[], { by, names, slots }: TakeDownList): Promise<Set<Address>> {
  const wanted = new Set(names)
  const found = new Set<Address>()
  for await (const { slot, scored } of runs[0].slots()) {
    if (slot >= slots) break
    const rows = numbers(scored, 'row')
    for (const [i, row] of rows.entries())
      if (wanted.has(stringAt(utf8(scored, by), i))) found.add(addressOf(slot, row))
  }
  for (let size = -1; size < found.size; ) {
    size = found.size
    for (const { log } of runs)
      for await (const [dropped, partner] of pairsIn(log, slots))
        if (found.has(dropped) || found.has(partner)) found.add(dropped).add(partner)
  }
  return found
}

async function* pairsIn(log: Log, slots: number): AsyncGenerator<readonly [dropped: Address, partner: Address]> {
  for await (const { headers, value } of readBySlot(log, topics.drops, 1)) {
    const slot = Number(headers.slot)
    if (slot >= slots) return
    const drops = decodeEntry(value)
    const partners = numbers(drops, 'duplicateOf')
    for (const [i, row] of numbers(drops, 'row').entries())
      if (partners[i] >= 0) yield [addressOf(slot, row), partners[i]]
  }
}
