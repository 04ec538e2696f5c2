import { join } from 'node:path'
import type { OnEffect } from '../disk/durable-file.ts'
import { sizeOf } from '../disk/files.ts'
import { listRowFiles, readRowFile } from './row-file.ts'
import { StandingRows } from './standing.ts'

/** How many files of rows are wholly before a step, and their bytes. Nothing is touched. */
export async function countRowsBefore(dir: string, step: number): Promise<{ files: number; bytes: number }> {
  const count = { files: 0, bytes: 0 }
  for (const name of await listRowFiles(dir)) {
    const file = await readRowFile(dir, name)
    if (!file || file.first + file.steps > step) continue
    count.files++
    for (const one of [name, file.ids, file.spans]) count.bytes += (await sizeOf(join(dir, one))) ?? 0
  }
  return count
}

/** Removes them. Whoever reads them goes on with blocks. The caller has locked their folder. */
export async function removeRowsBefore(dir: string, step: number, onEffect: OnEffect = () => {}): Promise<void> {
  const standing = await StandingRows.open(dir, onEffect)
  await standing.removeFiles(standing.files.filter(({ first, steps }) => first + steps <= step))
}
