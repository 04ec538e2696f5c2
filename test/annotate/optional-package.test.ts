import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requirePackage } from '../../src/annotate/optional-package.ts'

test('a package that is not installed is asked for, and one that is there is loaded', () => {
  const message = "annotator 'x' needs a package that is not installed: run npm install headrace-has-no-such-package"
  assert.throws(() => requirePackage('headrace-has-no-such-package', "annotator 'x'"), { code: 'bad-option', message })
  assert.equal(typeof requirePackage<{ parse: unknown }>('tldts', "annotator 'x'").parse, 'function')
})
