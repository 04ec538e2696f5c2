import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { makeFolder } from '../temporary.ts'

// What `npm pack` makes is installed in a project of its own, whose annotator and its mutants are held to the suite by plain JavaScript;
// and the README's filter by TypeScript.

const root = join(import.meta.dirname, '../..')
const project = makeFolder('consumer')
const tsc = join(root, 'node_modules/typescript/bin/tsc')

/** The README's code for a filter, and for its test. */
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const [, chapter] = readme.split('## A filter of your own')
const [shouting, shoutingTest] = chapter
  .split('```ts\n')
  .slice(1)
  .map(part => part.split('```')[0])
const pipelineWith = (options: string) => `
import { jsonl, pipeline } from 'headrace'
import { shouting } from './shouting.ts'
export default pipeline('own').from(jsonl('*.jsonl')).annotate(shouting(${options}))`

const files: Record<string, string> = {
  'package.json': '{ "type": "module" }',
  'filter.js': `
import { utf8 } from 'headrace'
const count = (text, row) => text.bytes.subarray(text.offsets[row], text.offsets[row + 1]).filter(byte => byte === 101).length
const mistakes = {
  none: (text, row) => count(text, row),
  place: (text, row) => count(text, row) + row,
  kind: (text, row) => count(text, row),
}
export const letterE = (mistake = 'none') => ({
  name: 'letter-e', version: 1, exact: true, options: {}, reads: ['text'], resources: [],
  writes: [{ name: 'letterE', kind: mistake === 'kind' ? 'u32' : 'f64' }],
  rules: [{ reason: 'no-letter-e', column: 'letterE', below: 1 }],
  annotate(batch) {
    const text = utf8(batch, 'text')
    const values = Float64Array.from({ length: batch.rows }, (_, row) => mistakes[mistake](text, row))
    return { letterE: { kind: 'f64', values } }
  },
})`,
  'filter.test.js': `
import { testAnnotator } from 'headrace/conformance'
import { letterE } from './filter.js'
testAnnotator('letter-e', () => ({ annotator: letterE(process.env.MISTAKE) }))`,
  'data.js': `
import { language, tokenize, utf8From } from 'headrace'
const batch = { rows: 1, columns: { text: utf8From(['Hello world, this is a test.']) } }
const [{ language: code }, { tokens }] = await Promise.all([language(), tokenize('gpt2')].map(one => one.annotate(batch)))
console.log(Buffer.from(code.bytes).toString(), [...tokens.values].join(' '))`,
  'shouting.ts': shouting,
  'readme/shouting.ts': shouting,
  'readme/shouting.test.ts': shoutingTest,
  'moved.ts': pipelineWith('{ capitalShareMax: 0.5, linesMin: null }'),
  'misspelt.ts': pipelineWith('{ lineMin: 3 }'),
  'mistyped.ts': pipelineWith("{ linesMin: '3' }"),
  'types.ts': `
import type { Annotator } from 'headrace'
import { annotatorSuite, findBrokenRules, type LogSubject, testLog } from 'headrace/conformance'
declare const annotator: Annotator
declare const open: () => Promise<LogSubject>
const broken: readonly { rule: string }[] = await findBrokenRules(annotatorSuite, () => ({ annotator }))
testLog(broken[0].rule, open)`,
}

/** Builds and packs beside the working tree, so that nothing in it changes. */
function packInto(folder: string): void {
  const staged = join(folder, 'staged')
  mkdirSync(staged)
  for (const name of ['package.json', 'bin', 'schemas', 'pipelines', 'src', 'conformance'])
    cpSync(join(root, name), join(staged, name), { recursive: true })
  const built = ['--noEmit', 'false', '--outDir', join(staged, 'dist')]
  for (const part of ['tsconfig.build.json', 'src/page/client'])
    spawnSync(process.execPath, [tsc, '-p', join(root, part), ...built])
  execFileSync(process.execPath, [join(root, 'scripts/copy-data.ts'), join(staged, 'dist')])
  execFileSync('npm', ['pack', '--ignore-scripts', '--silent'], { cwd: staged })
  const [tarball] = readdirSync(staged).filter(name => name.endsWith('.tgz'))
  const installed = join(folder, 'node_modules/headrace')
  mkdirSync(installed, { recursive: true })
  execFileSync('tar', ['-xzf', join(staged, tarball), '-C', installed, '--strip-components=1'])
  rmSync(staged, { recursive: true })
  // The package's dependencies, which the registry would give; none of the development's is among them.
  for (const name of ['apache-arrow', 'flatbuffers', 'tslib', 'hyparquet', 'hyparquet-compressors', '@types'])
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
}

function runTests(mistake: string, cwd = project) {
  const env: NodeJS.ProcessEnv = { ...process.env, MISTAKE: mistake }
  // Set where tests run, and then a child reports to its parent.
  delete env.NODE_TEST_CONTEXT
  return spawnSync(process.execPath, ['--test', '--test-reporter=tap'], { cwd, env, encoding: 'utf8' })
}

before(() => {
  mkdirSync(join(project, 'readme'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(project, name), text)
  packInto(project)
})

test("a project's own annotator is held to the suite by the packed module", () => {
  const { status, stdout, stderr } = runTests('none')
  assert.equal(status, 0, stdout + stderr)
  assert.match(stdout, /ok \d+ - letter-e: a batch without rows gives columns without rows/)
})

for (const [mistake, rule] of [
  ['place', 'a row is measured the same alone, in a batch and in another order'],
  ['kind', 'it writes what it declares, one value a row, and no more'],
])
  test(`a mutant of it fails: ${rule}`, () => {
    const { status, stdout } = runTests(mistake)
    assert.equal(status, 1)
    assert.match(stdout, new RegExp(`not ok \\d+ - letter-e: ${rule}`))
  })

/** What the compiler says of these files of the project, by file; it is started once, as that takes longer than a file. */
function checkTypes(files: readonly string[]): Map<string, string> {
  const options = ['--noEmit', '--strict', '--skipLibCheck', '--target', 'esnext', '--module', 'nodenext']
  const all = [...options, '--allowImportingTsExtensions', '--types', 'node', ...files]
  const { stdout } = spawnSync(process.execPath, [tsc, ...all], { cwd: project, encoding: 'utf8' })
  const said = stdout.trim().split(/\n(?! )/)
  const saidOf = new Map(files.map(file => [file, said.filter(line => line.startsWith(`${file}(`)).join('\n')]))
  assert.equal([...saidOf.values()].filter(Boolean).join('\n'), stdout.trim(), 'each line is of a file')
  return saidOf
}
let types: Map<string, string>
before(() => {
  types = checkTypes(['types.ts', 'misspelt.ts', 'mistyped.ts', 'moved.ts'])
})

test('the types are those of the package', () => {
  assert.equal(types.get('types.ts'), '')
})

test('the packed module has its models and ranks with it', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['data.js'], { cwd: project, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  assert.equal(stdout, 'en 15496 995 11 428 318 257 1332 13 50256\n')
})

test("the README's filter is short and passes its test", () => {
  assert.ok(shouting.trim().split('\n').length <= 14)
  const { status, stdout, stderr } = runTests('none', join(project, 'readme'))
  assert.equal(status, 0, stdout + stderr)
  assert.match(stdout, /ok 12 - shouting: /)
})

for (const [file, refused, says] of [
  ['moved.ts', null, null],
  ['misspelt.ts', /'lineMin' does not exist .* 'linesMin'\?/, /has no option 'lineMin'; did you mean 'linesMin'\?/],
  ['mistyped.ts', /'string' is not assignable to type 'number'/, /has 'linesMin' "3": give a number, or null/],
] as const)
  test(`types and 'headrace plan' ${says ? 'refuse' : 'take'} the README's filter as in ${file}`, () => {
    assert.equal(types.get(file) === '', refused === null, types.get(file))
    if (refused) assert.match(types.get(file)!, refused)
    const bin = join(project, 'node_modules/headrace/bin/headrace.js')
    const plan = spawnSync(process.execPath, [bin, 'plan', file, '--columns'], { cwd: project, encoding: 'utf8' })
    assert.equal(plan.status, says ? 64 : 0, plan.stderr)
    if (says) assert.match(plan.stderr, says)
    else assert.match(plan.stdout, /capitalShare .*\n +capitals among letters\n|capitals among letters/)
  })
