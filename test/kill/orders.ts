/** What the harness asks of a run that it starts, as JSON in an environment variable; read by `preload.ts`. */
export interface Orders {
  /** The run's folder, absolute. */
  readonly root: string
  /** Limits that are made smaller, so that a small corpus has many slots, shards, blocks and ledger files. */
  readonly limits: Readonly<Record<string, number>>
  /** The point at whose `nth` passing the process kills itself; null for a life that is not disturbed from within. */
  readonly kill: { readonly point: string; readonly nth: number } | null
  /** What it sends itself there: default SIGKILL. Another one is a request, and the process goes on. */
  readonly signal?: NodeJS.Signals
  /** Instead of dying there, the process writes this file until the disk is full, and goes on. */
  readonly fill: string | null
  /** Where the passings of each point are written when the process ends by itself. */
  readonly report: string | null
  /** A mistake that is planted in the source of one module, to see that the harness finds it. */
  readonly plant: { readonly module: string; readonly from: string; readonly to: string } | null
}

export const ordersVariable = 'HEADRACE_KILL'

/** The orders of this process, or null when the harness did not start it. */
export function readOrders(): Orders | null {
  const text = process.env[ordersVariable]
  return text === undefined ? null : (JSON.parse(text) as Orders)
}
