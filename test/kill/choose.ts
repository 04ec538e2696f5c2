import type { Outcome, Reference } from './chain.ts'
import type { Kill } from './life.ts'
import { type Point, points, unnamed } from './points.ts'

/** Parts that an undisturbed run is cut into by the kills of one chain, about. */
const chainParts = 8

/** Kills at any effect or any time, of all; half of it until every named point was reached. */
const unnamedShare = 0.25

/** Kills soon after a restart, while it recovers, of all but first ones; and the effects that a recovery has, about. */
const recoveryShare = 0.3
const recoveryEffectsMax = 60

/** Passed by a run's first life alone, or by its last, which ends a chain. */
const isRare = (name: string) => /^run\.|\.claim\.made$|^shard\.folder\.made$|^lock\.release\./.test(name)

/** Kills done at each point, over all chains. */
export type Tally = Map<string, number>

/**
 * Chooses the kills of a chain: the named points that were killed at least so far, now and then any effect or any time, and now and then
 * soon after a start. A chain's first life goes to a point that later lives do not pass, while there is one without a kill.
 */
export function chooseKills(
  { passings, seconds }: Reference,
  tally: Tally,
  random: () => number,
): (kills: readonly Outcome[]) => Kill | null {
  const planned: Kill[] = []
  const below = (max: number) => Math.floor(random() * max)
  const killsAt = ({ name }: Point) => tally.get(name) ?? 0
  const least = (among: readonly Point[]) => {
    const fewest = Math.min(...among.map(killsAt))
    const open = among.filter(one => killsAt(one) === fewest)
    return open[below(open.length)]
  }
  const choosePoint = (isFirst: boolean) => {
    const rare = points.filter(one => isRare(one.name) && killsAt(one) === 0)
    if (isFirst && rare.length) return least(rare)
    return least(points.filter(({ name, behind }) => (isFirst ? !behind : !isRare(name))))
  }
  return kills => {
    if (kills.length >= 4 * chainParts) return null
    const queued = planned.shift()
    if (queued) return queued
    const share = points.some(one => killsAt(one) === 0) ? 0.5 : 1
    if (kills.length > 0 && random() < share * recoveryShare)
      return { point: unnamed.effect, nth: 1 + below(recoveryEffectsMax) }
    if (kills.length > 0 && random() < share * unnamedShare) return chooseUnnamed(passings, seconds, random)
    const { name, behind } = choosePoint(kills.length === 0)
    const nthOf = (point: string) => 1 + below(Math.max(1, passings[point] / chainParts))
    if (!behind) return { point: name, nth: nthOf(name) }
    planned.push({ point: name, nth: 1 })
    return { point: behind, nth: nthOf(behind) }
  }
}

function chooseUnnamed(passings: Reference['passings'], seconds: number, random: () => number): Kill {
  if (random() < 0.5)
    return { point: unnamed.effect, nth: 1 + Math.floor((random() * passings[unnamed.effect]) / chainParts) }
  // From when the modules are loaded on; a kill before that meets nothing of ours.
  const [fromMs, toMs] = [150, 150 + (1000 * seconds) / 3]
  return { point: unnamed.random, nth: Math.round(fromMs + random() * (toMs - fromMs)) }
}
