import type { Columns, NumberArray } from '../../batch/batch.ts'
import { HeadraceError } from '../../errors.ts'
import { listOf, name, number, type OptionsOf, optional, recordOf, resolveOptions, whole } from '../../options.ts'
import { ShingleBuffer } from '../../text/likeness/shingles.ts'
import { cutWords } from '../../text/likeness/word-grams.ts'
import { PhraseFinder, PhraseTrie, phraseListsMax } from '../../text/phrases.ts'
import type { Annotator } from '../annotator.ts'
import { filter } from '../filter.ts'
import { above, count, type Measures, ratio } from '../measure.ts'
import { checkListNames, describeLists, files } from './named-lists.ts'
import { WordListReader } from './word-list.ts'

const who = "annotator 'word-lists'"
const hitsOf = (list: string) =>
  count('places where a word or phrase of that list ends', {
    hitsMax: above(null, `words-${list}`, whole()),
  })
const shareOf = (list: string) =>
  ratio("share of the text's words that are of such a word or phrase; NaN without words", {
    shareMax: above(null, `word-share-${list}`, number(0, 1)),
  })

const table = {
  name: 'word-lists',
  about: `Counts words and phrases of lists, which are files with one a line. Where a script has spaces, words are whole; in Chinese, Japanese,
    Korean, Thai and others of which a character is taken as a word, they are found anywhere. Case, width, punctuation and characters that show
    nothing do not count. Put \`normalize()\` before it, as accents are compared composed. A line with a sign that stands for letters
    (\`a$$\`) is passed over, counted and told. \`naughtyWords\` takes lists of the package \`naughty-words\` (LDNOOBW, by Shutterstock and
    contributors, CC BY 4.0), which is needed for that alone.`,
  measures: { 'words:<list>': hitsOf('<list>'), 'words:<list>:share': shareOf('<list>') },
  options: {
    lists: optional('names of lists, each with its file, or several', recordOf(files), {}),
    naughtyWords: optional('languages (`en`, `zh`), each a list `naughty-<language>`', listOf(name), []),
  },
}
const options = {
  ...table.options,
  ...table.measures['words:<list>'].options,
  ...table.measures['words:<list>:share'].options,
}

/**
 * Counts words and phrases of lists: `words:<list>`, and `words:<list>:share` of the text's words. `hitsMax` and `shareMax` hold for each list;
 * rules on the columns say more.
 *
 *     pipeline('web')
 *       .from(jsonl('data/*.jsonl'))
 *       .annotate(normalize(), wordLists({ lists: { spam: 'lists/spam.txt' }, naughtyWords: ['en'] }))
 *       .decide(rules({ 'words:naughty-en:share': { above: 0.01 } }))
 */
export function wordLists(given: OptionsOf<typeof options> = {}): Annotator {
  const chosen = resolveOptions(who, options, given)
  const { trie, lists } = readAll(chosen)
  const names = lists.map(({ name }) => name)
  const columns = names.map(name => ({ hits: `words:${name}`, share: `words:${name}:share` }))
  const make = filter({
    name: table.name,
    version: 1,
    measures: Object.fromEntries(
      columns.flatMap(({ hits, share }, i) => [
        [hits, hitsOf(names[i])],
        [share, shareOf(names[i])],
      ]),
    ) as Measures,
    options: {},
    record: thresholds => ({ lists: names, ...thresholds }),
    resources: lists.map(({ name, sha256 }) => ({ name: `word-list:${name}`, sha256 })),
    notes: describeLists(lists),
    prepare: () => new PhraseFinder(trie),
    measure({ rows, bytes, offsets }, out: Readonly<Record<string, NumberArray>>, finder): Columns {
      const words = new ShingleBuffer()
      const [hits, covered] = [new Uint32Array(names.length), new Uint32Array(names.length)]
      for (let row = 0; row < rows; row++) {
        const count = cutWords(bytes, offsets[row], offsets[row + 1], words)
        hits.fill(0)
        covered.fill(0)
        finder.find(words, count, hits, covered)
        for (const [i, column] of columns.entries()) {
          out[column.hits][row] = hits[i]
          out[column.share][row] = covered[i] / count
        }
      }
      return {}
    },
  })
  const { hitsMax, shareMax } = chosen
  return make({ hitsMax, shareMax })
}
wordLists.table = table

type Sources = {
  readonly lists: Readonly<Record<string, string | readonly string[]>>
  readonly naughtyWords: readonly string[]
}

function readAll({ lists, naughtyWords }: Sources) {
  const naughty = naughtyWords.map(language => `naughty-${language}`)
  const names = [...Object.keys(lists), ...naughty]
  if (names.length === 0)
    throw new HeadraceError('bad-option', `${who} has no list: give 'lists', 'naughtyWords', or both`)
  if (Object.keys(lists).length > 0) checkListNames(who, lists)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice) throw new HeadraceError('bad-option', `${who} has two lists '${twice}': name each once`)
  if (names.length > phraseListsMax)
    throw new HeadraceError('bad-option', `${who} has ${names.length} lists: give ${phraseListsMax} at most`)
  const trie = new PhraseTrie()
  const reader = new WordListReader(who, trie)
  for (const [name, paths] of Object.entries(lists)) reader.readFiles(name, [paths].flat())
  for (const language of naughtyWords) reader.readNaughtyWords(language)
  return { trie, lists: reader.lists }
}
