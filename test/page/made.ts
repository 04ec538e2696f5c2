import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runMain } from '../cli/terminal.ts'
import { randomFrom } from '../random.ts'
import { makeText } from '../run/fixture.ts'

/** Markup, and signs that turn the order of reading, steer terminals, or end lines: what a page must show as text. */
export const hostile = '</script><!--<img src=x onerror=alert(1)>\u202e\u001b[31m\u2028'
export const hostileReason = '</script><script>alert(2)</script>'

/** Documents of which some repeat others, some are of hostile domains and texts, and one is a line of a megabyte. */
export function writeDocuments(dir: string, documents = 300): string {
  const random = randomFrom(31)
  const texts: string[] = []
  const lines = Array.from({ length: documents }, (_, i) => {
    const domain = ['web', 'b'.repeat(80), '__proto__', 'constructor', hostile, `site-${i}`][
      Math.min(5, Math.floor(random() * 6))
    ]
    const plain = makeText(random, Math.floor(random() * 40))
    const numbered = () =>
      plain.replace(/ /g, (_, k: number) => (k % 3 === 0 ? ` ${Math.floor(random() * 1e6)} ` : ' '))
    const junk = () => `${makeText(random, 2)} 12 34 -- 56 the the the`.repeat(9)
    const fresh = i % 13 === 0 ? junk() : i % 9 === 0 ? numbered() : plain
    const old = texts[Math.floor(random() * texts.length)]
    const text = old && i % 7 === 0 ? old : old && i % 11 === 0 ? `${old}\nOne line more at its end.` : fresh
    texts.push(text)
    const own = i % 5 === 0 ? `${hostile}\n${text}\n- a\n- b\n- c\n` : text
    return JSON.stringify({ id: i === 3 ? hostile : `d${i}`, domain, text: i === 8 ? 'x'.repeat(1e6) : own })
  })
  const file = join(dir, 'in.jsonl')
  writeFileSync(file, `${lines.join('\n')}\n{"text": 1}\nno json\n`)
  return file
}

/** A pipeline of a gate with a hostile reason, many rules, and a column of worth with a hostile name. */
export function writePipeline(dir: string, name: string, input: string, deciders = ''): string {
  const file = join(dir, `${name}.ts`)
  writeFileSync(
    file,
    `import * as h from 'headrace'
const worth = h.simpleFilter('worth', { 'seed:<b>': h.ratio('length'), lines: h.count('lines') }, text => ({
  'seed:<b>': Math.log(1 + text.length) / 3, lines: text.split('\\n').length }))
export default h.pipeline('${name}')
  .from(h.jsonl(${JSON.stringify(input)}))
  .annotate(h.language(), worth(), h.gate({ 'seed:<b>': { below: 1.9, reason: ${JSON.stringify(hostileReason)} } }))
  .annotate(h.gopherQuality(), h.gopherRepetition(), h.signature())
  .decide(h.rules({ languageScore: { below: 0.2 } })${deciders})
  .tokenize('gpt2')
  .feed({ length: 128, batch: 4 })\n`,
  )
  return file
}

/** Runs a pipeline's file in the folder of runs. */
export async function runIt(file: string, runs: string): Promise<void> {
  const { status, err } = await runMain(['run', file, '--dir', runs, '--workers', '1'])
  assert.equal(status, 0, err)
}
