import { statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import { DocumentBuilder, tooLong } from '../document.ts'
import { resolveOptions, type SourceOptions } from '../options.ts'
import { offsetAtEnd, type Parsed, type Source } from '../source.ts'
import { readSplit, sortNames, splitNames, stampFile } from './files.ts'
import { type WatchFolders, watchFolders } from './follow.ts'

const endings = /\.(txt|md)$/i
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])

/**
 * A folder of text: every .txt and .md file in it and in the folders below is one document, with the bytes it has (without a byte order
 * mark). The id is the path below the folder; the domain is the first folder of that path, or `domainDefault` for a file that is in none.
 * Files are read in the byte order of their paths. With `follow` the source waits for new files, which must be complete when they appear.
 *
 *     textFolder('books')
 */
export function textFolder(folder: string, options: SourceOptions = {}, watch: WatchFolders = watchFolders): Source {
  const resolved = resolveOptions('textFolder', folder, options)
  const list = () => listTexts(folder)
  return {
    name: 'text',
    options: { ...resolved },
    splits: signal => {
      if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
        throw new HeadraceError('not-found', `there is no folder '${folder}' below ${process.cwd()}`)
      return splitNames(list, [folder], resolved, watch, signal)
    },
    stamp: stampFile,
    read: (split, from, signal) =>
      readSplit(split, from, signal, async function* (file) {
        const next = { offset: offsetAtEnd, line: 2 }
        const isTooLong = file.size > limits.documentBytesMax
        const bytes = await file.read(0, isTooLong ? 0 : file.size)
        if (file.size > 0) yield { line: 1, bytes, dead: isTooLong ? [tooLong(1, file.size)] : [], next }
      }),
    parse: ({ split, bytes }): Parsed => {
      const id = relative(folder, split)
      const builder = new DocumentBuilder(split, resolved.domainDefault, bytes.length)
      if (bytes.length > 0) {
        const text = byteOrderMark.equals(bytes.subarray(0, 3)) ? bytes.subarray(3) : bytes
        const domain = id.includes(sep) ? id.slice(0, id.indexOf(sep)) : ''
        builder.add(1, { text, id, domain, url: '', added: '', meta: '' })
      }
      return builder.finish()
    },
  }
}

async function listTexts(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const names = entries.filter(entry => !entry.isDirectory() && endings.test(entry.name))
  return sortNames(names.map(entry => join(entry.parentPath, entry.name)))
}
