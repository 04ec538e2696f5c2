import { hash } from 'node:crypto'
import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import { refuseName } from '../../options.ts'
import { ShingleBuffer } from '../../text/likeness/shingles.ts'
import { cutWords } from '../../text/likeness/word-grams.ts'
import { type PhraseTrie, phraseWordsMax } from '../../text/phrases.ts'
import { requirePackage } from '../optional-package.ts'
import { joinHashes, readLines } from './read-lines.ts'
import { UnusableLines } from './unusable.ts'

/** A list whose words and phrases have been entered into a trie. */
export interface WordList {
  readonly name: string
  readonly sha256: string
  readonly unusable: UnusableLines
}

/** Enters words and phrases of lists into one trie, by the number of each list. */
export class WordListReader {
  readonly lists: WordList[] = []
  readonly #who: string
  readonly #trie: PhraseTrie
  readonly #wordsMax: number
  readonly #words = new ShingleBuffer()

  constructor(who: string, trie: PhraseTrie, wordsMax: number = limits.listedWordsMax) {
    this.#who = who
    this.#trie = trie
    this.#wordsMax = wordsMax
  }

  /**
   * Enters the next list: a word or phrase a line, and comments, which begin with `#`. Throws 'not-found' for a file that can't be read,
   * 'bad-option' for a list without a usable line, and 'limit' for more than `wordsMax` words in all lists.
   */
  readFiles(name: string, files: readonly string[]): void {
    const unusable = new UnusableLines()
    let entries = 0
    const hashes = files.map(file => {
      let number = 0
      return readLines(file, this.#who, (bytes, start, end, isTooLong) => {
        number++
        const line = bytes.toString('utf8', start, end).trim()
        if (line === '' || line.startsWith('#')) return
        const why = isTooLong ? `has more than ${limits.listLineBytesMax} bytes` : this.#enter(line, file)
        if (why === null) entries++
        else unusable.add(file, number, line, why)
      })
    })
    this.#finish({ name, sha256: joinHashes(hashes), unusable }, entries, files.join(', '))
  }

  /** Enters a language's list of the package `naughty-words`, as `naughty-<language>`. */
  readNaughtyWords(language: string): void {
    const packageName = 'naughty-words'
    const all = requirePackage<Readonly<Record<string, readonly string[]>>>(packageName, this.#who)
    if (!Object.hasOwn(all, language))
      throw new HeadraceError(
        'bad-option',
        refuseName(`${this.#who}: the package ${packageName} has no language`, language, Object.keys(all)),
      )
    const unusable = new UnusableLines()
    let entries = 0
    for (const [i, line] of all[language].entries()) {
      const why = this.#enter(line, packageName)
      if (why === null) entries++
      else unusable.add(`${packageName}/${language}.json`, i + 1, line, why)
    }
    const sha256 = hash('sha256', JSON.stringify(all[language]))
    this.#finish({ name: `naughty-${language}`, sha256, unusable }, entries, packageName)
  }

  #finish(list: WordList, entries: number, from: string): void {
    if (entries === 0) {
      const why = list.unusable.describe() ?? 'there is no line but empty ones and comments'
      throw new HeadraceError('bad-option', `${this.#who}: the list '${list.name}' (${from}) has no word; ${why}`)
    }
    this.lists.push(list)
  }

  /** Enters a line, in the normal form of texts (NFC), or says why not. */
  #enter(line: string, from: string): string | null {
    const sign = signs.exec(line)
    if (sign) return `has '${sign[0]}', which is no part of a word: what is left would be found everywhere`
    const bytes = Buffer.from(line.normalize('NFC'))
    const count = cutWords(bytes, 0, bytes.length, this.#words)
    if (count === 0) return 'has no word'
    if (count > phraseWordsMax) return `has more than ${phraseWordsMax} words`
    this.#trie.add(this.#words, count, this.lists.length)
    if (this.#trie.size > this.#wordsMax)
      throw new HeadraceError('limit', `${this.#who}: more than ${this.#wordsMax} words with ${from}; give fewer`)
    return null
  }
}

/** Signs that stand for letters, or make another word of one: `f*ck`, `a$$`, `C++`. Pictures, beyond the BMP, are words. */
const signs = /[!#%*?@\\]|(?=[\0-\uffff])\p{S}/u
