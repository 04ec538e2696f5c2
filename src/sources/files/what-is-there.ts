import { opendir } from 'node:fs/promises'
import { extname, join, relative } from 'node:path'

/** Files that are looked at to say what a folder has: enough for a word of advice. */
const filesMax = 10_000
const kindsShown = 3

/** Endings that one of the sources reads, and how it is asked to. */
const readable = /^\.(jsonl|ndjson|json|parquet)(\.(gz|zst))?$/i
const text = /^\.(txt|md)$/i

interface Kind {
  files: number
  isBelow: boolean
}

/** What a folder has in place of what was asked for, and what to say to read it: the end of a sentence. */
export async function describeFolder(folder: string): Promise<string> {
  const kinds = await countKinds(folder)
  if (kinds === null) return `there is no folder '${folder}'`
  const sorted = [...kinds].sort((a, b) => b[1].files - a[1].files || (a[0] < b[0] ? -1 : 1))
  if (sorted.length === 0) return `${folder} has no files`
  const shown = sorted.slice(0, kindsShown).map(([ending, { files }]) => `${files} ${ending || 'without an ending'}`)
  const others = sorted.length > kindsShown ? ' and others' : ''
  return `${folder} has ${shown.join(', ')}${others}${advise(folder, sorted)}`
}

function advise(folder: string, kinds: readonly (readonly [ending: string, Kind])[]): string {
  const found = kinds.find(([ending]) => readable.test(ending))
  if (found) {
    const [ending, { isBelow }] = found
    return `: say ${join(folder, isBelow ? '**' : '', `*${ending}`)}`
  }
  return kinds.some(([ending]) => text.test(ending)) ? `: say ${folder}` : ''
}

/** Files below a folder by their ending, which has two parts where they are packed; null where there is no folder. */
async function countKinds(folder: string): Promise<Map<string, Kind> | null> {
  const kinds = new Map<string, Kind>()
  try {
    let files = 0
    for await (const entry of await opendir(folder, { recursive: true })) {
      if (entry.isDirectory()) continue
      const ending = endingOf(entry.name)
      const kind = kinds.get(ending) ?? { files: 0, isBelow: false }
      kinds.set(ending, kind)
      kind.files++
      kind.isBelow ||= relative(folder, entry.parentPath) !== ''
      if (++files >= filesMax) break
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
  }
  return kinds
}

function endingOf(name: string): string {
  const last = extname(name)
  return /^\.(gz|zst|bz2|xz)$/i.test(last) ? extname(name.slice(0, -last.length)) + last : last
}
