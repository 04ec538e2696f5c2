import type { Import } from './tree.ts'

/** The layout as src/README.md draws it. Imports point down. */
export const layers: Readonly<Record<string, number>> = {
  cli: 7,
  page: 6,
  watch: 5,
  'what-if': 5,
  unite: 5,
  recall: 5,
  run: 4,
  verify: 4,
  inspect: 4,
  replay: 4,
  diff: 4,
  promote: 4,
  export: 4,
  value: 4,
  rows: 4,
  serve: 4,
  control: 4,
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

/** What a sibling may import of a folder. */
const ports: Readonly<Record<string, readonly string[]>> = {
  sources: ['source.ts'],
  annotate: ['annotator.ts'],
  decide: ['decider.ts', 'state.ts'],
  shards: ['manifest.ts'],
  log: ['log.ts'],
  feed: ['options.ts'],
  promote: ['recompute.ts'],
}

/** Siblings that a folder may import whole: texts are columns of batches, and doctor asks what verify knows. */
export const beside: Readonly<Record<string, readonly string[]>> = {
  text: ['batch'],
  inspect: ['verify'],
  verify: ['rows'],
}

/** Rooms of one folder that another of its rooms may import. */
export const rooms: Readonly<Record<string, readonly string[]>> = {
  'annotate/judge': ['annotate/model-server'],
  'annotate/embedding': ['annotate/model-server'],
  'batch/arrow/foreign': ['batch/arrow'],
  'text/linear': ['text/likeness'],
  'text/language-model': ['text/tokens'],
  'sources/files': ['sources/unpack'],
  'sources/parquet': ['sources/files'],
  'page/client': ['page/live'],
  'feed/files': ['feed/plan'],
  'feed/plan': ['feed/files'],
  'feed/change': ['feed/files', 'feed/plan'],
  'run/measure': ['run/load'],
  'run/redrive': ['run/load'],
  'run/replay': ['run/load', 'run/measure'],
  'run/spread': ['run/load', 'run/replay', 'run/redrive', 'run/measure', 'run/decide', 'run/shard'],
}

/** `log/kafka` for `src/log/kafka/owner.ts`; empty for what lies in `src/` itself. */
export const roomOf = (path: string) => path.split('/').slice(1, -1).join('/')
export const folderOf = (path: string) => roomOf(path).split('/')[0]
const within = (path: string) => path.split('/').slice(2).join('/')

/** What is wrong with an import, or null. */
export function judgeImport({ from, to }: Import): string | null {
  if (!to.startsWith('src/')) return `${from} imports ${to}: out of the source`
  if (from === 'src/index.ts') return null
  const [source, target] = [folderOf(from), folderOf(to)]
  // The command line finds kinds of sources and operators among the public names.
  if (target === '') return to === 'src/index.ts' && source !== 'cli' ? `${from} imports ${to}: up` : null
  if (source === '') return `${from} imports ${to}: up`
  for (const folder of [source, target]) if (!(folder in layers)) return `${from} imports ${to}: ${folder} has no layer`
  if (source === target)
    return mayEnter(roomOf(from), roomOf(to)) ? null : `${from} imports ${to}: a room beside its own`
  if (layers[target] > layers[source]) return `${from} imports ${to}: up`
  if (layers[target] < layers[source] || beside[source]?.includes(target)) return null
  return ports[target]?.includes(within(to)) ? null : `${from} imports ${to}: a sibling that is no port`
}

/** Whether a room imports one that it may not. What lies in a folder itself and its rooms may import each other. */
function mayEnter(source: string, target: string): boolean {
  const isRoom = (room: string) => room.includes('/')
  return !isRoom(source) || !isRoom(target) || source === target || !!rooms[source]?.includes(target)
}

/** The nodes of a circle, the first one again at its end, or null. */
export function findCycle(graph: ReadonlyMap<string, Iterable<string>>): string[] | null {
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

/** The folders and rooms that each imports, but for `exceptions`, as `from -> to`. What lies in `src/` itself is no folder. */
export function graphOfRooms(
  imports: readonly Import[],
  exceptions: readonly string[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const graph = new Map<string, Set<string>>()
  for (const { from, to } of imports) {
    const [source, target] = [roomOf(from), roomOf(to)]
    if (!source || !target || source === target || exceptions.includes(`${source} -> ${target}`)) continue
    graph.set(source, (graph.get(source) ?? new Set()).add(target))
  }
  return graph
}
