#!/usr/bin/env node
// Starts Headrace on a Node that can run it: this one, or the one that the development dependency `node` brings to a clone.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const path = relative => fileURLToPath(new URL(relative, import.meta.url))
const [major, minor] = process.versions.node.split('.').map(Number)

if (major > 22 || (major === 22 && minor >= 18)) {
  const built = path('../dist/cli/main.js')
  const { main } = await import(
    existsSync(built) && !existsSync(path('../src/cli/main.ts')) ? built : path('../src/cli/main.ts')
  )
  process.exitCode = await main(process.argv.slice(2))
} else {
  const newer = path('../node_modules/node/bin/node')
  if (!existsSync(newer)) {
    console.error(`headrace needs Node 22.18 or later, and this is ${process.version}: install a newer Node`)
    process.exit(69)
  }
  const child = spawn(newer, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  // The terminal sends its signals to both; the child decides when to end.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGKILL' ? 137 : 143)))
}
