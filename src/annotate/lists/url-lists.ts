import { type Columns, type NumberArray, Utf8Builder } from '../../batch/batch.ts'
import { name, type OptionsOf, optional, recordOf, required, resolveOptions } from '../../options.ts'
import { domainsOf, pathsOf, readAddress } from '../../text/urls/address.ts'
import { joinKeys, type Key, keyOfDomain, keyOfPath } from '../../text/urls/key-set.ts'
import type { Annotator } from '../annotator.ts'
import { filter } from '../filter.ts'
import { any, columnOf, type Measures, ratio } from '../measure.ts'
import { checkListNames, describeLists, files } from './named-lists.ts'
import { loadPublicSuffixes } from './public-suffixes.ts'
import { readUrlList, type UrlList } from './url-list.ts'

const who = "annotator 'url-lists'"
const first = columnOf('utf8')(
  'the first list, in the order in which they are given, that the URL is on; empty for none',
)
const entry = columnOf('utf8')('what of it is on that list: `example.com`, `example.com/forum`')
const isOn = (list: string) =>
  ratio('1 where the URL is on that list, 0 where not; NaN without a URL that has a host', {
    drop: { ...any(`listed-${list}`), about: `drops as \`listed-${list}\` what is on it`, default: false },
  })

const table = {
  name: 'url-lists',
  about: `Says which lists a document's URL is on: a list names sites, with all that lies under them, and parts of sites. Files are lines with a
    domain or URL, hosts files, or UT1's folders of \`domains\` and \`urls\` (https://dsi.ut-capitole.fr/blacklists). Lines that say nothing,
    and public suffixes as \`co.uk\`, are passed over, counted and told. Needs the package \`tldts\`.`,
  measures: { urlList: first, urlListEntry: entry, 'url:<list>': isOn('<list>') },
  options: {
    lists: required('names of lists, each with its file or folder, or several', recordOf(files)),
    from: optional('the column with the URL', name, 'url'),
  },
}
const options = { ...table.options, ...table.measures['url:<list>'].options }

/**
 * Says which lists a document's URL is on, by its host, the domains that it lies in, and the beginnings of its path: `example.com` has
 * `www.example.com`, too, and `example.com/a` has `example.com/a/b` and not `example.com/ab`. IP addresses are themselves alone.
 *
 *     pipeline('web')
 *       .from(jsonl('data/*.jsonl'))
 *       .annotate(urlLists({ lists: { adult: 'blacklists/adult', ads: ['hosts.txt', 'own.txt'] } }))
 *       .decide(rules({ 'url:adult': { above: 0 } }))
 */
export function urlLists(given: OptionsOf<typeof options>): Annotator {
  const { lists: named, from, drop } = resolveOptions(who, options, given)
  const names = checkListNames(who, named)
  const lists = readAll(named)
  const columns = names.map(name => `url:${name}`)
  const make = filter({
    name: table.name,
    version: 1,
    measures: {
      urlList: first,
      urlListEntry: entry,
      ...Object.fromEntries(names.map((name, i) => [columns[i], isOn(name)])),
    } as Measures,
    options: {},
    record: ({ drop }: { readonly drop?: boolean }) => ({ lists: names, from, ...(drop ? { drop } : {}) }),
    reads: () => [from],
    resources: lists.map(({ name, sha256 }) => ({ name: `url-list:${name}`, sha256 })),
    notes: describeLists(lists),
    prepare: () => lists,
    measure: (texts, out: Readonly<Record<string, NumberArray>>, lists) => {
      const [found, entries] = [
        new Utf8Builder(texts.rows, texts.rows * 8),
        new Utf8Builder(texts.rows, texts.rows * 8),
      ]
      for (let row = 0; row < texts.rows; row++) {
        const hits = findInLists(lists, texts.string(row))
        const hit = hits?.find(one => one !== null)
        found.push(hit?.list ?? '')
        entries.push(hit?.entry ?? '')
        for (const [i, column] of columns.entries())
          out[column][row] = hits === null ? Number.NaN : hits[i] === null ? 0 : 1
      }
      return { urlList: found.finish(), urlListEntry: entries.finish() } as Columns
    },
  })
  return make({ drop })
}

urlLists.table = table

function readAll(named: Readonly<Record<string, string | readonly string[]>>): UrlList[] {
  const isSuffix = loadPublicSuffixes(who)
  const lists: UrlList[] = []
  for (const [name, paths] of Object.entries(named)) {
    const taken = lists.reduce((sum, { entries }) => sum + entries.size, 0)
    lists.push(readUrlList(name, [paths].flat(), { who, isSuffix, taken }))
  }
  return lists
}

interface Hit {
  readonly list: string
  readonly entry: string
}
interface Part {
  readonly text: string
  readonly key: Key
}

/** For each list what of the URL is on it, or null; null for a URL without a host. */
function findInLists(lists: readonly UrlList[], url: string): (Hit | null)[] | null {
  const address = readAddress(url)
  if (address === null) return null
  const domains = domainsOf(address.host).map(text => ({ text, key: keyOfDomain(text) }))
  const paths = lists.some(({ hasPaths }) => hasPaths)
    ? pathsOf(address.path).map(text => ({ text, key: keyOfPath(text) }))
    : []
  return lists.map(list => {
    const entry = findEntry(list, domains, paths)
    return entry === null ? null : { list: list.name, entry }
  })
}

function findEntry({ entries, hasPaths }: UrlList, domains: readonly Part[], paths: readonly Part[]): string | null {
  for (const { text, key } of domains) if (entries.has(key)) return text
  if (!hasPaths) return null
  for (const domain of domains)
    for (const path of paths) if (entries.has(joinKeys(domain.key, path.key))) return domain.text + path.text
  return null
}
