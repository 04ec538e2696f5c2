import * as real from 'node:crypto'
import { running } from '../process.ts'

/** `node:crypto`: hashes are the real ones, what is random is drawn from the seed. */
export * from 'node:crypto'

export function randomUUID(): string {
  return `00000000-0000-4000-8000-${randomBytes(6).toString('hex')}`
}

export function randomBytes(size: number): Buffer {
  const world = running.getStore()?.process.world
  if (!world) return real.randomBytes(size)
  return Buffer.from(Array.from({ length: size }, () => world.random.between(0, 255)))
}
