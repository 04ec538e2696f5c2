import { HeadraceError } from '../errors.ts'
import { type Promoted, planPromotion, promote } from '../promote/promote.ts'
import type { FateCount, RowFate } from '../promote/select.ts'
import { type Command, type ParsedArgs, runOptions, type Terminal } from './command.ts'
import { locateRun, openRunAt } from './find-run.ts'
import { formatCount, formatPlural, formatShare, formatTable } from './table.ts'
import { cleanName, cleanPath, pageWidth, wrapText } from './wrap.ts'

export const promoteCommand: Command = {
  name: 'promote',
  usage: 'A B',
  summary: 'Moves the feed of run A to run B over the same slots, and trains on nothing twice.',
  details:
    "From a step on, the steps of A's feed are planned from B's shards, without the rows that its steps so far have covered and without copies of these. Blocks that were begun are fed to their end. What B admits among the rows that were covered is left out, or is fed as a domain of its own with --backfill. Published steps stay as they are. It is undone by another promote: headrace promote A A goes back.",
  options: {
    dir: runOptions.dir,
    at: { value: 'STEP', help: 'first step that is planned from B (default the next one that is not published)' },
    backfill: {
      value: 'DOMAIN=NAME',
      multiple: true,
      help: 'feeds, as a domain called NAME, what B admits of DOMAIN among the rows that were covered',
    },
    weight: {
      value: 'DOMAIN=WEIGHT',
      multiple: true,
      help: 'changes the mixture at that step: a weight in tokens, as for what is backfilled',
    },
    feed: { value: 'FOLDER', help: "another feed of A's shards, as a fork (default A's own)" },
    plan: { help: 'says what it would do, and writes nothing' },
    json: { help: 'prints one line of JSON' },
  },
  run: async (args, terminal) => {
    const [a, b] = args.positionals
    const dir = await locateRun(a, args.text('dir'))
    const next = await locateRun(b, args.text('dir'))
    const isPlan = args.flag('plan')
    const done = await (isPlan ? planPromotion : promote)(dir, next, { ...optionsOf(args), openRun })
    if (args.flag('json')) terminal.out.write(`${JSON.stringify(jsonOf(done, isPlan))}\n`)
    else printPromoted(done, { dir, next, isPlan }, terminal)
  },
}

/** Both runs' logs are where their files say, once the user has named such a place. */
const openRun = (dir: string) => openRunAt(dir, { text: () => undefined })

function optionsOf(args: ParsedArgs) {
  const weights = Object.entries(readPairs(args, 'weight')).map(([name, text]) => [name, weightOf(name, text)] as const)
  const feed = args.text('feed')
  return {
    step: args.text('at') === undefined ? undefined : args.count('at', 0, 0),
    backfill: readPairs(args, 'backfill'),
    ...(weights.length > 0 && { weights: Object.fromEntries(weights) }),
    ...(feed !== undefined && { feed }),
  }
}

/** Values of `NAME=VALUE`; a name may have any sign, so the last `=` divides. */
function readPairs(args: ParsedArgs, option: string): Record<string, string> {
  const pairs: Record<string, string> = Object.create(null)
  for (const text of args.texts(option)) {
    const at = text.lastIndexOf('=')
    const [name, value] = [text.slice(0, Math.max(0, at)), text.slice(at + 1)]
    const refuse = (what: string) =>
      new HeadraceError('bad-option', `--${option} is '${text}': ${what}. See: headrace promote --help`)
    if (name === '' || value === '') throw refuse('it takes a domain, = and a value')
    if (name in pairs) throw refuse(`'${name}' is given twice`)
    pairs[name] = value
  }
  return pairs
}

function weightOf(name: string, text: string): number {
  const weight = Number(text)
  if (Number.isFinite(weight) && weight >= 0) return weight
  throw new HeadraceError('bad-option', `--weight gives '${name}' the weight '${text}'; it takes a number from 0 on`)
}

function jsonOf({ entry, selection, mixture, steps }: Promoted, isPlan: boolean): unknown {
  const { step, promote } = entry
  return {
    planned: isPlan,
    recordedBefore: selection === null,
    step,
    steps,
    ...promote,
    mixture,
    domains: selection?.counts,
  }
}

interface Where {
  readonly dir: string
  readonly next: string
  readonly isPlan: boolean
}

const columns: readonly (readonly [RowFate, string])[] = [
  ['fed', 'fed'],
  ['backfilled', 'backfilled'],
  ['leftOut', 'left out'],
  ['swapped', 'copies'],
  ['covered', 'covered'],
]

function printPromoted(done: Promoted, { dir, next, isPlan }: Where, terminal: Terminal): void {
  const { entry, selection, steps } = done
  const write = (text: string) => terminal.out.write(text)
  const [a, b] = [dir, next].map(cleanPath)
  if (selection === null) {
    write(
      `the feed of ${a} goes on with ${b} from step ${entry.step} on since an earlier command: ${describeSteps(done)}\n`,
    )
    return
  }
  write(`${isPlan ? 'would promote' : 'promoted'} the feed of ${a} to ${b} from step ${entry.step} on\n\n`)
  const { rows } = entry.promote
  write(`${formatCount(rows.covered)} rows are covered by steps before it; documents and tokens of ${b}:\n`)
  write(`${formatTable(tableOf(selection.counts))}\n`)
  if (isPlan)
    write(`first changed step: ${entry.step} (${formatPlural(steps, 'step')} published). Nothing was written.\n`)
  else write(`${describeSteps(done)}\n`)
  for (const text of advise(done, a)) write(`${wrapText(text, pageWidth(terminal)).join('\n')}\n`)
}

function describeSteps({ entry, steps }: Promoted): string {
  const more = steps - entry.step
  return more > 0
    ? `${formatPlural(more, 'step')} follow, ${formatCount(steps)} in all`
    : 'no step follows: what there is fills none'
}

function tableOf(counts: readonly FateCount[]): string[][] {
  const domains = [...new Set(counts.map(({ domain }) => domain))].sort()
  const shown = columns.filter(([fate]) => counts.some(count => count.fate === fate))
  const cells = (of: readonly FateCount[]) =>
    shown.flatMap(([fate]) => {
      const some = of.filter(count => count.fate === fate)
      const [rows, tokens] = (['rows', 'tokens'] as const).map(name => some.reduce((sum, one) => sum + one[name], 0))
      return [formatCount(rows), formatCount(tokens)]
    })
  const head = ['domain', ...shown.flatMap(([, title]) => [title, 'tokens'])]
  const rows = domains
    .slice(0, domainsMax)
    .map(name => [cleanName(name), ...cells(counts.filter(one => one.domain === name))])
  const more = domains.length > domainsMax ? [[`and ${formatCount(domains.length - domainsMax)} more`]] : []
  return [head, ...rows, ...more, ...(domains.length > 1 ? [['all', ...cells(counts)]] : [])]
}

/** Domains that are shown. */
const domainsMax = 20

/** What a reader of the table may want to do otherwise. */
function advise({ entry, selection, mixture, hasEnded }: Promoted, run: string): string[] {
  const { rows, backfill } = entry.promote
  const texts = hasEnded ? [] : [`${run} has not ended: what it gives from now on goes into no step of this feed.`]
  if (rows.leftOut > 0) {
    const left = selection!.counts.filter(({ fate }) => fate === 'leftOut').sort((a, b) => b.tokens - a.tokens)
    const tokens = left.reduce((sum, one) => sum + one.tokens, 0)
    const all = selection!.counts.reduce((sum, one) => sum + one.tokens, 0)
    const name = left[0].domain
    texts.push(
      `${formatCount(rows.leftOut)} documents (${formatShare(tokens, all)} of its tokens) lie among rows that were covered, and are left out; --backfill '${cleanName(name)}=${cleanName(name)}-backfill' feeds those of a domain as one of their own.`,
    )
  }
  const unnamed = Object.values(backfill).filter(name => mixture !== null && !(mixture[name] > 0))
  for (const name of unnamed)
    texts.push(
      `The mixture does not name '${cleanName(name)}', so nothing of it is fed: --weight '${cleanName(name)}=WEIGHT' does.`,
    )
  return texts
}
