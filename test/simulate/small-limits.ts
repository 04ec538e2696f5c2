import { limits } from '../../src/limits.ts'

/** Limits by name, as they are at run time: numbers that a simulation makes small, so that small inputs cross every boundary. */
export type Limits = Partial<Record<keyof typeof limits, number>>

/** Sets limits for everything in this process until they are set again. */
export function setLimits(small: Limits): void {
  Object.assign(limits, small)
}
