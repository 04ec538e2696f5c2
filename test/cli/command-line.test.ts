import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { exitStatuses, loadCommands } from '../../src/cli/main.ts'
import { displayWidth } from '../../src/cli/wrap.ts'
import { type ErrorCode, HeadraceError } from '../../src/errors.ts'
import { makeFolder } from '../temporary.ts'
import { runMain } from './terminal.ts'

const dir = makeFolder('cli')
const commands = await loadCommands()
const at = (name: string) => join(dir, name)
await writeFile(at('a.jsonl'), '{"text":"one"}\n')
await writeFile(at('empty.ts'), 'export default 3\n')
await writeFile(at('import.ts'), "import { nothing } from 'headrace'\nexport default nothing\n")
await writeFile(at('syntax.ts'), 'const a = 1\n\nconst b: = 3\n')
await writeFile(at('throws.ts'), "import { pipeline } from 'headrace'\n\nexport default pipeline('x').frm()\n")
await writeFile(
  at('good.ts'),
  `import * as h from 'headrace'\nexport default h.pipeline('good').from(h.jsonl(${JSON.stringify(at('a.jsonl'))}))\n`,
)
await writeFile(
  at('column.ts'),
  "import * as h from 'headrace'\nexport default h.pipeline('c').from(h.jsonl('x')).decide(h.nearDuplicates())\n",
)
await writeFile(
  at('rule.ts'),
  "import * as h from 'headrace'\nexport default h.pipeline('c').from(h.jsonl('x')).decide(h.rules({ langage: { oneOf: ['en'] } }))\n",
)
await mkdir(at('none'))

// Arguments, exit status, and what the one paragraph on standard error must say.
const refused: [string[], number, RegExp][] = [
  [['frobnicate'], 64, /no command 'frobnicate'; the commands are try, init, /],
  [['run'], 64, /takes PIPELINE, and got nothing/],
  [['run', at('good.ts'), 'b', 'c'], 64, /a glob needs quotes/],
  [['run', at('good.ts'), '--worker', '2'], 64, /unknown option '--worker'; it knows --input, /],
  [['run', at('good.ts'), '-w'], 64, /unknown option '-w'/],
  [['run', at('good.ts'), '--workers'], 64, /--workers needs a value: --workers N/],
  [['run', at('good.ts'), '--dir', '--json'], 64, /--dir needs a value/],
  [['run', at('good.ts'), '--json=1'], 64, /--json takes no value/],
  [
    ['run', at('good.ts'), '--workers', '0'],
    64,
    /--workers is '0'; it takes a whole number of at least 1 and at most 512/,
  ],
  [['run', at('good.ts'), '--workers', '1.5'], 64, /--workers is '1\.5'/],
  [['run', at('good.ts'), '--run', '../x', '--dir', dir], 64, /--run is '\.\.\/x'/],
  [
    ['run', at('good.ts'), '--dir', at('a.jsonl')],
    64,
    /a\.jsonl\/good can't be made \(ENOTDIR\): name another with --dir/,
  ],
  [['run', at('good.ts'), '--dir', '/proc/x'], 64, /can't be made/],
  [['run', at('good.ts'), '--input', at('*.none'), '--dir', dir], 66, /no file matches '.*\*\.none'/],
  [['run', at('good.ts'), '--input', 'a.parquet', '--input', 'b.jsonl'], 64, /mixes Parquet and JSON Lines/],
  [['run', at('gone.ts')], 66, /no pipeline file .*gone\.ts: write one with 'headrace init'/],
  [['plan', at('empty.ts')], 64, /must 'export default pipeline\(\.\.\.\)'/],
  [['plan', at('import.ts')], 64, /'nothing' \(.*import\.ts:1\)/],
  [['plan', at('syntax.ts')], 64, /syntax\.ts:3\)/],
  [['plan', at('throws.ts')], 64, /frm is not a function \(.*throws\.ts:3:\d+\)/],
  [['plan', at('column.ts')], 64, /reads column 'signature', which nothing before it writes/],
  [['plan', at('rule.ts')], 64, /reads column 'langage'/],
  [['init', at('good.ts')], 64, /exists already/],
  [['init', at('pipeline.txt')], 64, /ends in \.ts or \.js/],
  [['init', at('gone/pipeline.ts')], 66, /no folder/],
  [['try'], 64, /takes FILE\.\.\., and got nothing/],
  [['try', at('gone.jsonl')], 66, /no file matches/],
  [['try', at('a.jsonl'), '--samples', 'x'], 64, /--samples is 'x'/],
  [['try', at('a.jsonl'), '--text', ''], 64, /'text' "": give a name/],
  [['report', '--dir', at('gone')], 66, /holds no run; begin one with 'headrace run PIPELINE'/],
  [['report', '--dir', at('none'), '--run', 'x'], 66, /holds no run 'x'/],
  [['release', '--dir', at('none')], 64, /--who is missing: a release says who decided it and why/],
  [['release', '--dir', at('none'), '--who', 'ann', '--why', ' '], 64, /--why is missing/],
  [['release', '--dir', at('none'), '--who', 'a\nb', '--why', 'x'], 64, /--who has more than one line/],
  [
    ['release', '--dir', at('none'), '--who', 'a'.repeat(101), '--why', 'x'],
    64,
    /--who has 101 characters; 100 at most/,
  ],
  [['release', '--dir', at('none'), '--who', 'ann', '--why', 'x'], 66, /holds no run/],
  [['look', '--dir', at('none')], 66, /holds no run/],
  [['fates', 'x'], 64, /takes no argument, and got 'x'/],
  [['decisions', '--dir', at('none')], 64, /takes ANNOTATOR/],
  [['trace'], 64, /takes ID/],
  [['feed', at('none')], 66, /no feed in/],
  [['feed', at('none'), '--from', '-1'], 64, /--from needs a value/],
  [['feed', at('none'), '--rank', '2', '--world', '2'], 64, /rank 2 of world 2/],
  [['seed', 'learn', 'x'], 64, /'learn' is not 'fit'/],
  [['seed', 'fit', 'x'], 64, /give --background GLOB/],
  [['seed', 'fit', at('a.jsonl'), '--background', at('gone')], 66, /no file matches/],
]

for (const [args, status, message] of refused)
  test(`refused: ${args.join(' ').replaceAll(dir, '')}`, async () => {
    const printed = await runMain(args)
    assert.equal(printed.status, status, printed.err)
    assert.match(printed.err, message)
    assert.match(printed.err, args[0] === 'frobnicate' ? /^headrace: / : new RegExp(`^headrace ${args[0]}: `))
    assert.equal(printed.err.trimEnd().split('\n').length, 1, 'one paragraph')
    assert.equal(printed.out, '')
  })

test('a run that was refused leaves nothing behind that would refuse the next one', async () => {
  const args = ['run', at('good.ts'), '--dir', at('again')]
  assert.equal((await runMain([...args, '--input', at('typo*')])).status, 66)
  assert.equal((await runMain(args)).status, 0)
})

test('help fits 80 columns and names every option', async () => {
  for (const columns of [80, 100])
    for (const name of ['', ...commands.map(command => command.name)]) {
      const { status, out, err } = await runMain(name ? [name, '--help'] : ['--help'], columns)
      assert.deepEqual([status, err], [0, ''])
      for (const line of out.split('\n')) assert.ok(displayWidth(line) <= columns, line)
      for (const option of Object.keys(commands.find(command => command.name === name)?.options ?? {}))
        assert.ok(out.includes(`--${option}`))
    }
})

test('every command is loaded by its own name, in the order in which they are listed', async () => {
  const names = commands.map(command => command.name)
  const { err } = await runMain(['frobnicate'])
  assert.ok(err.endsWith(`the commands are ${names.join(', ')}\n`), err)
  for (const name of names) assert.match((await runMain([name, '--help'])).out, new RegExp(`^headrace ${name}( |\n)`))
})

test('no command at all shows the help as an error; -h and --version are known', async () => {
  const none = await runMain([])
  assert.deepEqual([none.status, none.out], [64, ''])
  assert.match(none.err, /Exit statuses/)
  assert.equal((await runMain(['run', '-h'])).status, 0)
  assert.match((await runMain(['--version'])).out, /^\d+\.\d+\.\d+\n$/)
})

test('help documents the exit status of every error', async () => {
  const codes: Record<ErrorCode, true> = {
    ...{ 'bad-option': true, 'bad-pipeline': true, 'not-found': true, corrupt: true, locked: true },
    ...{ disk: true, 'source-changed': true, trimmed: true, fenced: true, limit: true, 'lost-row': true },
    'guard-rail': true,
  }
  const documented = new Set(exitStatuses.map(([status]) => status))
  for (const code of Object.keys(codes) as ErrorCode[])
    assert.ok(documented.has(String(new HeadraceError(code, '').exit)), code)
  const { out } = await runMain(['--help'])
  for (const [status] of exitStatuses) assert.match(out, new RegExp(`^ {2}${status} +\\w`, 'm'))
})
