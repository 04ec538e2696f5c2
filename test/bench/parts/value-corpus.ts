import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { mix32 } from '../../../src/text/hash.ts'

/** A document of the test corpus, with the package that it came from. */
export interface Sample {
  readonly id: string
  readonly source: string
  readonly group: string
  readonly bytes: Uint8Array
  readonly isHeld: boolean
}

/** Packages that no model sees; `all`: no package of the source is trained on. */
const heldPackages: Readonly<Record<string, readonly string[] | 'all'>> = {
  'en-techlit': [
    'postgresql-doc-15',
    'perl-doc',
    'manpages',
    'debian-policy',
    'debian-reference-en',
    'installation-guide-amd64',
    'installation-guide-arm64',
  ],
  'en-webpages': ['sqlite3-doc', 'nodejs-doc', '@intlayer', 'apache2-doc', 'gnome-user-docs', 'aptitude-doc-en'],
  'en-books': [
    'anarchism',
    'r-cran-janeaustenr',
    'sword-comm-mhcc',
    'dict-foldoc',
    'dict-devil',
    'quran-json',
    'wesnoth-1.16-utbs',
    'wesnoth-1.16-httt',
  ],
  math: ['pari-doc', 'maxima-doc', 'python-sympy-doc', 'gap-doc'],
  code: ['golang-1.19-src', 'grpc', 'libpython3.11-stdlib', 'tcllib', 'effect', 'perl-modules-5.36', 'three'],
  'zh-techlit': [
    'debian-handbook',
    'debian-reference-zh-cn',
    'debian-reference-zh-tw',
    'installation-guide-amd64',
    'installation-guide-arm64',
    'linux-doc-6.1',
  ],
  'zh-webpages': ['@jzone-mcp', '@intlayer', 'apache2-doc', 'gnome-user-docs'],
  'zh-books': ['fortunes-zh', 'quran-json', 'wesnoth-1.16-utbs', 'wesnoth-1.16-httt'],
  'zh-qa': 'all',
  'en-qa': 'all',
  'en-news': 'all',
}
/** Of one family of packages each: held out by half of their ids. */
export const junk = ['spam', 'list', 'data', 'navpage', 'license', 'changelog', 'uistrings', 'minified'].map(
  kind => `junk-${kind}`,
)
const halved = new Set(['en-forum', ...junk])

/** Documents of the corpus in folder `from` without copies, those of a source in `sources` alone where that is given. */
export function readSamples(from: string, sources?: readonly string[]): Sample[] {
  const samples: Sample[] = []
  for (const file of readdirSync(from).sort()) {
    if (!/^corpus-.*\.jsonl$/.test(file)) continue
    for (const line of readFileSync(join(from, file), 'utf8').trimEnd().split('\n')) {
      const { id, text, source, url } = JSON.parse(line)
      const [, , host, group] = url.split('/')
      const isKnown = source in heldPackages || halved.has(source)
      if (host.startsWith('mirror') || !isKnown || (sources && !sources.includes(source))) continue
      samples.push({ id, source, group, bytes: new TextEncoder().encode(text), isHeld: isHeldOut(source, group, id) })
    }
  }
  return samples
}

function isHeldOut(source: string, group: string, id: string): boolean {
  if (halved.has(source)) return Number.parseInt(id.slice(0, 4), 16) % 2 === 1
  const held = heldPackages[source]
  return held === 'all' || held.includes(group)
}

/** So many of these, drawn by their ids. */
export function draw(samples: readonly Sample[], count: number): Sample[] {
  const rank = ({ id }: Sample) => mix32(Number.parseInt(id.slice(0, 8), 16))
  return [...samples].sort((a, b) => rank(a) - rank(b)).slice(0, count)
}
