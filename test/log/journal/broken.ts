import assert from 'node:assert/strict'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { makeFolder } from '../../temporary.ts'

export interface LogModules {
  /** Where the log's source stands, for another process. */
  readonly journalUrl: string
  readonly JournalLog: typeof import('../../../src/log/journal/journal-log.ts').JournalLog
  readonly lockDirectory: typeof import('../../../src/disk/lock.ts').lockDirectory
}

/** One mistake in `file` below src/: `right` stands there once. */
export interface Mistake {
  readonly file: string
  readonly right: string
  readonly wrong: string
}

const source = join(import.meta.dirname, '..', '..', '..', 'src')

/** The embedded log as it is, or a copy of its source with a mistake in it. */
export async function loadLog(mistake?: Mistake): Promise<LogModules> {
  const dir = mistake ? await copySource(mistake) : source
  const url = (name: string) => pathToFileURL(join(dir, name)).href
  const journalUrl = url('log/journal/journal-log.ts')
  return {
    journalUrl,
    ...(await import(journalUrl)),
    ...(await import(url('disk/lock.ts'))),
  }
}

async function copySource({ file, right, wrong }: Mistake): Promise<string> {
  const dir = join(makeFolder('broken'), 'src')
  await mkdir(dir)
  await writeFile(join(dir, 'package.json'), '{"type":"module"}')
  for (const name of ['log', 'disk', 'errors.ts', 'limits.ts'])
    await cp(join(source, name), join(dir, name), { recursive: true })
  const path = join(dir, file)
  const text = await readFile(path, 'utf8')
  assert.equal(text.split(right).length, 2, `'${right}' stands once in ${file}`)
  await writeFile(
    path,
    text.replace(right, () => wrong),
  )
  return dir
}
