import type { Random } from '../random.ts'
import { type UpsetKind, upsetKinds } from './upsets.ts'

/** What a simulated process asks of its system. Sync calls can fail but nothing can come between them. */
export type OperationKind =
  | 'open'
  | 'read'
  | 'write'
  | 'sync'
  | 'truncate'
  | 'close'
  | 'rename'
  | 'link'
  | 'unlink'
  | 'mkdir'
  | 'list'
  | 'stat'
  | 'read-sync'
  | 'message'

/** Operations of a kind, of a kind in one part of the run's folder (`log sync`, `feed rename`), or all. */
export type Operations = OperationKind | `${string} ${OperationKind}` | 'any'

/** A moment: right before or right after the `nth` such operation (from 1), counted over all processes of the run. */
export interface Moment {
  readonly of: Operations
  readonly nth: number
  readonly when: 'before' | 'after'
}

/** One fault, as data: a list of them and a seed say all that happens in a simulation. */
export type Fault =
  /** SIGKILL: the process is gone, the page cache stays. */
  | { readonly kind: 'kill'; readonly at: Moment }
  /** Power loss: every process is gone, and what was not synced may be. */
  | { readonly kind: 'power'; readonly at: Moment }
  /** SIGTERM: the run finishes what it read and stops. */
  | { readonly kind: 'drain'; readonly at: Moment }
  /** `count` operations fail, from the `nth` of this kind on. */
  | {
      readonly kind: 'error'
      readonly code: 'EIO' | 'ENOSPC' | 'EDQUOT'
      readonly of: Operations
      readonly nth: number
      readonly count: number
    }
  /** Reads and writes do less than they were asked, for `count` of them. */
  | {
      readonly kind: 'short'
      readonly of: 'read' | 'write' | 'read-sync'
      readonly nth: number
      readonly count: number
    }
  /** One operation takes this long. */
  | { readonly kind: 'slow'; readonly of: OperationKind; readonly nth: number; readonly ms: number }
  /** SIGSTOP; a second process is refused. Then SIGCONT, or the lock is removed by hand and a successor goes on, and SIGCONT later. */
  | { readonly kind: 'stop'; readonly at: Moment; readonly takeover: boolean; readonly wakeMs: number }
  /** The worker that gets the nth job never answers, or ends. */
  | { readonly kind: 'hang-worker' | 'kill-worker'; readonly nth: number }
  /** The trainer is gone after its nth batch and begins again at its last checkpoint. */
  | { readonly kind: 'kill-reader'; readonly nth: number }
  /**
   * A process of another machine of the same name wants the run, when its holder has been busy with the log for longer than one may be
   * silent. `isMoved`: the holder is gone by then, and the run goes on over there.
   */
  | { readonly kind: 'rival'; readonly at: Moment; readonly isMoved: boolean }
  /** Somebody upsets the input or the pipeline, from this moment on until a start is refused for it. `isKilled`: the process is gone too. */
  | { readonly kind: 'upset'; readonly what: UpsetKind; readonly at: Moment; readonly isKilled: boolean }

/** What is counted, when it took effect. */
export const faultKinds = [
  ...(['kill', 'power', 'drain', 'stop', 'takeover', 'EIO', 'ENOSPC', 'EDQUOT', 'short', 'slow'] as const),
  ...([
    'torn-write',
    'lost-write',
    'lost-name',
    'hang-worker',
    'kill-worker',
    'poison-row',
    'kill-reader',
    'lag',
    'upset',
    'refused',
    'told',
    'rival',
  ] as const),
] as const
export type FaultKind = (typeof faultKinds)[number]

const effectful: readonly OperationKind[] = ['write', 'sync', 'rename', 'truncate', 'link', 'unlink', 'mkdir', 'open']

/** Whether an operation may change what is on the disk. */
export function isChange(kind: OperationKind): boolean {
  return kind !== 'open' && effectful.includes(kind)
}

/** How often an undisturbed run does each kind of operation. */
export type OperationCounts = Readonly<Partial<Record<Operations, number>>>

/** Faults for a run that does about `usual` operations. */
export function drawFaults(random: Random, usual: OperationCounts, kinds: readonly Fault['kind'][]): Fault[] {
  const faults = Array.from({ length: random.between(1, 5) }, () => drawFault(random, usual, random.pick(kinds)))
  // What one crash left in doubt, the next process builds on; a second crash soon after shows whether it did so rightly.
  if (random.chance(0.5)) faults.push(...drawCluster(random, usual))
  const isQuota = random.chance(0.4)
  return isQuota ? faults.map(limitByQuota) : faults
}

/** The disk is not full: its user may have no more of it. */
function limitByQuota(fault: Fault): Fault {
  return fault.kind === 'error' && fault.code === 'ENOSPC' ? { ...fault, code: 'EDQUOT' } : fault
}

function drawCluster(random: Random, usual: OperationCounts): Fault[] {
  let nth = Math.ceil(random.chance(0.3) ? random.spread(1, 60) : random.between(1, usual.any ?? 1))
  return Array.from({ length: random.between(2, 4) }, (): Fault => {
    const at: Moment = random.chance(0.3)
      ? // Written and not synced: what a torn commit is made of.
        { of: 'log write', nth: random.between(1, usual['log write'] ?? 1), when: 'after' }
      : { of: 'any', nth, when: random.chance(0.5) ? 'before' : 'after' }
    nth += Math.ceil(random.spread(2, 200))
    return { kind: random.chance(0.5) ? 'kill' : 'power', at }
  })
}

/** What of an input decides what can be done to it. */
export interface InputShape {
  readonly isLong: boolean
  readonly isNested: boolean
  readonly follow: boolean
}

/** In a few runs. */
export function drawRival(random: Random, usual: OperationCounts): Fault[] {
  if (!random.chance(0.08)) return []
  const nth = random.between(1, usual.any ?? 1)
  return [{ kind: 'rival', at: { of: 'any', nth, when: 'after' }, isMoved: random.chance(0.4) }]
}

/** What fits an input: in some runs nobody upsets anything. */
export function drawUpset(random: Random, usual: OperationCounts, input: InputShape): Fault[] {
  if (!random.chance(input.isLong || input.isNested ? 0.8 : 0.5)) return []
  const what = pickUpset(random, input)
  // The last operations are of stages that have no more to do with the input.
  const nth = random.between(1, Math.ceil((usual.any ?? 1) * 0.7))
  const isKilled = random.chance(what === 'pipeline' || what === 'rewritten' ? 0.2 : 0.6)
  return [{ kind: 'upset', what, at: { of: 'any', nth, when: 'after' }, isKilled }]
}

function pickUpset(random: Random, { isLong, isNested, follow }: InputShape): UpsetKind {
  if (follow) return 'rewritten'
  if (isLong && random.chance(0.8)) return 'edited'
  if (isNested && random.chance(0.5)) return 'unreadable'
  return random.pick(upsetKinds.filter(kind => kind !== 'edited' && kind !== 'rewritten'))
}

function drawFault(random: Random, usual: OperationCounts, kind: Fault['kind']): Fault {
  const nthOf = (of: Operations) => random.between(1, Math.ceil((usual[of] ?? 1) * 1.3))
  const moment = (): Moment => {
    const of = random.chance(0.3) ? 'any' : pickPlace(random, usual, effectful)
    return { of, nth: nthOf(of), when: random.chance(0.5) ? 'before' : 'after' }
  }
  switch (kind) {
    case 'kill':
    case 'power':
    case 'drain':
      return { kind, at: moment() }
    case 'error':
      return drawError(random, usual, nthOf)
    case 'short': {
      const of = random.pick(['read', 'write', 'read-sync'] as const)
      return { kind, of, nth: nthOf(of), count: random.between(1, 60) }
    }
    case 'slow': {
      const of = random.pick([...effectful, 'read', 'message'] as const)
      // A message between threads is never so late that a worker's time is over.
      return { kind, of, nth: nthOf(of), ms: Math.round(random.spread(10, of === 'message' ? 400 : 3000)) }
    }
    case 'stop':
      return { kind, at: moment(), takeover: random.chance(0.7), wakeMs: Math.round(random.spread(0.1, 300)) }
    case 'hang-worker':
    case 'kill-worker':
      return { kind, nth: random.between(1, Math.ceil((usual.message ?? 2) / 2)) }
    case 'kill-reader':
      return { kind, nth: random.between(1, 12) }
    case 'upset':
    case 'rival':
      throw new Error(`a ${kind} is drawn by itself`)
  }
}

function drawError(random: Random, usual: OperationCounts, nthOf: (of: Operations) => number): Fault {
  const code = random.chance(0.5) ? 'EIO' : 'ENOSPC'
  const growing = ['write', 'open', 'mkdir', 'sync'] as const
  const kinds = code === 'ENOSPC' ? growing : ([...effectful, 'read', 'read-sync', 'list'] as const)
  const of = pickPlace(random, usual, kinds)
  return { kind: 'error', code, of, nth: nthOf(of), count: random.chance(0.5) ? 1 : random.between(2, 40) }
}

/** Operations of one of these kinds in one part of the run's folder; each pair that occurs is as likely as another. */
function pickPlace(random: Random, usual: OperationCounts, kinds: readonly OperationKind[]): Operations {
  const all = Object.keys(usual) as Operations[]
  const places = all.filter(of => of.includes(' ') && kinds.some(kind => of.endsWith(` ${kind}`)))
  return places.length ? random.pick(places) : kinds[0]
}
