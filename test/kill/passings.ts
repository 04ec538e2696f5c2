import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { relative } from 'node:path'
import { type Orders, readOrders } from './orders.ts'
import { isAt, type Moment, type Operation, points, unnamed } from './points.ts'

/** Passings of each point in this process. */
const counts: Record<string, number> = Object.fromEntries([...points.map(({ name }) => [name, 0]), [unnamed.effect, 0]])

const orders: Orders | null = readOrders()

/** Whether the path lies in the run's folder. */
export function isWatched(path: string): boolean {
  return orders !== null && !relative(orders.root, path).startsWith('..')
}

/** Says that a moment has come. Does not return when it is the one to die at. `tear` does half of the operation. */
export function pass(operation: Operation, moment: Moment, path: string, tear?: () => void): void {
  const place = relative(orders!.root, path) || '.'
  for (const one of points) if (isAt(one, operation, moment, place)) count(one.name, tear)
  if (moment !== 'torn') count(unnamed.effect)
}

function count(name: string, tear?: () => void): void {
  counts[name]++
  const { kill, fill, signal = 'SIGKILL' } = orders!
  if (kill?.point !== name || kill.nth !== counts[name]) return
  if (fill !== null) {
    fillDisk(fill)
    return
  }
  tear?.()
  process.kill(process.pid, signal)
}

/** Writes the passings when this process ends by itself. */
export function reportAtExit(): void {
  const path = orders?.report
  if (path) process.once('exit', () => writeFileSync(path, JSON.stringify(counts)))
}

/** Writes ever smaller pieces until not a byte is left. */
function fillDisk(path: string): void {
  const file = openSync(path, 'w')
  for (let piece = Buffer.alloc(1024 * 1024); piece.length > 0; ) {
    try {
      writeSync(file, piece)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      piece = piece.subarray(0, piece.length >> 1)
    }
  }
  closeSync(file)
}
