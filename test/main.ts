import { spawn } from 'node:child_process'
import { globSync, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// node test/main.ts                                   all tests
// node test/main.ts --quick                           those that start no program, half a minute
// node test/main.ts FILES AND OPTIONS OF `node --test`
// node test/main.ts --slowest ...                     any of these, and at the end the files that took longest
//
// Tests have a temporary folder of their own, and a run fails when one left a file in it.

/** Files of rooms that need no process of their own: in one, they load the modules that they share once. */
const together = [
  'test/{annotate,batch,decide,kafka,pipeline,shards,sources,text,tidy}/**/*.test.ts',
  'test/feed/{plan,files}/*.test.ts',
  'test/bin/*.test.ts',
  'test/cli/{describe-operators,format,input}.test.ts',
  'test/conformance/{annotator,decider,log,source,spread-log,state}.test.ts',
  'test/disk/{json-file,open-files,transfer}.test.ts',
  'test/log/{held-shares,log,journal/frame,journal/full-disk,kafka/plan}.test.ts',
  'test/page/{band-recall,signature-rows}.test.ts',
  'test/record/{inbox,kept,long-notes,run-file,run-reader,slot-columns,slots}.test.ts',
  'test/run/{decide/decide-slot,decide/hold,load/lanes,load/slot-window,load/split-list}.test.ts',
  'test/run/{measure/annotate-slot,measure/tokens,progress,spread/claim,spread/raw}.test.ts',
  'test/run/spread/{shares,tracker}.test.ts',
  'test/watch/{metrics,prometheus,serve-status}.test.ts',
  'test/*.test.ts',
]
const quick = globSync(together).sort()
const others = globSync('test/**/*.test.ts').filter(file => !quick.includes(file))
const inOne = ['--test-timeout=60000', '--test-isolation=none', ...quick]
/** Three at a time for two cores, as one that waits for a child or a disk leaves its core to another. */
const inMany = ['--test-timeout=120000', '--test-concurrency=3', ...others.sort()]

const reporters = ['spec', './test/slowest.ts'].flatMap(name => [
  `--test-reporter=${name}`,
  '--test-reporter-destination=stdout',
])
const asked = process.argv.slice(2)
const given = asked.filter(arg => arg !== '--slowest')
const more = given.length < asked.length ? reporters : []
if (given.length === 0) runTests(inOne, inMany)
else runTests(given[0] === '--quick' ? inOne : given)

function runTests(...lists: readonly (readonly string[])[]): void {
  const folder = mkdtempSync(join(folderInMemory() ?? tmpdir(), 'headrace-'))
  // Each file is a process of its own, and most load the same modules: what one compiled, the next one need not.
  const cache = join(import.meta.dirname, '../node_modules/.cache/headrace/modules')
  const env = { ...process.env, TMPDIR: folder, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? cache }
  const children = lists.map(list => spawn(process.execPath, ['--test', ...more, ...list], { stdio: 'inherit', env }))
  // Who interrupts means the tests; what they leave behind is removed all the same.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      for (const child of children) child.kill(signal)
    })
  let running = children.length
  for (const child of children)
    child.on('exit', status => {
      if (status !== 0) process.exitCode = 1
      if (--running === 0) checkFolder(folder)
    })
}

/**
 * Where files lie in memory and there is room, unless TMPDIR names another folder: half of the time of whole runs is waiting for a disk's
 * syncs, which no test here can tell from none. `npm run kill` and `npm run soak` are for the real disk.
 */
function folderInMemory(): string | null {
  const [folder, bytesMin] = ['/dev/shm', 4 * 1024 ** 3]
  if (process.env.TMPDIR) return null
  try {
    const { type, bavail, bsize } = statfsSync(folder)
    return type === 0x01021994 && bavail * bsize >= bytesMin ? folder : null
  } catch {
    return null
  }
}

function checkFolder(folder: string): void {
  const left = readdirSync(folder)
  rmSync(folder, { recursive: true, force: true })
  if (left.length === 0) return
  console.error(`left behind in the temporary folder: ${left.join(', ')}`)
  process.exitCode = 1
}
