import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { writeDocuments } from '../page/made.ts'
import { runHeadrace, smallSlots } from '../run/fixture.ts'

/** A pipeline over hostile documents whose annotator waits at one of them for as long as the file `gate` is there. */
export function writeHeldPipeline(dir: string, gate: string): string {
  const input = writeDocuments(dir, 900)
  appendFileSync(input, `${JSON.stringify({ id: 'held', domain: 'z', text: 'HOLD' })}\n`)
  const file = join(dir, 'live.ts')
  writeFileSync(
    file,
    `import * as h from 'headrace'
import { existsSync } from 'node:fs'
const clock = new Int32Array(new SharedArrayBuffer(4))
const held = h.simpleFilter('held', { held: h.count('held') }, text => {
  while (text.includes('HOLD') && existsSync(${JSON.stringify(gate)})) Atomics.wait(clock, 0, 0, 50)
  return { held: 0 }
})
export default h.pipeline('live')
  .from(h.jsonl(${JSON.stringify(input)}))
  .annotate(h.language(), held(), h.gopherQuality(), h.gopherRepetition(), h.signature())
  .decide(h.rules({ languageScore: { below: 0.2 } }), h.exactDuplicates(), h.nearDuplicates())
  .tokenize('gpt2')
  .feed({ length: 128, batch: 4 })\n`,
  )
  return file
}

/** A process that serves pages. It is killed where a test does not end it. */
export interface Served extends AsyncDisposable {
  readonly url: string
  /** Interrupts it and returns its exit status. */
  end(): Promise<number | null>
}

/** A run, which also ends by itself. */
interface ServedRun extends Served {
  readonly ended: Promise<number | null>
}

/** A run as a process that serves its page; `args` follow `run`. */
export async function serveRun(args: readonly string[], port = 0): Promise<ServedRun> {
  const { promise, resolve, reject } = Promise.withResolvers<[ChildProcess, string]>()
  const more = ['--workers', '1', '--http', String(port), '--log-format', 'json']
  const finished = runHeadrace(
    ['run', ...args, ...more],
    child => {
      let text = ''
      child.stderr!.on('data', data => {
        const url = /"url":"(http[^"]+)"/.exec((text += data))?.[1]
        if (url) resolve([child, url])
      })
      child.on('close', () => reject(new Error(text)))
    },
    smallSlots,
  )
  const [child, url] = await promise
  const ended = finished.then(({ status }) => status)
  const end = async () => {
    child.kill('SIGINT')
    return ended
  }
  return { url, end, ended, [Symbol.asyncDispose]: () => kill(child) }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

const bin = join(import.meta.dirname, '../../bin/headrace.js')

/** `headrace browse` as a process. */
export async function serveBrowse(args: readonly string[]): Promise<Served> {
  const child = spawn(process.execPath, [bin, 'browse', ...args, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  for await (const data of child.stdout) if ((text += data).includes('\n')) break
  const { url } = JSON.parse(text) as { url: string }
  const end = async () => {
    child.kill('SIGTERM')
    const [status] = await once(child, 'exit')
    return status
  }
  return { url, end, [Symbol.asyncDispose]: () => kill(child) }
}

/** A proxy that has a server at `/runs/a`, and asks it by the name that it is asked by itself. */
export async function serveProxy(target: string): Promise<AsyncDisposable & { url: string }> {
  const { hostname, port } = new URL(target)
  const server = createServer((asked, response) => {
    const path = asked.url!.replace(/^\/runs\/a/, '') || '/'
    const passed = request({ hostname, port, path, method: asked.method, headers: asked.headers }, answer => {
      response.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(response)
    })
    passed.on('error', () => response.destroy())
    asked.pipe(passed)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
