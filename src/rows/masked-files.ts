import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { readBytes } from '../disk/transfer.ts'
import { HeadraceError, wrapDiskError } from '../errors.ts'
import type { Masks } from '../feed/files/masks.ts'
import { kindOfMasked, spanKinds } from '../feed/read.ts'
import type { RowFile } from './row-file.ts'
import { decodeSpans } from './step-spans.ts'

/** Whether a file has a document otherwise than it is masked by now. */
export async function isOutdated(dir: string, rows: RowFile, masks: Masks): Promise<boolean> {
  if (masks.isEmpty) return false
  const path = join(dir, rows.spans)
  try {
    await using file = await open(path)
    for (let i = 0, from = 0; i < rows.steps; from = rows.spansEnds[i++]) {
      const bytes = await readBytes(file, from, rows.spansEnds[i] - from)
      if (bytes.length < rows.spansEnds[i] - from)
        throw new HeadraceError(
          'corrupt',
          `${path} ends before step ${rows.first + i}: remove ${rows.spans} and its .json`,
        )
      if (isStepOutdated(bytes, rows.first + i, rows.batch, masks)) return true
    }
    return false
  } catch (error) {
    throw wrapDiskError(error, `reading ${path}`)
  }
}

function isStepOutdated(bytes: Uint8Array, step: number, samples: number, masks: Masks): boolean {
  const { kinds, slots, rows } = decodeSpans(bytes, samples)
  return kinds.some(
    (kind, span) => kind !== spanKinds.padding && kind !== kindOfMasked[masks.judgeRow(slots[span], rows[span], step)],
  )
}
