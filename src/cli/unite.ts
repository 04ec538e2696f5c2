import { readFile } from 'node:fs/promises'
import { basename, extname, resolve } from 'node:path'
import { HeadraceError } from '../errors.ts'
import type { FeedOptions } from '../feed/options.ts'
import type { Duplicates } from '../feed/plan/join.ts'
import { type LeftOutDocument, readLeftOut } from '../unite/explain.ts'
import type { RunWish } from '../unite/source.ts'
import { readUnion, type Union } from '../unite/union.ts'
import { joinRun, planUnion, type United, type UniteOptions, type UniteOrder, unite } from '../unite/unite.ts'
import { nameAuthor } from './change-feed.ts'
import { type Command, type ParsedArgs, runOptions, type Terminal } from './command.ts'
import { locateRun, openRunAt } from './find-run.ts'
import { noteOf } from './note.ts'
import { showDocument, showUnited } from './show-union.ts'
import { cleanName, cleanPath } from './wrap.ts'
import { writeLines } from './write-lines.ts'

export const uniteCommand: Command = {
  name: 'unite',
  usage: 'DIR',
  summary: 'Makes one feed of several runs, without what is in more than one of them; later runs join it at a step.',
  details:
    "DIR becomes the feed's home: DIR/feed is read as any feed, and DIR/shards has the runs' shards as links, so that trainers need no run. The order of --run decides: what a run has kept is left out of the runs after it, by the duplicates' deciders of the runs themselves over what they have measured. Domains of one name become one. DIR/feed/control.json says which runs are in it, and files that it names which documents are left out and what each repeats. A run that is still going gives what it has sealed; --add takes in what it has sealed since. Without --run and --add the feed that is in DIR is planned on.",
  options: {
    dir: runOptions.dir,
    run: { value: 'RUN', multiple: true, help: 'a run, by its name or folder; give each, the one that decides first' },
    add: { value: 'RUN', help: 'takes this run into the feed that is in DIR' },
    'from-step': {
      value: 'STEP',
      help: 'with --add: the first step that has it, which is the next one that is not published',
    },
    steps: { value: 'N', help: 'plans N steps in all for now, so that later runs can join behind them (default all)' },
    map: { value: 'RUN:DOMAIN=NAME', multiple: true, help: 'feeds DOMAIN of RUN, as that is given here, as NAME' },
    duplicates: { value: 'drop|refuse|keep', help: 'what becomes of documents that a run before has (default drop)' },
    feed: {
      value: 'FILE',
      help: "options of the feed: a .json with them, or a pipeline that has them in .feed() (default those of the first run's feed)",
    },
    name: { value: 'NAME', help: "what the feed is called (default DIR's name)" },
    document: { value: 'ID', help: 'says what became of the documents of this id, and writes nothing' },
    copies: {
      help: 'prints a line of JSON for each document that is left out, with what it repeats, and writes nothing',
    },
    note: { value: 'TEXT', help: "why: stands in the feed's control.json" },
    json: { help: 'prints one line of JSON' },
  },
  run: async (args, terminal) => {
    const [home] = args.positionals
    checkTogether(args)
    const id = args.text('document')
    if (id !== undefined || args.flag('copies')) {
      const union = await findUnion(home)
      if (id !== undefined) return await showDocument(union, id, args.flag('json'), terminal)
      await writeLines(terminal, readLeftOut(union), copy => copyLine(union, copy))
      return 0
    }
    showUnited(await work(home, args, terminal), args.flag('json'), terminal)
    return 0
  },
}

/** A document that is left out as the line of JSON that scripts read. */
function copyLine({ runs }: Union, { ofId, of, ...copy }: LeftOutDocument): string {
  const original = { run: runs[of.run].run, slot: of.slot, row: of.row, id: ofId }
  return JSON.stringify({ ...copy, run: runs[copy.run].run, of: original })
}

async function work(home: string, args: ParsedArgs, terminal: Terminal): Promise<United> {
  const options = optionsOf(args)
  const add = args.text('add')
  if (add !== undefined) return joinRun(home, await wishOf(add, args), stepOf(args), options)
  if (args.texts('run').length > 0) return unite(home, await orderOf(home, args, terminal), options)
  return { union: await planUnion(home, options), selections: null, going: [] }
}

async function findUnion(home: string): Promise<Union> {
  const union = await readUnion(home)
  if (union) return union
  throw new HeadraceError(
    'not-found',
    `there is no feed of several runs in ${cleanPath(home)}: name its runs with --run`,
  )
}

/** Options that go with `--run` alone; the others are for what is there. */
const ofNew = ['duplicates', 'feed', 'name'] as const

function checkTogether(args: ParsedArgs): void {
  const isNew = args.texts('run').length > 0
  const looks = ['document', 'copies'].filter(
    name => args.text(name) !== undefined || (name === 'copies' && args.flag(name)),
  )
  const works = ['add', 'from-step', 'steps', 'note', ...ofNew].filter(name => args.text(name) !== undefined)
  if (looks.length > 1) throw refuse('--document is given with --copies: give one of them')
  if (looks.length > 0 && (isNew || works.length > 0))
    throw refuse(`--${looks[0]} is given with --${isNew ? 'run' : works[0]}: it only looks`)
  if (isNew && args.text('add') !== undefined)
    throw refuse('--add is given with --run: make the feed first, and then add a run')
  const late = ofNew.find(name => args.text(name) !== undefined)
  if (!isNew && late) throw refuse(`--${late} goes with --run: a feed keeps what it was begun with`)
  if (args.text('add') === undefined && args.text('from-step') !== undefined)
    throw refuse('--from-step goes with --add RUN')
  if (!isNew && args.text('add') === undefined && args.texts('map').length > 0)
    throw refuse('--map goes with --run or --add')
}

function optionsOf(args: ParsedArgs): UniteOptions {
  const note = noteOf(args, 'unite')
  const author = { who: nameAuthor(), at: new Date().toISOString(), ...(note !== null && { note }) }
  const stepsMax = args.text('steps') === undefined ? undefined : args.count('steps', 0, 1)
  return { openRun: dir => openRunAt(dir, { text: () => undefined }), stepsMax, author }
}

const stepOf = (args: ParsedArgs) => (args.text('from-step') === undefined ? undefined : args.count('from-step', 0, 0))

async function orderOf(home: string, args: ParsedArgs, terminal: Terminal): Promise<UniteOrder> {
  const given = args.texts('run')
  if (given.length < 2)
    throw refuse(`--run names ${given.length} run; a feed of one run is the run's own: give two or more`)
  const runs: RunWish[] = []
  for (const name of given) runs.push(await wishOf(name, args))
  const strange = args.texts('map').find(text => !given.some(name => text.startsWith(`${name}:`)))
  if (strange !== undefined)
    throw refuse(`--map is '${cleanName(strange)}': it begins with none of ${given.join(', ')} and a colon`)
  const feed = await readFeedOptions(args.text('feed'), runs[0].dir, terminal)
  return { runs, duplicates: duplicatesOf(args), feed, name: args.text('name') ?? basename(resolve(home)) }
}

/** A run with the names that its domains get. A domain may have any sign, so the last `=` divides. */
async function wishOf(name: string, args: ParsedArgs): Promise<RunWish> {
  const map: Record<string, string> = Object.create(null)
  for (const text of args.texts('map')) {
    if (!text.startsWith(`${name}:`)) {
      if (args.text('add') !== undefined) throw refuse(`--map is '${cleanName(text)}': it does not begin with ${name}:`)
      continue
    }
    const pair = text.slice(name.length + 1)
    const at = pair.lastIndexOf('=')
    const [domain, as] = [pair.slice(0, Math.max(0, at)), pair.slice(at + 1)]
    if (domain === '' || as === '') throw refuse(`--map is '${cleanName(text)}': it takes ${name}:DOMAIN=NAME`)
    if (domain in map) throw refuse(`--map gives '${cleanName(domain)}' of ${name} two names`)
    map[domain] = as
  }
  return { dir: await locateRun(name, args.text('dir')), map: { ...map } }
}

function duplicatesOf(args: ParsedArgs): Duplicates {
  const given = args.text('duplicates') ?? 'drop'
  if (given === 'drop' || given === 'refuse' || given === 'keep') return given
  throw refuse(`--duplicates is '${cleanName(given)}'; it takes drop, refuse or keep`)
}

/** The options of the feed. Those that are for input that still comes are left out, and that is told. */
async function readFeedOptions(file: string | undefined, first: string, terminal: Terminal): Promise<FeedOptions> {
  const found = await (file === undefined ? ofRun(first) : extname(file) === '.json' ? ofJson(file) : ofPipeline(file))
  const { freshness, blockSlotsMax, ...options } = found
  const left = Object.entries({ freshness, blockSlotsMax }).filter(([, value]) => value !== undefined && value !== null)
  if (left.length > 0)
    terminal.err.write(
      `headrace unite: ${left.map(([name, value]) => `${name} ${value}`).join(' and ')} of ${cleanPath(file ?? first)} is left out, as it is for input that still comes\n`,
    )
  return options
}

async function ofRun(dir: string): Promise<FeedOptions> {
  await using run = await openRunAt(dir, { text: () => undefined })
  if (run.run.feed) return run.run.feed as FeedOptions
  throw refuse(`--feed is missing: ${dir} has no feed whose options could be taken; give a FILE with length and batch`)
}

async function ofJson(file: string): Promise<FeedOptions> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    throw refuse(`--feed is ${cleanPath(file)}, which can't be read as JSON: ${(error as Error).message}`)
  }
}

async function ofPipeline(file: string): Promise<FeedOptions> {
  const { loadPlan, referTo } = await import('./load-plan.ts')
  const { feed } = await loadPlan(referTo(file))
  if (feed) return feed
  throw refuse(`--feed is ${cleanPath(file)}, a pipeline that has no .feed()`)
}

function refuse(what: string): HeadraceError {
  return new HeadraceError('bad-option', `${what}. See: headrace unite --help`)
}
