import { type LoadHookSync, registerHooks } from 'node:module'
import { isMainThread } from 'node:worker_threads'
import { limits } from '../../src/limits.ts'
import { type Orders, readOrders } from './orders.ts'
import { reportAtExit } from './passings.ts'

/**
 * Loaded by `node --import` before the command line. Nothing in the product knows of it: modules below src/ that import
 * `node:fs/promises` get `effects.ts` instead, on the main thread, which is the one that writes.
 */
const orders = readOrders()
const src = new URL('../../src/', import.meta.url).href
const effects = new URL('./effects.ts', import.meta.url).href

if (orders) {
  Object.assign(limits, orders.limits)
  const isWatched = orders.kill !== null || orders.report !== null || orders.plant !== null
  if (isMainThread && isWatched) {
    reportAtExit()
    registerHooks({
      resolve: (specifier, context, nextResolve) =>
        specifier === 'node:fs/promises' && context.parentURL?.startsWith(src)
          ? nextResolve(effects, context)
          : nextResolve(specifier, context),
    })
    if (orders.plant) registerHooks({ load: plantIn(orders.plant) })
  }
}

/** A hook of its own, as it costs each module that is loaded. */
function plantIn({ module, from, to }: NonNullable<Orders['plant']>): LoadHookSync {
  return (url, context, nextLoad) => {
    const loaded = nextLoad(url, context)
    if (url !== src + module) return loaded
    const source = Buffer.from(loaded.source as Uint8Array).toString()
    if (!source.includes(from)) throw new Error(`${module} has no '${from}' to plant a mistake at`)
    return { ...loaded, source: source.replace(from, to) }
  }
}
