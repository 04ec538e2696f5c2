import { parseArgs } from 'node:util'
import type { Reduction } from './simulate.ts'

export interface Options {
  readonly seeds: number
  readonly first: number
  /** 0 for as long as the seeds take. */
  readonly minutes: number
  readonly jobs: number
  readonly reduction: Reduction
  readonly isTraced: boolean
  readonly isJson: boolean
  /** Null without --mutants; empty for all. */
  readonly mutants: readonly string[] | null
}

export const usage = `npm run simulate -- [OPTIONS]
  --seeds N       simulates N seeds (default 300)
  --first SEED    begins at this seed (default 1)
  --minutes M     goes on for M minutes, whatever the number of seeds
  --jobs N        processes at a time (default 2)
  --faults LIST   of the faults drawn for a seed, only these, by number from 0
  --lines N       only the first N lines of a seed's input
  --trace         prints every operation of each seed
  --mutants       plants each known bug in turn and says which check finds it; names of mutants may follow
  --json          prints the totals as one line of JSON`

export function readOptions(args: readonly string[]): Options {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...{ seeds: text, first: text, minutes: text, jobs: text, faults: text, lines: text },
      ...{ trace: flag, mutants: flag, json: flag },
    },
  })
  const number = (name: 'seeds' | 'first' | 'minutes' | 'jobs' | 'lines', otherwise: number) => {
    const value = Number(values[name] ?? otherwise)
    if (Number.isFinite(value) && value >= 0) return value
    throw new Error(`--${name} is '${values[name]}'; give a number`)
  }
  if (positionals.length && !values.mutants) throw new Error(`unknown argument '${positionals[0]}'`)
  return {
    ...{
      seeds: number('seeds', 300),
      first: number('first', 1),
      minutes: number('minutes', 0),
      jobs: number('jobs', 2),
    },
    reduction: {
      ...(values.faults === undefined ? {} : { faults: values.faults.split(',').filter(Boolean).map(Number) }),
      ...(values.lines === undefined ? {} : { lines: number('lines', 0) }),
    },
    ...{ isTraced: values.trace ?? false, isJson: values.json ?? false },
    mutants: values.mutants ? positionals : null,
  }
}
