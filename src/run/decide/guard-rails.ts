import { type Batch, numbers, stringAt, utf8 } from '../../batch/batch.ts'
import { limits } from '../../limits.ts'
import { type Guard, leavesBand } from '../../pipeline/guard.ts'
import { type GuardNote, samplesMax, type Trip } from '../../record/trip.ts'

/** A decided slot: its measured rows, those of them that were dropped, in the same order, and how many were dead before. */
export interface SlotFates {
  readonly scored: Batch
  readonly drops: Batch
  readonly dead: number
}

interface Group {
  readonly name: string
  rows: number
  removed: number
  /** Whether it may leave its band until the window ends. */
  released: boolean
  /** What removed its rows. */
  readonly parts: Map<string, number>
}

/** What a guard counts, from the window's first slot on. */
interface Window {
  readonly guard: Guard
  number: number
  rows: number
  /** Of all groups. */
  parts: number
  groups: Map<string, Group>
}

/** A row's fate as guards see it. `reason` is empty for a kept row. */
interface Row {
  readonly index: number
  readonly domain: string
  readonly language: string
  readonly reason: string
}

const partsShown = 5
/** The group beyond `limits.domainsMax` of a window, and the part beyond so many pairs of a group and a part. */
const others = '(others)'

/**
 * Counts removed rows by windows of slots. Windows begin at multiples of their length, and groups are judged after each slot: a share
 * leaves its band at the same slot however the run was stopped and started. A new guard counts from the slot that it is given first.
 */
export class GuardRails {
  readonly #windows: readonly Window[]

  constructor(guards: readonly Guard[], notes: readonly GuardNote[] = []) {
    this.#windows = guards.map(guard => restoreWindow(guard, notes))
  }

  /** Counts a slot, the one after the last, and tells which groups are outside and not released. */
  add(slot: number, fates: SlotFates): Trip[] {
    const rows = this.#windows.length ? rowsOf(fates) : []
    return this.#windows.flatMap(window => {
      const number = Math.floor(slot / window.guard.windowSlots)
      if (window.number !== number) Object.assign(window, emptyWindow(window.guard, number))
      countRows(window, rows, fates.dead)
      const outside = [...window.groups.values()].filter(group => isOutside(window, group))
      return outside.map(group => describe(window, group, slot, rows, fates.scored))
    })
  }

  /** Lets a group be outside its band until its window ends. */
  release({ guard, group }: Pick<Trip, 'guard' | 'group'>): void {
    const window = this.#windows.find(one => one.guard.name === guard)
    const found = window?.groups.get(group)
    if (found) found.released = true
  }

  /** All counts, to go on with after a restart. */
  note(): GuardNote[] {
    return this.#windows.map(({ guard, number, rows, groups }) => ({
      guard: guard.name,
      window: number,
      rows,
      groups: [...groups.values()].map(one => [one.name, one.rows, one.removed, one.released, [...one.parts]]),
    }))
  }
}

function emptyWindow(guard: Guard, number: number): Window {
  return { guard, number, rows: 0, parts: 0, groups: new Map() }
}

function restoreWindow(guard: Guard, notes: readonly GuardNote[]): Window {
  const note = notes.find(one => one.guard === guard.name)
  const window = emptyWindow(guard, note?.window ?? -1)
  window.rows = note?.rows ?? 0
  for (const [name, rows, removed, released, parts] of note?.groups ?? []) {
    window.groups.set(name, { name, rows, removed, released, parts: new Map(parts) })
    window.parts += parts.length
  }
  return window
}

function rowsOf({ scored, drops }: SlotFates): Row[] {
  const numbersOfAll = numbers(scored, 'row')
  const numbersOfDrops = numbers(drops, 'row')
  const domains = utf8(scored, 'domain')
  const reasons = utf8(drops, 'reason')
  const languages = scored.columns.language ? utf8(scored, 'language') : null
  let next = 0
  return Array.from({ length: scored.rows }, (_, index) => {
    const isDropped = next < drops.rows && numbersOfDrops[next] === numbersOfAll[index]
    const reason = isDropped ? stringAt(reasons, next++) : ''
    return { index, domain: stringAt(domains, index), language: languages ? stringAt(languages, index) : '', reason }
  })
}

function countRows(window: Window, rows: readonly Row[], dead: number): void {
  const { by, only } = window.guard
  const isWanted = (name: string) => only === null || only.includes(name)
  window.rows += rows.length + dead
  if (by === 'reason') {
    for (const name of only ?? []) groupOf(window, name)
    for (const { reason, domain } of rows)
      if (reason && isWanted(reason)) remove(window, groupOf(window, reason), domain, 1)
    // Dead rows have no domain that could be told.
    if (dead && isWanted('dead')) groupOf(window, 'dead').removed += dead
    return
  }
  for (const row of rows) {
    const name = by === 'all' ? by : row[by]
    if (!isWanted(name)) continue
    const group = groupOf(window, name)
    group.rows++
    if (row.reason) remove(window, group, row.reason, 1)
  }
  if (by !== 'all' || dead === 0) return
  const all = groupOf(window, 'all')
  all.rows += dead
  remove(window, all, 'dead', dead)
}

function groupOf(window: Window, name: string): Group {
  const found = window.groups.get(name)
  if (found) return found
  if (name !== others && (window.groups.size >= limits.domainsMax || name.length > limits.nameLengthMax))
    return groupOf(window, others)
  const group: Group = { name, rows: 0, removed: 0, released: false, parts: new Map() }
  window.groups.set(name, group)
  return group
}

function remove(window: Window, group: Group, part: string, count: number): void {
  group.removed += count
  const isNew = !group.parts.has(part)
  if (isNew) window.parts++
  const name = isNew && window.parts > limits.domainsMax ? others : part
  group.parts.set(name, (group.parts.get(name) ?? 0) + count)
}

const rowsOfGroup = (window: Window, group: Group) => (window.guard.by === 'reason' ? window.rows : group.rows)

function isOutside(window: Window, group: Group): boolean {
  return !group.released && leavesBand(window.guard, rowsOfGroup(window, group), group.removed)
}

function describe(window: Window, group: Group, slot: number, rows: readonly Row[], scored: Batch): Trip {
  const { guard } = window
  const total = rowsOfGroup(window, group)
  const parts = [...group.parts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, partsShown)
  const { by } = guard
  const worst = parts[0]?.[0]
  const isOf = (row: Row) => by === 'all' || row[by] === group.name
  const removed = rows.filter(row => row.reason !== '' && isOf(row))
  const ofWorst = removed.filter(row => (by === 'reason' ? row.domain : row.reason) === worst)
  const at = (column: string, row: Row) => stringAt(utf8(scored, column), row.index)
  return {
    guard: guard.name,
    by,
    group: group.name,
    rows: total,
    removed: group.removed,
    rate: group.removed / total,
    above: Number.isFinite(guard.above) ? guard.above : null,
    below: Number.isFinite(guard.below) ? guard.below : null,
    firstSlot: window.number * guard.windowSlots,
    slot,
    parts,
    samples: (ofWorst.length ? ofWorst : removed).slice(0, samplesMax).map(row => ({
      id: at('id', row).slice(0, 200),
      file: at('file', row),
      line: numbers(scored, 'line')[row.index],
    })),
  }
}
