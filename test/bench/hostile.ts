/**
 * Milliseconds a megabyte of hostile text, annotator by annotator, on one core in the processor's time: `npm run bench -- hostile
 * [ANNOTATOR...]`. A text is one document of a megabyte, the best of five passes, as a pipeline's code is compiled long before its first
 * hostile text: the first two also pay the compiler, up to twice as much. What costs more than 200 ms is marked.
 */
import { parseArgs } from 'node:util'
import type { Annotator } from '../../src/annotate/annotator.ts'
import { utf8From } from '../../src/batch/batch.ts'
import * as headrace from '../../src/index.ts'
import { randomFrom } from '../random.ts'

const markMs = 200
const bytes = 1_000_000
const passes = 5
const random = randomFrom(7)
const draw = (alphabet: string) => {
  const characters = [...alphabet]
  return Array.from({ length: 4096 }, () => characters[Math.floor(random() * characters.length)]).join('')
}
const letters = 'abcdefghijklmnopqrstuvwxyz'

/** What a text repeats, by name. */
const units: Readonly<Record<string, string>> = {
  apostrophes: "'",
  brackets: '[',
  'open and close': '()',
  'random letters': draw(letters),
  'random capitals': draw(letters.toUpperCase()),
  'random words': draw(`${letters}      `),
  'combining marks': '\u0301',
  'a, combining': 'a\u0301',
  'one letter': 'a',
  digits: '7',
  dots: '.',
  hyphens: '-',
  'dots and letters': 'a.',
  'apostrophes and letters': "a'",
  slashes: 'http://',
  'at signs': 'a@',
  numbers: '1.1.1.1 ',
  'numbers in lists': 'or 1.1.1.1 ',
  cards: '4111 1111 1111 1111 ',
  accounts: 'GB82WEST12345698765432 ',
  emails: 'a@b.co ',
  phones: '+1 202 555 0143 ',
  'long addresses': '2a00::1:2 ',
  keys: `sk-${draw(`${letters}ABCDEF012345`).slice(0, 24)} `,
  'line feeds': '\n',
  'blank lines': 'a\n\n',
  tabs: '\t',
  spaces: ' ',
  Chinese: draw('的一是不了人我在有他这为之大来以个中上们'),
  'one Chinese letter': '的',
  Thai: draw('กขคงจฉชซญฎฏฐณดตถทธนบปผพมยรลวสหอะาิีึืุูเแโไ'),
  emoji: '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}',
  'zero width': '\u200b',
  'right to left': '\u202e',
  braces: '{',
  'random quotes': draw('\'"`‘’'),
  'random brackets': draw('()[]{}<>'),
  'repeated sentence': 'The same sentence comes again. ',
  replacement: '\ufffd',
}

const { positionals } = parseArgs({ allowPositionals: true })
const annotators: readonly Annotator[] = [
  headrace.normalize(),
  headrace.language(),
  headrace.gopherQuality(),
  headrace.gopherRepetition(),
  headrace.c4(),
  headrace.finewebQuality(),
  headrace.density(),
  headrace.maskPii(),
  headrace.signature(),
  headrace.tokenize('o200k_base'),
]

const chosen = annotators.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
console.log(`${'ms a MB'.padEnd(24)}${chosen.map(({ name }) => name.slice(0, 10).padStart(11)).join('')}`)
for (const [name, unit] of Object.entries(units)) {
  const text = unit.repeat(Math.ceil(bytes / Buffer.byteLength(unit)))
  const times: string[] = []
  for (const annotator of chosen) times.push(format(await measure(annotator, text)))
  console.log(`${name.padEnd(24)}${times.map(time => time.padStart(11)).join('')}`)
}

async function measure(annotator: Annotator, text: string): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let pass = 0; pass < passes; pass++) {
    const columns = { text: utf8From([text]), id: utf8From(['1']), language: utf8From(['en']) }
    const started = process.cpuUsage()
    await annotator.annotate({ rows: 1, columns })
    const { user, system } = process.cpuUsage(started)
    best = Math.min(best, (user + system) / 1000 / (Buffer.byteLength(text) / 1e6))
  }
  return best
}

function format(ms: number): string {
  return `${ms.toFixed(0)}${ms > markMs ? ' !' : '  '}`
}
