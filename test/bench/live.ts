import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { writeCorpus, writePipeline } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'

// What the live page costs a run's process: its CPU time while it waits for input, with nobody watching, and with pages open. Where the same
// run is at work, a look costs the same. Linux alone.
//
// npm run bench -- live [SECONDS OF EACH]

const seconds = Number(process.argv[2] ?? 30)
const pagesMax = 3
const bin = join(import.meta.dirname, '../../bin/headrace.js')
const corpus = await writeCorpus({ seed: 1, files: 4, documentsPerFile: 400 })
const pipeline = await writePipeline(corpus.dir)
const dir = makeFolder('live')

/** Seconds of CPU that a process has taken, with all its threads. */
function cpuOf({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

async function measure(child: ChildProcess): Promise<string> {
  const before = cpuOf(child)
  await sleep(1000 * seconds)
  return `${((100 * (cpuOf(child) - before)) / seconds).toFixed(2)}% of a core`
}

function start(name: string, ...more: string[]): ChildProcess {
  const args = ['run', pipeline, '--dir', dir, '--run', name, '--workers', '1', '--follow', '--log-format', 'json']
  return spawn(process.execPath, [bin, ...args, ...more], { stdio: ['ignore', 'ignore', 'pipe'] })
}

async function findUrl(child: ChildProcess): Promise<string> {
  let text = ''
  for await (const data of child.stderr!.iterator({ destroyOnReturn: false })) {
    const url = /"url":"(http[^"]+)"/.exec((text += data))?.[1]
    if (url) return url
  }
  throw new Error(text)
}

const plain = start('plain')
const served = start('served', '--http', '0')
try {
  const url = await findUrl(served)
  for (const child of [plain, served]) child.stderr!.resume()
  await sleep(10_000)
  console.log(`without --http      ${await measure(plain)}`)
  console.log(`nobody watches      ${await measure(served)}`)
  const pages = Array.from({ length: pagesMax }, () => fetch(`${url}/api/events`))
  const readers = (await Promise.all(pages)).map(async ({ body }) => {
    for await (const _ of body!);
  })
  console.log(`${pagesMax} pages are open    ${await measure(served)}`)
  served.kill()
  await Promise.allSettled(readers)
} finally {
  for (const child of [plain, served]) child.kill()
}
