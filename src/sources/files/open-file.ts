import { open, stat } from 'node:fs/promises'
import { readBytes } from '../../disk/transfer.ts'
import { refuseKind } from './file-errors.ts'
import { type InputFile, identityOf } from './input-file.ts'

/** Opens a regular file; anything else (a folder, a pipe) is refused. The handle closes with the signal too. */
export async function openFile(name: string, signal?: AbortSignal): Promise<InputFile> {
  // Looked at before it is opened, as opening a pipe waits for its writer.
  if (!(await stat(name)).isFile()) throw refuseKind(name)
  const openedAt = Date.now()
  const handle = await open(name)
  const close = () => void handle.close()
  signal?.addEventListener('abort', close)
  const look = async () => {
    const found = await handle.stat()
    return { size: found.size, identity: identityOf(found, openedAt) }
  }
  return {
    ...(await look()),
    look,
    read: (start, end) => readBytes(handle, start, Math.max(0, end - start)),
    async [Symbol.asyncDispose]() {
      signal?.removeEventListener('abort', close)
      await handle.close()
    },
  }
}
