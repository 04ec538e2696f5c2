import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder, type OnEffect, writeDurably } from '../disk/durable-file.ts'
import { isMissing, listNames, removeFile } from '../disk/files.ts'
import { wrapDiskError } from '../errors.ts'
import type { ApartTexts } from './text-log.ts'

/**
 * The texts of a run in a folder that does not store all of them: a file a slot, `texts/<slot>.arrow`, until the slot's kept rows are in
 * sealed shards or, where texts of these are stored, decided. A file lasts before the slot is committed, and the header `texts` of its entry
 * in `scored` has its checksum; one of a slot that was not committed is written again with it. Nothing is read of it after that, so that
 * nothing depends on when a file goes.
 */
const folderOf = (dir: string) => join(dir, 'texts')
const nameOf = (slot: number) => `${String(slot).padStart(10, '0')}.arrow`
const pathOf = (dir: string, slot: number) => join(folderOf(dir), nameOf(slot))

export async function writeTexts(dir: string, slot: number, texts: Uint8Array, onEffect?: OnEffect): Promise<void> {
  await makeFolder(folderOf(dir))
  await writeDurably(pathOf(dir, slot), [texts], onEffect)
}

/** Removes the texts of the slots before one. */
export async function removeTexts(dir: string, before: number): Promise<void> {
  for (const name of await listNames(folderOf(dir)))
    if (Number.parseInt(name, 10) < before) await removeFile(join(folderOf(dir), name))
}

/** The files of a run. */
export function textFiles(dir: string): ApartTexts {
  return { find: slot => readTexts(pathOf(dir, slot)), placeOf: slot => pathOf(dir, slot), ...holdsNothing }
}

const holdsNothing = { [Symbol.asyncDispose]: async () => {} }

function readTexts(path: string): Promise<Uint8Array | null> {
  return readFile(path).catch(error => {
    if (isMissing(error)) return null
    throw wrapDiskError(error, `reading ${path}`)
  })
}
