import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'

/** The project's own files, by their path from its root. */
const root = join(import.meta.dirname, '..', '..')

export function walk(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.ts'))
    .map(entry => relative(root, join(entry.parentPath, entry.name)))
    .sort()
}

export const read = (path: string) => readFileSync(join(root, path), 'utf8')

export const sources = walk('src')
export const all = ['src', 'conformance', 'test', 'pipelines'].flatMap(walk)

/** The files that a file imports or exports from. */
export function importsOf(path: string): string[] {
  const found = read(path).matchAll(/(?:^import|^export)\s[^'"]*?from\s+'(\.[^']+)'|^import '(\.[^']+)'/gms)
  return [...found].map(match => normalize(join(dirname(path), match[1] ?? match[2])))
}

export interface Import {
  readonly from: string
  readonly to: string
}

export const imports: readonly Import[] = sources.flatMap(from => importsOf(from).map(to => ({ from, to })))
