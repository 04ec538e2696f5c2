import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { findPackage, requirePackage } from '../../src/annotate/optional-package.ts'
import { makeFolder } from '../temporary.ts'

test('a package that is not installed is asked for, and one that is there is loaded', () => {
  const message = "annotator 'x' needs a package that is not installed: run npm install headrace-has-no-such-package"
  assert.throws(() => requirePackage('headrace-has-no-such-package', "annotator 'x'"), { code: 'bad-option', message })
  assert.equal(typeof requirePackage<{ parse: unknown }>('tldts', "annotator 'x'").parse, 'function')
})

test('a package of the project that Headrace runs in is found, and a broken one is told', t => {
  const project = makeFolder('project')
  const before = process.cwd()
  t.after(() => process.chdir(before))
  for (const [name, code] of [
    ['headrace-test-whole', 'exports.answer = 42'],
    ['headrace-test-broken', "require('./binding-of-another-machine.node')"],
  ]) {
    const folder = join(project, 'node_modules', name)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'index.js'), code)
    assert.throws(() => findPackage(name, 'x'), { message: /not installed/ })
  }
  process.chdir(project)
  assert.deepEqual(requirePackage('headrace-test-whole', 'x'), { answer: 42 })
  assert.throws(() => requirePackage('headrace-test-broken', "annotator 'x'"), {
    code: 'bad-option',
    message:
      /^annotator 'x': package headrace-test-broken is installed and can't be loaded .*another-machine.*install it again/,
  })
})

test('what npm is asked for may have a version and options', () => {
  assert.throws(() => findPackage('headrace-has-no-such-package', 'x', 'it@1.0.0 --ignore-scripts'), {
    message: /run npm install it@1.0.0 --ignore-scripts$/,
  })
})
