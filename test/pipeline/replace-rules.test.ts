import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Rule } from '../../src/annotate/annotator.ts'
import type { Overrides } from '../../src/pipeline/overrides.ts'
import { replaceRules } from '../../src/pipeline/replace-rules.ts'

const words: Rule = { reason: 'too-few', column: 'words', below: 50 }
const many: Rule = { reason: 'too-many', column: 'words', above: 1000 }
const odd: Rule = { reason: 'odd', column: 'constructor', above: 1 }

const cases: readonly [what: string, defaults: readonly Rule[], overrides: Overrides, rules: readonly Rule[]][] = [
  ['none', [words, many], {}, [words, many]],
  [
    "all of a column by one, with the first one's reason",
    [words, odd, many],
    { words: { below: 9 } },
    [{ reason: 'too-few', column: 'words', below: 9 }, odd],
  ],
  [
    'a reason of its own',
    [words],
    { words: { reason: 'short', below: 9 } },
    [{ reason: 'short', column: 'words', below: 9 }],
  ],
  ['no rule', [words, many, odd], { words: false }, [odd]],
  [
    'new columns last',
    [words],
    { wordLength: { below: 3 }, mean: { above: 10 }, language: { oneOf: ['en'] }, none: false },
    [
      words,
      { reason: 'word-length-too-low', column: 'wordLength', below: 3 },
      { reason: 'mean-too-high', column: 'mean', above: 10 },
      { reason: 'language-not-selected', column: 'language', oneOf: ['en'] },
    ],
  ],
  ['a column with the name of a property of all objects', [odd, words], { words: false }, [odd]],
  [
    'the same replaced',
    [odd],
    { constructor: { above: 2 } } as Overrides,
    [{ reason: 'odd', column: 'constructor', above: 2 }],
  ],
  [
    'and one named __proto__',
    [words],
    JSON.parse('{"__proto__": {"reason": "r", "below": 1}}'),
    [words, { reason: 'r', column: '__proto__', below: 1 }],
  ],
]

test('rules under overrides', () => {
  for (const [what, defaults, overrides, rules] of cases)
    assert.deepEqual(replaceRules(defaults, overrides), rules, what)
})
