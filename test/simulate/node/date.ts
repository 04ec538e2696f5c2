import { running } from '../process.ts'

/** The global `Date` by the simulated clock. */
class SimulatedDate extends Date {
  static override now(): number {
    return running.getStore()?.process.world.nowMs ?? Date.now()
  }
}

export { SimulatedDate as Date }
