import { randomUUID } from 'node:crypto'
import { isListOf, isObjectOf, isOneOf, isText } from '../disk/json-file.ts'
import { Inbox } from './inbox.ts'

/** Asks a run to read its dead records again: those that died for one of `reasons`, or all when it is empty. */
export interface RedriveRequest {
  readonly kind: 'redrive'
  readonly id: string
  readonly reasons: readonly string[]
}

const requests = new Inbox<RedriveRequest>(
  '.redrive',
  isObjectOf({ kind: isOneOf('redrive'), id: isText, reasons: isListOf(isText) }),
  "is no request: delete it, and ask again with 'headrace redrive'",
)

/** Leaves a request in the inbox of a run so that it lasts. Returns its id. */
export async function putRequest(dir: string, reasons: readonly string[]): Promise<string> {
  const id = randomUUID()
  await requests.put(dir, id, { kind: 'redrive', id, reasons })
  return id
}

/** The requests that wait, in the order of their names, by which they go. */
export async function listRequests(dir: string): Promise<RedriveRequest[]> {
  return Array.from(await requests.list(dir), ([id, request]) => ({ ...request, id }))
}

export function removeRequest(dir: string, id: string): Promise<void> {
  return requests.remove(dir, id)
}
