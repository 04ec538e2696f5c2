import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Patience } from '../../../src/sources/kafka/patience.ts'

/** What is fetched at some second, from where, and what comes of it: null for nothing, or the code and message of what is thrown. */
type Step = readonly [
  second: number,
  from: number,
  answer: readonly [next: number, stable: number, high: number],
  thrown: readonly [code: string, message: RegExp] | null,
]

test('what does not come on is told once and waited for; each step on begins anew', () => {
  const cases: [string, Step[], RegExp[]][] = [
    [
      'all comes',
      [
        [0, 0, [5, 9, 9], null],
        [1, 5, [9, 9, 9], null],
      ],
      [],
    ],
    [
      'a transaction that stays open',
      [
        [0, 0, [5, 5, 9], null],
        [1, 5, [5, 5, 9], null],
        [10, 5, [5, 5, 9], null],
        [
          11,
          5,
          [5, 5, 9],
          ['disk', /^t-x\/7: a transaction is open at offset 5, .* up to 9 .*waited 10 s.*--topic t-x --partition 7 /],
        ],
      ],
      [/a transaction is open at offset 5, .*; it is waited for, 10 s at most$/],
    ],
    [
      'two that end',
      [
        [0, 5, [5, 5, 9], null],
        [9, 5, [6, 6, 9], null],
        [10, 6, [6, 6, 9], null],
        [19, 6, [9, 9, 9], null],
      ],
      [/at offset 5/, /at offset 6/],
    ],
    [
      'records that its brokers lost',
      [
        [0, 5, [5, 5, 5], null],
        [10, 5, [5, 5, 5], ['source-changed', /ends at offset 5 and had 9 .*--run NAME/]],
      ],
      [/had 9/],
    ],
    [
      'an answer that says nothing',
      [
        [0, 5, [5, -1, -1], null],
        [1, 5, [9, 9, 9], null],
      ],
      [/at offset 5/],
    ],
    [
      'an end that was removed',
      [
        [0, 5, [5, 9, 9], null],
        [10, 5, [5, 9, 9], ['disk', /gives nothing from offset 5 on.*a further one/]],
      ],
      [/gives nothing/],
    ],
  ]
  for (const [name, steps, expected] of cases) {
    const told: string[] = []
    let atMs = 0
    const waiting = { of: 't-x/7', end: 9, waitMs: 10_000, tell: (text: string) => told.push(text) }
    const patience = new Patience(waiting, () => atMs)
    for (const [second, from, [next, stable, high], thrown] of steps) {
      atMs = 1000 * second
      const see = () => patience.see(from, { records: [], next, stable, high })
      if (thrown) assert.throws(see, { code: thrown[0], message: thrown[1] }, name)
      else see()
    }
    assert.equal(told.length, expected.length, `${name}: ${told}`)
    for (const [i, text] of told.entries()) assert.match(text, expected[i], name)
  }
})
