import { running } from '../process.ts'
import type { SimulatedEvent } from '../scheduler.ts'

/** `node:timers` by the simulated clock. A timer belongs to the process, and the worker, that set it. */
export interface SimulatedTimer {
  readonly event: SimulatedEvent
  unref(): SimulatedTimer
  ref(): SimulatedTimer
}

export function setTimeout(callback: (...args: unknown[]) => void, ms = 0, ...args: unknown[]): SimulatedTimer {
  const { process, worker } = running.getStore()!
  const { world } = process
  const run = () => world.enter(process, () => callback(...args), worker)
  const event = {
    atMs: world.scheduler.nowMs + Math.max(ms, 0.001),
    process,
    label: `${process.name} timer`,
    path: '',
    run,
  }
  if (process.state !== 'dead') world.scheduler.add(event)
  const timer = { event, unref: () => timer, ref: () => timer }
  return timer
}

export function clearTimeout(timer: SimulatedTimer | null | undefined): void {
  timer?.event.process?.world.scheduler.remove(timer.event)
}

interface SimulatedInterval {
  current: SimulatedTimer
  unref(): SimulatedInterval
}

export function setInterval(callback: () => void, ms: number): SimulatedInterval {
  const again = () => {
    callback()
    handle.current = setTimeout(again, ms)
  }
  const handle: SimulatedInterval = { current: setTimeout(again, ms), unref: () => handle }
  return handle
}

export function clearInterval(handle: { current: SimulatedTimer } | null | undefined): void {
  clearTimeout(handle?.current)
}

export function setImmediate(callback: () => void): SimulatedTimer {
  return setTimeout(callback, 0)
}

export { clearTimeout as clearImmediate }
