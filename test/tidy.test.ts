import assert from 'node:assert/strict'
import { test } from 'node:test'
import { beside, findCycle, folderOf, graphOfRooms, judgeImport, roomOf, rooms } from './tidy/layers.ts'
import { assertShrinks, countBy, judgeCounts } from './tidy/ratchet.ts'
import { all, imports, importsOf, read, sources } from './tidy/tree.ts'

// The layout as src/README.md draws it, held against the code. Numbers are what is left to mend: they may fall.
const linesMax = 400
const functionLinesMax = 70

/** Imports that are wrong and still there. */
const wrongImports = {}

/** Imports that close a circle of folders: without them there is none. */
const circles = {
  'feed -> feed/files': 8,
  'feed -> feed/plan': 3,
  'feed/plan -> feed/files': 1,
  'log -> log/journal': 1,
  'log -> log/kafka': 1,
  'run -> run/decide': 3,
  'run -> run/load': 1,
  'run -> run/shard': 2,
  'run -> run/redrive': 1,
  'run -> run/replay': 4,
  'run -> run/spread': 1,
  'run/measure -> run/load': 1,
  'text -> text/likeness': 1,
}

test('imports point down the layers, siblings see ports alone, and nothing that reads a run imports what runs it', () => {
  const wrong = imports.flatMap(one => judgeImport(one) ?? [])
  assertShrinks(
    countBy(wrong, what => what),
    wrongImports,
  )
})

const breaches: [from: string, to: string, wrong: RegExp | null][] = [
  ['src/text/hash.ts', 'src/log/log.ts', /up$/],
  ['src/errors.ts', 'src/batch/batch.ts', /up$/],
  ['src/run/run.ts', 'src/index.ts', /up$/],
  ['src/run/run.ts', 'conformance/log.ts', /out of the source$/],
  ['src/attic/old.ts', 'src/batch/batch.ts', /attic has no layer$/],
  ['src/text/hash.ts', 'src/batch/batch.ts', null],
  ['src/batch/batch.ts', 'src/text/hash.ts', /no port$/],
  ['src/kafka/client.ts', 'src/disk/lock.ts', /no port$/],
  ['src/decide/rules.ts', 'src/annotate/pii.ts', /no port$/],
  ['src/decide/rules.ts', 'src/annotate/annotator.ts', null],
  ['src/decide/rules.ts', 'src/annotate/quality/annotator.ts', /no port$/],
  ['src/pipeline/plan.ts', 'src/feed/publish.ts', /no port$/],
  ['src/verify/verify.ts', 'src/run/run.ts', /no port$/],
  ['src/inspect/doctor.ts', 'src/run/admit.ts', /no port$/],
  ['src/replay/replay.ts', 'src/run/run.ts', /no port$/],
  ['src/export/export.ts', 'src/run/run.ts', /no port$/],
  ['src/export/export.ts', 'src/record/run-reader.ts', null],
  ['src/inspect/doctor.ts', 'src/verify/check.ts', null],
  ['src/run/run.ts', 'src/verify/check.ts', /no port$/],
  ['src/run/run.ts', 'src/inspect/doctor.ts', /no port$/],
  ['src/run/run.ts', 'src/watch/counts.ts', /up$/],
  ['src/run/run.ts', 'src/cli/run.ts', /up$/],
  ['src/log/kafka/owner.ts', 'src/log/journal/frame.ts', /a room beside its own$/],
  ['src/log/kafka/owner.ts', 'src/log/log.ts', null],
  ['src/sources/kafka/records.ts', 'src/sources/files/jsonl.ts', /a room beside its own$/],
  ['src/sources/parquet/rows.ts', 'src/sources/files/files.ts', null],
]
for (const [from, to, wrong] of breaches)
  test(`${from} may ${wrong ? 'not ' : ''}import ${to}`, () => {
    const judged = judgeImport({ from, to })
    if (wrong) assert.match(judged ?? 'nothing is wrong', wrong)
    else assert.equal(judged, null)
  })

test('no leave to import a sibling or a room is given without need', () => {
  const used = new Set([roomOf, folderOf].flatMap(of => imports.map(({ from, to }) => `${of(from)} -> ${of(to)}`)))
  const given = [rooms, beside].flatMap(table => Object.entries(table))
  const edges = given.flatMap(([from, all]) => all.map(to => `${from} -> ${to}`))
  assert.deepEqual(
    edges.filter(edge => !used.has(edge)),
    [],
  )
})

test('there is no import cycle', () => {
  assert.deepEqual(findCycle(new Map(sources.map(path => [path, importsOf(path).filter(to => to !== path)]))), null)
  const circle = new Map([
    ['a', ['b']],
    ['b', ['a']],
  ])
  assert.deepEqual(findCycle(circle), ['a', 'b', 'a'])
})

test('folders and their rooms import each other in no circle', () => {
  assert.equal(findCycle(graphOfRooms(imports, Object.keys(circles))), null)
  const there = countBy(imports, ({ from, to }) => `${roomOf(from)} -> ${roomOf(to)}`)
  const listed = Object.fromEntries(Object.keys(circles).map(edge => [edge, there[edge] ?? 0]))
  assertShrinks(listed, circles)
  const back = { from: 'src/batch/arrow/ipc.ts', to: 'src/feed/plan/pack.ts' }
  assert.notEqual(findCycle(graphOfRooms([...imports, back], Object.keys(circles))), null)
  // None is listed without need.
  for (const edge of Object.keys(circles))
    assert.notEqual(
      findCycle(
        graphOfRooms(
          imports,
          Object.keys(circles).filter(other => other !== edge),
        ),
      ),
      null,
      edge,
    )
})

test('what is counted may fall, and not rise', () => {
  assert.deepEqual(judgeCounts({ a: 1 }, { a: 1 }), [])
  assert.deepEqual(judgeCounts({ a: 2, b: 1 }, { a: 1 }), ['a: 2, and 1 allowed', 'b: 1, and 0 allowed'])
  assert.deepEqual(judgeCounts({}, { a: 1 }), ['a: 0 now: allow 0 instead of 1'])
})

/** Functions by their braces, as the formatter lays them out: a head line that ends in `{` and the line that closes it. */
function longFunctions(text: string): string[] {
  const lines = text.split('\n')
  const head =
    /^(\s*)(?:export\s+)?(?:async\s+)?(?:function\b|(?:static\s+)?(?:async\s+)?\*?[#\w[\].]+\([^)]*\)(?::[^={]+)?\s*\{$)/
  return lines.flatMap((line, i) => {
    const indent = head.exec(line)?.[1]
    if (indent === undefined || /^\s*(?:if|for|while|switch|catch)\b/.test(line)) return []
    const end = lines.findIndex((other, j) => j > i && other === `${indent}}`)
    return end - i + 1 > functionLinesMax ? [`line ${i + 1}: ${end - i + 1} lines`] : []
  })
}

test('files and functions stay small', () => {
  const long = all.filter(path => read(path).split('\n').length - 1 > linesMax)
  assert.deepEqual(long, [])
  assert.deepEqual(
    sources.flatMap(path => longFunctions(read(path)).map(what => `${path}, ${what}`)),
    [],
  )
  const body = '  work()\n'
  assert.deepEqual(longFunctions(`function f() {\n${body.repeat(functionLinesMax - 2)}}\n`), [])
  assert.deepEqual(longFunctions(`function f() {\n${body.repeat(functionLinesMax - 1)}}\n`), ['line 1: 71 lines'])
})

test('Arrow is imported in one file, nothing is named utils, nothing is exported by default', () => {
  assert.deepEqual(
    sources.filter(path => /(?<!import type .*)['`]apache-arrow/.test(read(path))),
    ['src/batch/arrow/writer.ts'],
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
