import { hash } from 'node:crypto'
import { join, relative, resolve } from 'node:path'
import { makeFolder } from '../disk/durable-file.ts'
import { listNames } from '../disk/files.ts'
import { isObjectOf, isText, readJson, writeJson } from '../disk/json-file.ts'
import { readRunFile } from './run-file.ts'

// Who refers to the rows of a run: a file for each in its folder `referrers/`, so that it is not trimmed or removed under them.

const isReferrer = isObjectOf({ dir: isText })

/** Notes in the run's folder `base` that the one in `dir` refers to its rows. Lasts when this returns. */
export async function addReferrer(base: string, dir: string): Promise<void> {
  const folder = join(base, 'referrers')
  await makeFolder(folder)
  const name = hash('sha256', resolve(dir)).slice(0, 16)
  await writeJson(join(folder, `${name}.json`), { dir: relative(base, dir) })
}

/** The folders of the runs that refer to the rows of the run in `dir` with this id. One that was removed refers to nothing. */
export async function findReferrers(dir: string, id: string | undefined): Promise<string[]> {
  const names = await listNames(join(dir, 'referrers'))
  const found = await Promise.all(names.filter(name => name.endsWith('.json')).map(name => findReferrer(dir, id, name)))
  return found.filter(referrer => referrer !== null).sort()
}

async function findReferrer(dir: string, id: string | undefined, name: string): Promise<string | null> {
  const fault = 'does not say which run refers to this one: remove it once no run does'
  const noted = await readJson<{ dir: string }>(join(dir, 'referrers', name), isReferrer, fault)
  if (!noted) return null
  const referrer = resolve(dir, noted.dir)
  const run = await readRunFile(referrer)
  const named = [run?.base, ...(run?.recall?.after ?? [])]
  return named.some(name => name !== undefined && name.id === id) ? referrer : null
}
