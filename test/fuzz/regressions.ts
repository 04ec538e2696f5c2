import { hash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Case } from './target.ts'

// Inputs that once failed, kept as `regressions/<target>/<index of the file>-<hash>`.

const folderOf = (target: string) => join(import.meta.dirname, 'regressions', target)

export function readRegressions(target: string): (Case & { readonly name: string })[] {
  let names: string[] = []
  try {
    names = readdirSync(folderOf(target)).sort()
  } catch {
    return []
  }
  return names.map(name => {
    return { name, index: Number.parseInt(name, 10), bytes: readFileSync(join(folderOf(target), name)) }
  })
}

/** Keeps an input; returns its path. */
export function keepRegression(target: string, index: number, bytes: Uint8Array): string {
  const path = join(folderOf(target), `${index}-${hash('sha256', bytes).slice(0, 10)}`)
  mkdirSync(folderOf(target), { recursive: true })
  writeFileSync(path, bytes)
  return path
}
