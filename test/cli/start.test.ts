import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

// Lists the modules that a process loads for a file, as all that a command imports is what its start takes.
const listModules = `
import { registerHooks } from 'node:module'
const urls = []
registerHooks({ load: (url, context, next) => (urls.push(url), next(url, context)) })
await import(process.argv[1])
process.stdout.write(JSON.stringify(urls))`

function modulesOf(file: string): string[] {
  const url = new URL(`../../src/cli/${file}`, import.meta.url).href
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', listModules, url], {
    encoding: 'utf8',
  })
  assert.ok(stdout, stderr)
  return JSON.parse(stdout)
}

/** What measures documents, loads them or writes them down: tables of words and tokens, sources, clients, Arrow's writer. */
const heavy =
  /apache-arrow|platformatic|hyparquet|\/src\/(text\/words|text\/tokens|text\/language|sources\/(files|kafka|parquet)|kafka|run\/(load|measure))\//

// Commands that answer from what a run has stored, and the one file that every command begins with.
for (const file of ['main.ts', 'diff.ts', 'what-if.ts', 'report.ts', 'fates.ts', 'trace.ts'])
  test(`cli/${file} loads nothing that it may have no need of`, () => {
    const modules = modulesOf(file)
    assert.ok(modules.some(url => url.endsWith(`/src/cli/${file}`)))
    assert.deepEqual(
      modules.filter(url => heavy.test(url)),
      [],
    )
  })

test('a command that measures documents loads what measures them', () => {
  const modules = modulesOf('run.ts').filter(url => heavy.test(url))
  for (const part of ['/text/words/', '/text/tokens/', '/sources/files/', '/run/load/'])
    assert.ok(
      modules.some(url => url.includes(part)),
      part,
    )
})
