import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertShrinks, type Counts, countBy } from './ratchet.ts'
import { awaitedLists, foldersMade, longParameterLists, moduleState, spreadGroups, underscoreNames } from './style.ts'
import { all, read } from './tree.ts'

type Rule = (text: string) => string[]
const folderOf = (path: string) => path.split('/')[0]

/** How often a rule is broken, by the top folder. The numbers are what is left to mend. */
const rules: [rule: Rule, allowed: Counts, breach: string, clean: string][] = [
  [spreadGroups, { test: 81 }, 'f({ ...{ a, b }, c })', "f({ ...a, b: '...{' })"],
  [underscoreNames, { test: 10 }, 'const { a: _, ...rest } = b', 'list.map((_, i) => _line + i__)'],
  [underscoreNames, { test: 10 }, 'f((_, __) => 1)', '// (_, __)'],
  [awaitedLists, { conformance: 1, test: 5 }, '[a, b] = [await f(), await g()]', '[a, b] = await all([f(), g()])'],
]

const longLists = {
  'src/kafka/records.ts writeHead(6)': 1,
  'src/text/fasttext/classifier.ts #addNgrams(6)': 1,
  'src/text/fasttext/places.ts hashNgrams(6)': 1,
  'src/text/hash.ts hash128(6)': 1,
  'src/text/hash.ts hash64(6)': 1,
  'src/text/tokens/merge.ts (6)': 2,
  'src/text/tokens/windows.ts (6)': 1,
  'src/text/words/split.ts splitChunk(6)': 1,
  'src/text/words/words.ts writeRecord(6)': 1,
  'test/fuzz/targets/sources.ts fileTarget(6)': 1,
}

const moduleStates = {
  'src/annotate/texts.ts': 1,
  'src/annotate/language.ts': 1,
  'src/text/hash.ts': 1,
  'src/text/likeness/ngrams.ts': 1,
  'src/text/normalize.ts': 1,
  'src/text/pii/bytes.ts': 1,
  'src/text/tokens/bpe.ts': 1,
  'src/text/tokens/merge.ts': 3,
  'src/text/urls/key-set.ts': 2,
  'src/text/words/words.ts': 2,
}

/** Every breach of a rule, by the file that it stands in. */
const breachesOf = (rule: Rule, paths = all) => paths.flatMap(path => rule(read(path)).map(what => ({ path, what })))

for (const [rule, allowed, breach, clean] of rules)
  test(`${rule.name}: ${breach}`, () => {
    assert.equal(rule(breach).length, 1)
    assert.deepEqual(rule(clean), [])
    assertShrinks(
      countBy(breachesOf(rule), ({ path }) => folderOf(path)),
      allowed,
    )
  })

const heads: [text: string, found: string[]][] = [
  ['function f(a: number, b: Map<string, number>, c = [1, 2], d = g(1, 2), { e, f }: E) {}', []],
  ['export function f(a: A, b: B, c: C, d: D, e: E, f: F): Promise<void> {}', ['f(6)']],
  ['function f<T>(\n  a: A,\n  b: B,\n  c: C,\n  d: D,\n  e: E,\n) {}', []],
  ['class A {\n  static async b(a: A, b: B, c: C, d: D, e: E, f: (a: A, b: B) => C): Promise<C> {', ['b(6)']],
  ['const f = (a: A, b: B, c: C, d: D, e: E, f: F): boolean => true', ['(6)']],
  ['if (f(1, 2, 3, 4, 5, 6)) {}\nfor (const a of f(1, 2, 3, 4, 5, 6)) {}\nf(1, 2, 3, 4, 5, 6)', []],
]
test('no function has more than five parameters, but for those that are listed', () => {
  for (const [text, found] of heads) assert.deepEqual(longParameterLists(text), found, text)
  assertShrinks(
    countBy(breachesOf(longParameterLists), ({ path, what }) => `${path} ${what}`),
    longLists,
  )
})

const states: [text: string, isState: boolean][] = [
  ['let count = 0', true],
  ['export let count = 0', true],
  ['const seen = new HashSet64()', true],
  ['const cache = new Map<string, number>()', true],
  ['const scratch: Uint8Array = new Uint8Array(16)', true],
  ['const found = { lines: 0, words: 0 }', true],
  ['const places = new Places(48)', true],
  ['  let count = 0', false],
  ["const marks = new Set(['.', '!'])", false],
  ['const bytes = Uint8Array.of(1, 2)', false],
  ["const options = { name: 'a', version: 1 }", false],
]
test('modules of annotators and texts keep nothing between calls, but for what is listed', () => {
  for (const [text, isState] of states) assert.equal(moduleState(text).length, isState ? 1 : 0, text)
  const paths = all.filter(path => /^src\/(?:annotate|text)\//.test(path))
  assertShrinks(
    countBy(breachesOf(moduleState, paths), ({ path }) => path),
    moduleStates,
  )
})

test('tests make temporary folders by test/temporary.ts alone', () => {
  assert.equal(foldersMade("await mkdtemp(join(tmpdir(), 'x-'))").length, 1)
  const found = breachesOf(
    foldersMade,
    all.filter(path => path.startsWith('test/')),
  )
  assert.deepEqual([...new Set(found.map(({ path }) => path))], ['test/main.ts', 'test/temporary.ts'])
})
