import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { test } from 'node:test'

// The layout as src/README.md draws it, held against the code. Imports point down; siblings see each other's port alone.
const layers: Record<string, number> = {
  cli: 6,
  watch: 5,
  run: 4,
  verify: 4,
  inspect: 4,
  record: 3,
  pipeline: 2,
  feed: 2,
  sources: 1,
  annotate: 1,
  decide: 1,
  shards: 1,
  log: 1,
  disk: 0,
  kafka: 0,
  batch: 0,
  text: 0,
}
const ports: Record<string, string[]> = {
  sources: ['source.ts'],
  annotate: ['annotator.ts'],
  decide: ['decider.ts', 'state.ts'],
  shards: ['manifest.ts'],
  log: ['log.ts'],
}
const linesMax = 400
const functionLinesMax = 70

const root = join(import.meta.dirname, '..')
const src = join(root, 'src')
const walk = (dir: string) =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.ts'))
    .map(entry => relative(root, join(entry.parentPath, entry.name)))
const sources = walk(src)
const all = [...sources, ...walk(join(root, 'test')), ...walk(join(root, 'pipelines'))]
const read = (path: string) => readFileSync(join(root, path), 'utf8')

function importsOf(path: string): string[] {
  const found = read(path).matchAll(/(?:^import|^export)\s[^'"]*?from\s+'(\.[^']+)'|^import '(\.[^']+)'/gms)
  return [...found].map(match => normalize(join(dirname(path), match[1] ?? match[2])))
}
const folderOf = (path: string) => path.split('/')[1]

/** What is wrong with an import, or null. */
function judgeImport(from: string, to: string): string | null {
  const [source, target] = [folderOf(from), folderOf(to)]
  if (!(target in layers) || !(source in layers) || source === target) return null
  if (layers[target] > layers[source]) return `${from} imports ${to}: up`
  if (layers[target] < layers[source]) return null
  if (layers[source] === 0 || layers[source] >= 2) return null
  return ports[target]?.includes(to.split('/')[2]) ? null : `${from} imports ${to}: a sibling that is no port`
}

function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | null {
  const state = new Map<string, 'open' | 'done'>()
  const visit = (node: string, path: string[]): string[] | null => {
    if (state.get(node) === 'open') return [...path.slice(path.indexOf(node)), node]
    if (state.has(node)) return null
    state.set(node, 'open')
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next, [...path, node])
      if (cycle) return cycle
    }
    state.set(node, 'done')
    return null
  }
  for (const node of graph.keys()) {
    const cycle = visit(node, [])
    if (cycle) return cycle
  }
  return null
}

/** Functions by their braces, as the formatter lays them out: a head line that ends in `{` and the line that closes it. */
function longFunctions(path: string): string[] {
  const lines = read(path).split('\n')
  const head =
    /^(\s*)(?:export\s+)?(?:async\s+)?(?:function\b|(?:static\s+)?(?:async\s+)?\*?[#\w[\].]+\([^)]*\)(?::[^={]+)?\s*\{$)/
  return lines.flatMap((line, i) => {
    const indent = head.exec(line)?.[1]
    if (indent === undefined || /^\s*(?:if|for|while|switch|catch)\b/.test(line)) return []
    const end = lines.findIndex((other, j) => j > i && other === `${indent}}`)
    return end - i + 1 > functionLinesMax ? [`${path}:${i + 1} is ${end - i + 1} lines`] : []
  })
}

test('imports point down the layers', () => {
  const wrong = sources.flatMap(path => importsOf(path).map(to => judgeImport(path, to)))
  assert.deepEqual(wrong.filter(Boolean), [])
})

test('the judge of imports sees each kind of breach', () => {
  assert.match(judgeImport('src/text/hash.ts', 'src/log/log.ts')!, /up$/)
  assert.match(judgeImport('src/decide/rules.ts', 'src/annotate/pii.ts')!, /no port$/)
  assert.equal(judgeImport('src/decide/rules.ts', 'src/annotate/annotator.ts'), null)
})

test('there is no import cycle', () => {
  assert.deepEqual(findCycle(new Map(sources.map(path => [path, importsOf(path).filter(to => to !== path)]))), null)
  assert.deepEqual(
    findCycle(
      new Map([
        ['a', ['b']],
        ['b', ['a']],
      ]),
    ),
    ['a', 'b', 'a'],
  )
})

test('files and functions stay small', () => {
  const long = all.filter(path => read(path).split('\n').length - 1 > linesMax)
  assert.deepEqual(long, [])
  assert.deepEqual(sources.flatMap(longFunctions), [])
})

test('Arrow is imported in one file, nothing is named utils, nothing is exported by default', () => {
  assert.deepEqual(
    sources.filter(path => /from 'apache-arrow'/.test(read(path))),
    ['src/batch/arrow/ipc.ts'],
  )
  assert.deepEqual(
    all.filter(path => /utils?\.ts$/.test(path)),
    [],
  )
  assert.deepEqual(
    sources.filter(path => /^export default/m.test(read(path).replace(/`[^`]*`/g, ''))),
    [],
  )
})
