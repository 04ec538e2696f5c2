import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { Script } from 'node:vm'
import { joinClient, joinModules } from '../../src/page/join-modules.ts'
import { makeFolder } from '../temporary.ts'

const dir = makeFolder('join')
function write(files: Readonly<Record<string, string>>): URL {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text)
  return pathToFileURL(join(dir, Object.keys(files)[0]))
}

test('modules become one script, each once, in scopes of their own', () => {
  const script = joinModules(
    write({
      'main.ts': `import type { Kind } from './types.ts'\nimport { type Other, twice as double, name } from './a.ts'\nimport { own } from './b.ts'\nexport const found: Kind = [double(2), name, own()]\nglobalThis.found = found\n`,
      'a.ts': `import { own as count } from './b.ts'\nexport interface Other {}\nconst hidden = count()\nexport function twice(n: number) {\n  return n * 2 * hidden\n}\nexport const name = 'a'\n`,
      'b.ts': `let hidden = 0\nexport async function later() {}\nexport class Empty {}\nexport function own(): number {\n  return ++hidden\n}\n`,
    }),
  )
  const context: { found?: unknown } = {}
  new Function('globalThis', script)(context)
  assert.deepEqual(context.found, [4, 'a', 2])
})

for (const [what, text] of [
  ['another form of import', "import * as all from './b.ts'"],
  ['a module of a package', "import { a } from 'a'"],
  ['an export of another module', "export { a } from './b.ts'"],
  ['a default', 'export default 1'],
])
  test(`refused is ${what}`, () => {
    const entry = write({ 'entry.ts': `${text}\n`, 'b.ts': 'export const a = 1\n' })
    assert.throws(() => joinModules(entry), /can't be joined into a script/)
  })

test("the report's script is one that parses, and making it warns of nothing", () => {
  const warnings: unknown[] = []
  const { emitWarning } = process
  process.emitWarning = (...args: unknown[]) => void warnings.push(args)
  const script = joinClient('report')
  process.emitWarning = emitWarning
  new Script(script)
  assert.deepEqual(warnings, [])
  assert.ok(script.length < 120_000, `${script.length} characters`)
})
