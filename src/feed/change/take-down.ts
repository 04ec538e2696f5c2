import { join } from 'node:path'
import { makeFolder, type OnEffect, syncFolder } from '../../disk/durable-file.ts'
import { writeJson } from '../../disk/json-file.ts'
import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import { readControls } from '../files/control-file.ts'
import { readHead, writeHead } from '../files/head.ts'
import { type Row, readTakeDown, type TakeDownList, writeTakeDown } from '../files/take-down-file.ts'
import type { ControlEntry } from '../plan/control.ts'
import type { TakeDown } from '../plan/take-down.ts'

/** What is to be taken down from a feed, and from which step on. */
export interface TakeDownOrder {
  /** Null: the first that is not published. */
  readonly step: number | null
  /** Whoever gives the order knows that no trainer has read the published steps from `step` on. */
  readonly isUnread: boolean
  readonly blank: boolean
  readonly note: string | null
}

/** From which step on an order holds. Throws `bad-option` where that is a step of the past, or none that is still to come. */
export async function judgeOrder(dir: string, { step, isUnread }: TakeDownOrder): Promise<number> {
  const head = await readHead(dir)
  const published = head?.steps ?? 0
  const refuse = (what: string) => new HeadraceError('bad-option', `${what}. See: headrace take-down --help`)
  const name = 'the first step that no trainer has read, --at STEP --unread'
  // A budget may be raised, and then the feed goes on.
  const ended = head?.ended === true && head.endedBy === undefined
  if (ended && (step ?? published) >= published)
    throw refuse(`the feed has ended with step ${published - 1}, and nothing would be masked: name ${name}`)
  if (step !== null && step < published && !isUnread) {
    const later = ended ? '' : `step ${published} or a later one, or `
    throw refuse(`step ${step} is published, and may have been read: name ${later}${name}`)
  }
  return step ?? published
}

/**
 * Records a take-down. Returns false, and writes nothing, where all of it is in force by then already. One process at a time, and none
 * that publishes steps of this feed. It is true at one moment, when `control.json` is renamed into place: the list lasts before, and so
 * does a head whose version keeps readers away that would not look for it.
 */
export async function recordTakeDown(
  dir: string,
  list: TakeDownList,
  order: TakeDownOrder,
  onEffect?: OnEffect,
): Promise<boolean> {
  const step = await judgeOrder(dir, order)
  const head = await readHead(dir)
  const controls = await readControls(dir)
  const known = controls.flatMap(({ step, takeDown }) => (takeDown ? [{ ...takeDown, step }] : []))
  if (await isInForce(dir, list.rows, known, { step, blank: order.blank })) {
    // Who recorded it may have been stopped before it lasted.
    await syncFolder(dir)
    return false
  }
  // A fork names lists of the feed that it parted from a second time.
  const lists = new Map(known.map(one => [one.list, one.documents]))
  const rows = lists.values().reduce((sum, documents) => sum + documents, list.rows.length)
  if (rows > limits.takeDownRowsMax)
    throw new HeadraceError('limit', `take-downs of a feed list ${limits.takeDownRowsMax} rows at most, not ${rows}`)
  await makeFolder(dir)
  const written = await writeTakeDown(dir, list, known.length, onEffect)
  if (head && head.version === 1) await writeHead(dir, { ...head, version: 2 }, onEffect)
  const takeDown = { published: head?.steps ?? 0, ...written, blank: order.blank }
  const entry: ControlEntry = { step, takeDown, ...(order.note !== null && { note: order.note }) }
  await writeJson(join(dir, 'control.json'), [...controls, entry], onEffect)
  return true
}

type Known = TakeDown & { readonly step: number }

async function isInForce(
  dir: string,
  rows: readonly Row[],
  known: readonly Known[],
  { step, blank }: { step: number; blank: boolean },
): Promise<boolean> {
  const held = new Set<string>()
  for (const one of known)
    if (one.step <= step && (one.blank || !blank))
      for (const row of (await readTakeDown(dir, one)).rows) held.add(String(row))
  return rows.every(row => held.has(String(row)))
}

/** What was taken down from a later step on than `at`: a fork that parts there holds it in none of its own steps. */
export function takeDownsFrom(at: number, controls: readonly ControlEntry[]): ControlEntry[] {
  return controls.flatMap(({ step, takeDown, note }) =>
    takeDown && step > at ? [{ step: at, takeDown: { ...takeDown, published: at }, ...(note && { note }) }] : [],
  )
}
