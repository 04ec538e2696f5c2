import type { Reduction, Simulated } from './simulate.ts'

/** A process that simulates the seeds that it is sent, one after the other, and answers each with what it came to. */
export interface Request {
  readonly seed: number
  readonly reduction: Reduction
}

/** An error that nothing caught is a failure of the seed that ran. */
let stray: unknown = null
const keep = (error: unknown) => {
  stray ??= error
}
process.on('unhandledRejection', keep)
process.on('uncaughtException', keep)

const ready = import('./simulate.ts')
process.on('message', async ({ seed, reduction }: Request) => {
  const { simulate } = await ready
  const result = await simulate(seed, reduction)
  const failure = result.failure ?? (stray ? { check: 'unhandled', message: describe(stray) } : null)
  stray = null
  process.send!({ ...result, failure } satisfies Simulated)
})

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
