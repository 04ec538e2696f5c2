import { createHash, type Hash } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import { isDigit } from '../../text/bytes.ts'
import { isIpAddress, pathPartsMax, pathsOf, readAddress } from '../../text/urls/address.ts'
import {
  joinKeys,
  type KeySet,
  KeySetBuilder,
  keyOfDomain,
  keyOfDomainBytes,
  keyOfPath,
} from '../../text/urls/key-set.ts'
import type { IsPublicSuffix } from './public-suffixes.ts'
import { joinHashes, readLines } from './read-lines.ts'
import { UnusableLines } from './unusable.ts'

/** A list of sites and parts of sites. */
export interface UrlList {
  readonly name: string
  readonly entries: KeySet
  /** Whether some entry is a part of a site. */
  readonly hasPaths: boolean
  /** Of the files, and of what of them is passed over as a public suffix. */
  readonly sha256: string
  readonly unusable: UnusableLines
}

/**
 * Reads a list of files and folders: lines with a domain or URL, hosts files (`0.0.0.0 name name`), and UT1's folders of `domains` and `urls`.
 * `#` begins a comment; `*.` and `.` before a domain say what it says without. Throws 'not-found' for what can't be read, 'bad-option' for a
 * list without a usable line, and 'limit' for more than `limits.urlListEntriesMax` entries, `taken` included.
 */
export function readUrlList(
  name: string,
  paths: readonly string[],
  { who, isSuffix, taken }: { readonly who: string; readonly isSuffix: IsPublicSuffix; readonly taken: number },
): UrlList {
  const reader = new ListReader(isSuffix)
  const files = paths.flatMap(path => filesOf(path, who))
  const hashes = files.map(file => {
    let number = 0
    return readLines(file, who, (bytes, start, end, isTooLong) => {
      reader.take(bytes, start, end, { file, number: ++number, isTooLong })
      if (reader.entries.length + taken > limits.urlListEntriesMax)
        throw new HeadraceError(
          'limit',
          `${who}: more than ${limits.urlListEntriesMax} entries with ${file}; give fewer`,
        )
    })
  })
  const { unusable, hasPaths } = reader
  if (reader.entries.length === 0) {
    const why = unusable.describe() ?? 'there is no line but empty ones and comments'
    throw new HeadraceError(
      'bad-option',
      `${who}: the list '${name}' (${paths.join(', ')}) names no domain or URL; ${why}`,
    )
  }
  const sha256 = joinHashes([joinHashes(hashes), ...reader.suffixes()])
  return { name, entries: reader.entries.finish(), hasPaths, sha256, unusable }
}

/** UT1's files of a category. Others beside them (`usage`, `expressions`) are no lists. */
const folderFiles = ['domains', 'urls']

function filesOf(path: string, who: string): string[] {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [path]
  const there = readdirSync(path)
  const files = folderFiles.filter(file => there.includes(file)).map(file => join(path, file))
  if (files.length > 0) return files
  throw new HeadraceError(
    'not-found',
    `${who}: the folder ${path} has no file 'domains' or 'urls': give a list's folder`,
  )
}

interface Place {
  readonly file: string
  readonly number: number
  readonly isTooLong: boolean
}

class ListReader {
  readonly entries = new KeySetBuilder()
  readonly unusable = new UnusableLines()
  hasPaths = false
  readonly #isSuffix: IsPublicSuffix
  #suffixes: Hash | null = null

  constructor(isSuffix: IsPublicSuffix) {
    this.#isSuffix = isSuffix
  }

  /** A hash of what was passed over as a public suffix: another version of that list gives another one only where it matters. */
  suffixes(): string[] {
    return this.#suffixes ? [this.#suffixes.digest('hex')] : []
  }

  take(bytes: Buffer, start: number, end: number, place: Place): void {
    if (!place.isTooLong && isPlainDomain(bytes, start, end)) {
      const why = this.#judgeDomain(bytes.toString('latin1', start, end))
      if (why === null) this.entries.add(keyOfDomainBytes(bytes, start, end))
      else this.#passOver(place, bytes.toString('latin1', start, end), why)
      return
    }
    const line = bytes.toString('utf8', start, end)
    if (place.isTooLong) this.#passOver(place, line, `has more than ${limits.listLineBytesMax} bytes`)
    else this.#takeLine(line, place)
  }

  #takeLine(line: string, place: Place): void {
    const words = line
      .replace(/(?:^|\s)#.*$/, '')
      .split(/\s+/)
      .filter(Boolean)
    const isHosts = words.length > 1 && isHostsAddress(words[0])
    const entries = isHosts ? words.slice(1) : words
    const faults = words.length > 1 && !isHosts ? ['has several words'] : entries.map(entry => this.#enter(entry))
    const why = faults.find(fault => fault !== null)
    if (why) this.#passOver(place, line, why)
  }

  /** Enters a domain or URL, or says why not. */
  #enter(entry: string): string | null {
    if (entry.includes('#')) return 'has a fragment, which is no part of a page'
    const address = readAddress(entry.replace(/^(?:\*\.|\.)/, ''))
    if (address === null) return 'is no domain or URL'
    const { host } = address
    const why = isIpAddress(host) ? null : this.#judgeDomain(host)
    if (why !== null) return why
    const path = address.path.replace(/\/$/, '')
    if (path !== '' && !pathsOf(path).includes(path)) return `has more than ${pathPartsMax} parts`
    this.hasPaths ||= path !== ''
    this.entries.add(path === '' ? keyOfDomain(host) : joinKeys(keyOfDomain(host), keyOfPath(path)))
    return null
  }

  /** Why all of a domain can't be on a list. */
  #judgeDomain(domain: string): string | null {
    if (!domain.includes('.')) return 'has no dot'
    if (!this.#isSuffix(domain)) return null
    this.#suffixes ??= createHash('sha256')
    this.#suffixes.update(`${domain}\n`)
    return 'is a public suffix, as com is: it would stand for all sites under it'
  }

  #passOver({ file, number }: Place, line: string, why: string): void {
    this.unusable.add(file, number, line, why)
  }
}

/** The first word of a line of a hosts file. */
function isHostsAddress(word: string): boolean {
  return /^[\d.]+$/.test(word) || /^[\da-f]*:[\da-f:.%\w]*$/i.test(word)
}

const [dot, dash, underscore] = [0x2e, 0x2d, 0x5f]

/** Whether a line is a domain as `readAddress` would write it, without asking: all but a few lines of a list of millions. */
function isPlainDomain(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > 253) return false
  let [labelAt, labels] = [start, 1]
  for (let at = start; at < end; at++) {
    const byte = bytes[at]
    if (byte === dot) {
      if (at === labelAt) return false
      labelAt = at + 1
      labels++
    } else if (!isLowerLetter(byte) && !isDigit(byte) && byte !== dash && byte !== underscore) return false
  }
  return labels > 1 && labelAt < end && isLowerLetter(bytes[labelAt])
}

function isLowerLetter(byte: number): boolean {
  return byte >= 0x61 && byte <= 0x7a
}
