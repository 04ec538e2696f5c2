import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { html } from '../../src/page/html.ts'
import { embedJson, writePage } from '../../src/page/shell.ts'

test('a page allows its own style and script by their hashes, and nothing else', () => {
  const page = writePage({ title: '<b>', body: html`<p>${'</p>'}</p>`, script: 'let a = 1', data: { a: '</script>' } })
  const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)![1]
  const within = (tag: string) => new RegExp(`<${tag}>([\\s\\S]*?)</${tag.split(' ')[0]}>`).exec(page)![1]
  const source = (text: string) => `sha256-${hash('sha256', text, 'base64')}`
  assert.deepEqual(policy.replaceAll('&#39;', "'").split('; '), [
    "default-src 'none'",
    `style-src '${source(within('style'))}'`,
    `script-src '${source(within('script type="module"'))}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ])
  assert.match(page, /<title>&lt;b&gt;<\/title>/)
  assert.match(page, /<p>&lt;\/p&gt;<\/p>/)
  assert.equal(page.match(/<\/script>/g)!.length, 2)
  assert.doesNotMatch(writePage({ title: '', body: html`` }), /<script|script-src/)
})

for (const code of ["a = '</script>'", "a = '<!--'", "a = '</SCRIPT'"])
  test(`a script that would end before its end is refused: ${code}`, () => {
    assert.throws(() => writePage({ title: '', body: html``, script: code }), TypeError)
  })

test('JSON in a page has no sign that ends it or a line, and is the same value', () => {
  const value = { '</script>': ['<!--', '\u2028\u2029', '\ud800', '__proto__'] }
  const text = embedJson(value)
  assert.ok(!/[<\u2028\u2029]/.test(text))
  assert.deepEqual(JSON.parse(text), value)
})
