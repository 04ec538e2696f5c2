#!/usr/bin/env node
// Starts Headrace on a Node that can run it: this one, or the one that the development dependency `node` brings to a clone. A clone runs
// its own TypeScript, which needs a newer Node than what the build makes of it.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import v8 from 'node:v8'

const path = relative => fileURLToPath(new URL(relative, import.meta.url))
const [major, minor] = process.versions.node.split('.').map(Number)
const isClone = existsSync(path('../src/cli/main.ts'))
const [majorMin, minorMin] = isClone ? [24, 3] : [22, 18]

if (major > majorMin || (major === majorMin && minor >= minorMin)) {
  // A command starts in half the time when what was compiled before is kept.
  const { directory } = module.enableCompileCache()
  // Worker threads look for it there; there is none where somebody has switched it off, or the disk refuses.
  if (directory !== undefined) process.env.NODE_COMPILE_CACHE ??= directory
  // This thread makes short-lived garbage only; left alone, V8 lets it grow with the input's size.
  v8.setFlagsFromString('--max-semi-space-size=8')
  const { main } = await import(isClone ? '../src/cli/main.ts' : '../dist/src/cli/main.js')
  process.exitCode = await main(process.argv.slice(2))
} else {
  const newer = path('../node_modules/node/bin/node')
  if (!existsSync(newer)) {
    console.error(
      `headrace needs Node ${majorMin}.${minorMin} or later, and this is ${process.version}: install a newer Node`,
    )
    process.exit(69)
  }
  const child = spawn(newer, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  // Whoever signals this process means the child, which decides when to end.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', error => {
    console.error(`headrace can't start ${newer}: ${error.message}`)
    process.exit(69)
  })
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}
