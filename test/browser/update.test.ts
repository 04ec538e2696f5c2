import assert from 'node:assert/strict'
import { test } from 'node:test'
import { joinModules } from '../../src/page/join-modules.ts'
import { browserMissing, openBrowser } from './browser.ts'

// What a look changes in a page, and what it leaves as it is, in a real browser.

const script = joinModules(new URL('../../src/page/client/update.ts', import.meta.url))
const buttons = (...names: readonly string[]) =>
  names.map(name => `<button data-reason="${name}">${name}</button>`).join('')

const changes: readonly [what: string, before: string, after: string][] = [
  ['a text', '<p>1 slot</p>', '<p>2 slots</p>'],
  ['an attribute that came, one that changed, one that went', '<p id="a" hidden>', '<p id="b" class="c">'],
  ['more', '<li>1</li>', '<li>1</li><li>2</li>'],
  ['fewer', '<li>1</li><li>2</li>text', '<li>1</li>'],
  ['none', '<p>1</p>', ''],
  ['from none', '', '<p>1<b>2</b></p>'],
  ['other elements', '<p>1</p><ul><li>2</li></ul>', '<ul><li>2</li></ul><p>1</p>'],
  [
    'a picture',
    '<span><svg viewBox="0 0 1 1"><rect width="1"/></svg></span>',
    '<span><svg><path d="M0 0"/></svg></span>',
  ],
  ['markup as text', '<p>a</p>', '<p>&lt;b&gt;</p>'],
]

const odd = "\\5D ]'"

/** Where the focus is before and after, among buttons. */
const moves: readonly [what: string, before: string, focused: string, after: string, then: string | null][] = [
  ['the same', buttons('a', 'b'), 'b', buttons('a', 'b'), 'b'],
  ['others changed places', buttons('a', 'b', 'c'), 'c', buttons('b', 'a', 'c'), 'c'],
  ['it changed places', buttons('a', 'b', 'c'), 'c', buttons('c', 'a', 'b'), 'c'],
  ['it went, and another is at its place', buttons('a', 'b'), 'b', buttons('a', 'c'), 'c'],
  ['it went with its place', buttons('a', 'b'), 'b', buttons('a'), null],
  ['names are no selectors', buttons('a', 'b', odd), odd, buttons(odd, 'a', 'b'), odd],
]

test('what an element holds after an update', { skip: browserMissing() }, async t => {
  const browser = await openBrowser()
  t.after(() => browser.close())
  const page = await browser.newPage()
  const begin = (before: string, after: string) => `${script}
    document.body.innerHTML = '<div></div><template></template>'
    const [old, now] = document.body.children
    old.innerHTML = ${JSON.stringify(before)}
    now.innerHTML = ${JSON.stringify(after)}
    const parts = [...now.content.childNodes]\n`
  for (const [what, before, after] of changes) {
    const is = await page.evaluate(`(() => { ${begin(before, after)}
      const wanted = now.innerHTML
      $0.update(old, parts)
      return [old.innerHTML, wanted]
    })()`)
    const [changed, wanted] = is as [string, string]
    assert.equal(changed, wanted, what)
  }
  for (const [what, before, focused, after, then] of moves) {
    const at = await page.evaluate(`(() => { ${begin(before, after)}
      const focused = [...old.children].find(one => one.dataset.reason === ${JSON.stringify(focused)})
      focused.focus()
      $0.update(old, parts, 'reason')
      return document.activeElement.dataset.reason ?? null
    })()`)
    assert.equal(at, then, what)
  }
})
