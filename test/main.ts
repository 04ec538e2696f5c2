import { spawn } from 'node:child_process'
import { globSync, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// node test/main.ts                                   the tests that need npm alone, but for the long ones
// node test/main.ts --quick                           those that start no program, half a minute
// node test/main.ts --long                            the long ones: lives of many runs each, eight seconds and more
// node test/main.ts FILES AND OPTIONS OF `node --test`
// node test/main.ts --slowest ...                     any of these, and at the end the files that took longest
//
// Tests have a temporary folder of their own, and a run fails when one left a file in it.

/** Files of rooms that need no process of their own: in one, they load the modules that they share once. */
const together = [
  'test/{annotate,batch,decide,kafka,pipeline,shards,sources,text,tidy}/**/*.test.ts',
  'test/feed/{plan,files}/*.test.ts',
  'test/bin/*.test.ts',
  'test/cli/{describe-operators,format,input,top-frame}.test.ts',
  'test/conformance/{annotator,decider,log,source,spread-log,state}.test.ts',
  'test/diff/{pair-slots,row-set,tally,threshold}.test.ts',
  'test/disk/{json-file,open-files,transfer}.test.ts',
  'test/log/{held-shares,log,journal/frame,journal/full-disk,journal/journal-tail,kafka/plan}.test.ts',
  'test/page/{band-recall,charts,evidence,pack-rows,sample-rows,shell,signature-rows}.test.ts',
  'test/page/live/{chosen-slots,document-query,tell-run,turns}.test.ts',
  'test/{control/odm,feed/options,promote/row-set,recall/deciders,rows/order,simulate/disk}.test.ts',
  'test/record/{inbox,kept,long-notes,run-file,run-reader,slot-columns,slots,text-topic,topic}.test.ts',
  'test/run/{admit,memory,progress,text-removal}.test.ts',
  'test/run/decide/{decide-slot,guard-rails,hold}.test.ts',
  'test/run/load/{lanes,load-stage,slot-window,split-list}.test.ts',
  'test/run/measure/{annotate-slot,isolate,stored-slot,tokens}.test.ts',
  'test/run/{shard/control-inbox,shard/open-shards,spread/claim,spread/raw,spread/shares,spread/tracker}.test.ts',
  'test/serve/{conditions,places,serve-feed}.test.ts',
  'test/value/{agreement,damage-text,fit,fit-heads,fit-language-model,fit-round,fit-shares,lowest-keys}.test.ts',
  'test/value/{measures,purity,rank-buckets,row-labels,rows-wanted,split,targets}.test.ts',
  'test/verify/kept-texts.test.ts',
  'test/watch/{address,history,judge-stages,look-at-server,metrics,pace,prometheus,read-metrics,serve-status}.test.ts',
  'test/*.test.ts',
]
/** Files of eight seconds and more whose subject other files meet too: all of a feature's ways through whole runs, or mistakes planted one by one. */
const long = globSync([
  'test/cli/{browse,change-feed,changed-code,enrich,enrich-refused,enrich-rounds,process,read-texts}.test.ts',
  'test/cli/{redrive,report-files,rounds-judge,sample-length,take-down-live,top,try,watch-run}.test.ts',
  'test/{kill/kill,recall/recall,fuzz/fuzz}.test.ts',
  'test/run/{failure,follow,full-disk,measure/pool,replay/texts,store,upgrade}.test.ts',
  'test/feed/{change/{length,settings,trim},plan/replay}.test.ts',
  'test/{annotate/judge/killed,rows/materialise,text/linear/train}.test.ts',
  'test/page/live/{find-documents,row-sample,what-if-answer}.test.ts',
  'test/{simulate/mutants,simulate/oracle,unite/mutants,unite/unite}.test.ts',
]).sort()
const quick = globSync(together).filter(file => !long.includes(file))
/** Pages need a browser, which npm does not bring: `npm run test:browser`. */
const others = globSync('test/**/*.test.ts', { exclude: ['test/browser/**', ...long, ...quick] })
const inOne = ['--test-timeout=60000', '--test-isolation=none', ...quick.sort()]
/** Three at a time for two cores, as one that waits for a child or a disk leaves its core to another. */
const side = ['--test-timeout=120000', '--test-concurrency=3']

const reporters = ['spec', './test/slowest.ts'].flatMap(name => [
  `--test-reporter=${name}`,
  '--test-reporter-destination=stdout',
])
const asked = process.argv.slice(2)
const given = asked.filter(arg => arg !== '--slowest')
const more = given.length < asked.length ? reporters : []
if (given.length === 0) runTests(inOne, [...side, ...others.sort()])
else if (given[0] === '--long') runTests([...side, ...long])
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
