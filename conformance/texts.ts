import { type Batch, type Columns, utf8From } from '../src/batch/batch.ts'

/** Texts that have broken filters: empty, blank, one character, no spaces, no letters, mixed scripts, long words, odd line ends. */
export const oddTexts: readonly string[] = [
  '',
  ' \t \n \n',
  'a',
  '.',
  '…',
  '# # # ... ...',
  '- one\n- two\n• three\n* four',
  'The quick brown fox jumps over the lazy dog, and that is to be the end of it with all that we have.',
  'same line\nsame line\nsame line\n\nsame paragraph\n\nsame paragraph',
  '春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。',
  'Ελληνικά и русский и 日本語 mixed with English in one line',
  'mail me at jane.doe@mail.com or call +1 212 555 0199, from 8.8.8.8',
  'x'.repeat(5000),
  'word '.repeat(2000),
  'l1\r\nl2\rl3\u2028l4\u0085l5\x0bl6',
  '👩‍👩‍👧‍👦 🏳️‍🌈 \u0301\u0301e\u0301 \ufeff\u200b zero width',
  'lorem ipsum dolor { sit } javascript terms of use privacy policy',
  '\ud7ff\ue000\uffff\u{10ffff}',
  `${'A proper sentence stands here, with words of some length in it. '.repeat(8)}\n`.repeat(6),
]

/** A batch of these texts with the columns of a document, all of the domain `web`, and `extra` ones. */
export function documents(texts: readonly string[], extra: Columns = {}): Batch {
  const each = (value: string) => utf8From(texts.map(() => value))
  return {
    rows: texts.length,
    columns: {
      text: utf8From(texts),
      id: utf8From(texts.map((_, row) => `id-${row}`)),
      domain: each('web'),
      url: each(''),
      added: each(''),
      meta: each(''),
      file: each('f'),
      line: { kind: 'u32', values: Uint32Array.from(texts.keys()) },
      ...extra,
    },
  }
}
