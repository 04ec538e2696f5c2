import type { Cluster } from '../../../src/kafka/cluster.ts'

/** When a socket breaks: before the broker has the request, or after, so that only its answer is lost. */
export type When = 'before' | 'after'
type Request = { async(...args: unknown[]): Promise<unknown> }

const broken = () => Object.assign(new Error('Connection closed'), { code: 'PLT_KFK_NETWORK' })

/** Puts `change` around the requests of a kind that a cluster sends. */
export function wrapRequests(
  cluster: Cluster,
  name: keyof Cluster['requests'],
  change: (send: () => Promise<unknown>) => Promise<unknown>,
): void {
  const real = cluster.requests[name] as Request
  const async = (...args: unknown[]) => change(() => real.async(...args))
  Object.assign(cluster.requests, { [name]: { ...real, async } })
}

/** Breaks the next `times` requests of a kind. */
export function breakRequests(
  cluster: Cluster,
  name: keyof Cluster['requests'],
  when: When,
  times = 1,
  then = async () => {},
): void {
  let left = times
  wrapRequests(cluster, name, async send => {
    if (left-- <= 0) return send()
    if (when === 'after') await send()
    await then()
    throw broken()
  })
}

/** Does something just before a request of a kind goes out, once. */
export function precede(cluster: Cluster, name: keyof Cluster['requests'], act: () => Promise<void>): void {
  let acts: typeof act | null = act
  wrapRequests(cluster, name, async send => {
    const now = acts
    acts = null
    await now?.()
    return send()
  })
}
