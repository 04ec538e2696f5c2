import { randomUUID } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder, writeDurably } from '../disk/durable-file.ts'
import { HeadraceError, wrapDiskError } from '../errors.ts'

/** Asks a run to read its dead records again: those that died for one of `reasons`, or all when it is empty. */
export interface RedriveRequest {
  readonly kind: 'redrive'
  readonly id: string
  readonly reasons: readonly string[]
}

const ending = '.redrive'
const pathOf = (dir: string) => join(dir, 'inbox')

/** Leaves a request in the inbox of a run so that it lasts. Returns its id. */
export async function putRequest(dir: string, reasons: readonly string[]): Promise<string> {
  const request: RedriveRequest = { kind: 'redrive', id: randomUUID(), reasons }
  await makeFolder(pathOf(dir))
  await writeDurably(join(pathOf(dir), request.id + ending), [Buffer.from(`${JSON.stringify(request)}\n`)])
  return request.id
}

/** The requests that wait, in the order of their names. One that can't be read is an error that names it. */
export async function listRequests(dir: string): Promise<RedriveRequest[]> {
  const names = await readdir(pathOf(dir)).catch(error => {
    if (error.code === 'ENOENT') return []
    throw wrapDiskError(error, `reading ${pathOf(dir)}`)
  })
  return Promise.all(
    names
      .filter(name => name.endsWith(ending))
      .sort()
      .map(name => readRequest(join(pathOf(dir), name))),
  )
}

/** Removes a request; one that is gone already is fine. */
export async function removeRequest(dir: string, id: string): Promise<void> {
  const path = join(pathOf(dir), id + ending)
  await rm(path, { force: true }).catch(error => {
    throw wrapDiskError(error, `removing ${path}`)
  })
}

async function readRequest(path: string): Promise<RedriveRequest> {
  const text = await readFile(path, 'utf8').catch(error => {
    throw wrapDiskError(error, `reading ${path}`)
  })
  try {
    const request = JSON.parse(text)
    if (request?.kind === 'redrive' && typeof request.id === 'string' && Array.isArray(request.reasons)) return request
  } catch {
    // Said below.
  }
  throw new HeadraceError('corrupt', `${path} is no request: delete it, and ask again with 'headrace redrive'`)
}
