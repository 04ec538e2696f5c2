import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

// npm run bench                  lists the benchmarks
// npm run bench -- NAME ARGS     runs one; with --help shows its options
const dir = fileURLToPath(new URL('.', import.meta.url))
const names = readdirSync(dir)
  .filter(name => name.endsWith('.ts') && name !== 'main.ts')
  .map(name => name.slice(0, -3))
  .sort()
const [name, ...args] = process.argv.slice(2)

if (name !== undefined && names.includes(name)) {
  const path = join(dir, `${name}.ts`)
  if (args.includes('--help')) console.log(usageOf(path))
  else {
    process.argv = [process.argv[0], path, ...args]
    await import(path).catch(error => {
      if (!error.code?.startsWith('ERR_PARSE_ARGS_')) throw error
      console.log(`${error.message}\n\n${usageOf(path)}`)
      process.exitCode = 64
    })
  }
} else {
  console.log(
    `benchmarks: ${names.join(', ')}\n\nnpm run bench -- NAME shows what one needs, and runs it when it has that.`,
  )
  if (name !== undefined) process.exitCode = 64
}

/** A benchmark's first comment says how it is run. */
function usageOf(path: string): string {
  const [comment] = readFileSync(path, 'utf8').match(/(^\/\/ .*\n)+|^\/\*\*[\s\S]*?\*\//m) ?? ['']
  return comment.replaceAll(/^(\/\/|\/\*\*| \*\/?) ?|\*\/$/gm, '').trim()
}
