import type { Children } from './children.ts'
import type { Reduction, Simulated } from './simulate.ts'

const triesMax = 60

/** A failing seed with as few faults and as little input as still fail by the same check. */
export async function minimise(
  children: Children,
  failed: Simulated,
): Promise<{ reduction: Reduction; last: Simulated }> {
  let reduction: Reduction = {}
  let last = failed
  let tries = 0
  const attempt = async (smaller: Reduction) => {
    if (tries++ >= triesMax) return false
    const result = await children.simulate(failed.seed, smaller)
    if (result.failure?.check !== failed.failure!.check) return false
    reduction = smaller
    last = result
    return true
  }
  let faults = [...failed.faults.keys()]
  for (const fault of [...faults].reverse()) {
    const fewer = faults.filter(other => other !== fault)
    if (await attempt({ ...reduction, faults: fewer })) faults = fewer
  }
  for (let step = failed.lines >> 1; step > 0; step >>= 1)
    while ((reduction.lines ?? failed.lines) - step > 0)
      if (!(await attempt({ ...reduction, lines: (reduction.lines ?? failed.lines) - step }))) break
  return { reduction, last }
}

/** The command that repeats it. */
export function repeatCommand(seed: number, { faults, lines }: Reduction): string {
  const parts = [faults && `--faults '${faults.join()}'`, lines !== undefined && `--lines ${lines}`]
  return ['npm run simulate -- --seeds 1 --first', seed, ...parts.filter(Boolean)].join(' ')
}
