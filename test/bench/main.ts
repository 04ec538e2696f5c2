import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

// npm run bench                  lists the benchmarks
// npm run bench -- NAME ARGS     runs one
const dir = fileURLToPath(new URL('.', import.meta.url))
const names = readdirSync(dir)
  .filter(name => name.endsWith('.ts') && name !== 'main.ts')
  .map(name => name.slice(0, -3))
  .sort()
const [name, ...args] = process.argv.slice(2)

if (name !== undefined && names.includes(name)) {
  process.argv = [process.argv[0], join(dir, `${name}.ts`), ...args]
  await import(`./${name}.ts`)
} else {
  console.log(
    `benchmarks: ${names.join(', ')}\n\nnpm run bench -- NAME shows what one needs, and runs it when it has that.`,
  )
  if (name !== undefined) process.exitCode = 64
}
