import { Children } from './children.ts'
import { mutants } from './mutants.ts'
import type { Options } from './options.ts'
import type { Mutant } from './plant-mutant.ts'
import type { Simulated } from './simulate.ts'

/** A mutant and the seed that finds it, or null when none of so many does. */
export interface Catch {
  readonly mutant: Mutant
  readonly seeds: number
  readonly found: Simulated | null
}

/** Simulates seeds with a mutant until one fails that does not fail without it. */
export async function huntMutant(
  mutant: Mutant,
  sound: Children,
  first: number,
  seeds: number,
  jobs: number,
): Promise<Catch> {
  await using broken = new Children(mutant.name)
  const found: Simulated[] = []
  let next = 0
  const work = async () => {
    while (found.length === 0 && next < seeds) {
      const seed = first + next++
      const result = await broken.simulate(seed)
      if (result.failure && !(await sound.simulate(seed)).failure) found.push(result)
    }
  }
  await Promise.all(Array.from({ length: jobs }, work))
  found.sort((a, b) => a.seed - b.seed)
  return { mutant, seeds: next, found: found[0] ?? null }
}

/** Plants each mutant in turn. Exit status 1 when one is not found. */
export async function huntMutants({ seeds, first, jobs, mutants: names }: Options): Promise<number> {
  const chosen = names!.length ? mutants.filter(({ name }) => names!.includes(name)) : mutants
  const width = Math.max(...chosen.map(({ name }) => name.length))
  await using sound = new Children()
  let missed = 0
  for (const mutant of chosen) {
    const caught = await huntMutant(mutant, sound, first, seeds, jobs)
    missed += Number(caught.found === null)
    process.stdout.write(`${mutant.name.padEnd(width)}  ${describeCatch(caught)}\n`)
  }
  process.stdout.write(`${chosen.length} mutants, ${missed} not found\n`)
  return missed ? 1 : 0
}

function describeCatch({ seeds, found }: Catch): string {
  if (!found) return `NOT FOUND by ${seeds} seeds`
  return `caught at seed ${found.seed} by '${found.failure!.check}': ${found.failure!.message.split('\n')[0].slice(0, 110)}`
}

export function hasSameFailure(a: Simulated, b: Simulated): boolean {
  return a.failure?.check === b.failure?.check
}
