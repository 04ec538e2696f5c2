import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { makeFolder } from '../temporary.ts'

// What `npm pack` makes is installed in a project of its own, whose annotator and its mutants are held to the suite by plain JavaScript.

const root = join(import.meta.dirname, '../..')
const project = makeFolder('consumer')
const tsc = join(root, 'node_modules/typescript/bin/tsc')

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
  spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', join(staged, 'dist')])
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

function runTests(mistake: string) {
  const env: NodeJS.ProcessEnv = { ...process.env, MISTAKE: mistake }
  // Set where tests run, and then a child reports to its parent.
  delete env.NODE_TEST_CONTEXT
  return spawnSync(process.execPath, ['--test', '--test-reporter=tap'], { cwd: project, env, encoding: 'utf8' })
}

before(() => {
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

test('the types are those of the package', () => {
  const options = ['--noEmit', '--strict', '--skipLibCheck', '--target', 'esnext', '--module', 'nodenext']
  const { status, stdout } = spawnSync(process.execPath, [tsc, ...options, '--types', 'node', 'types.ts'], {
    cwd: project,
    encoding: 'utf8',
  })
  assert.equal(status, 0, stdout)
})

test('the packed module has its models and ranks with it', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['data.js'], { cwd: project, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  assert.equal(stdout, 'en 15496 995 11 428 318 257 1332 13 50256\n')
})
