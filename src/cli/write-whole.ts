import { mkdir, open, rename } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { syncFolder } from '../disk/durable-file.ts'
import { removeFile } from '../disk/files.ts'
import { wrapDiskError } from '../errors.ts'

/** Writes a file aside, and puts it in place when it is whole. */
export async function writeWhole(path: string, lines: AsyncIterable<string>): Promise<void> {
  await mkdir(dirname(resolve(path)), { recursive: true })
  try {
    const file = await open(`${path}.tmp`, 'w')
    try {
      for await (const line of lines) await file.appendFile(line)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(`${path}.tmp`, path)
    await syncFolder(dirname(resolve(path)))
  } catch (error) {
    await removeFile(`${path}.tmp`)
    throw wrapDiskError(error, `writing ${path}`)
  }
}
