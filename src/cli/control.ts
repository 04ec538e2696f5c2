import { hash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { canonicalJson } from '../canonical-json.ts'
import { type ControlDecision, type ControlOptions, decideMixture, type Evidence } from '../control/decide.ts'
import { HeadraceError } from '../errors.ts'
import type { SettingsOrder } from '../feed/change/settings.ts'
import { changeOptions, changeUsage, openChanged, recordChange } from './change-feed.ts'
import type { Command, ParsedArgs, Terminal } from './command.ts'
import type { FoundFeed } from './find-feed.ts'
import { stopOnSignal } from './stop-signal.ts'
import { formatPlural, formatTable } from './table.ts'
import { cleanName, cleanPath } from './wrap.ts'

const { dir, run, log, 'log-config': logConfig, feed } = changeOptions
const defaults = { alpha: 0.9, min: 0.01, max: 0.9, every: 1000, lead: 100, 'look-seconds': 60 }

export const controlCommand: Command = {
  name: 'control',
  usage: changeUsage,
  summary: "Moves a feed's mixture by the losses that a trainer reports: online data mixing.",
  details:
    "RUN is a run, by its name or folder (default: the run of --dir and --run), or the home of a feed of several. A domain gets more where its loss is high and it was given little (Exp3, arXiv 2312.02406), within --min and --max; the feed has its first mixture from its pipeline or from headrace mix. Each change is recorded as by headrace mix, by 'controller', with the losses and steps that it follows from. Losses that are missing, old, no numbers, or of another history leave the mixture as it is, and it is said. Steps that are published never change, so a feed that is planned far ahead of its trainer changes as far ahead.",
  options: {
    dir,
    run,
    log,
    'log-config': logConfig,
    feed,
    trainer: { value: 'NAME', help: 'whose losses are followed (default the only one that reports)' },
    alpha: { value: 'A', help: `weight of the past in the moving average of rewards (default ${defaults.alpha})` },
    min: { value: 'SHARE', help: `the least that a domain is given (default ${defaults.min})` },
    max: { value: 'SHARE', help: `the most (default ${defaults.max})` },
    every: { value: 'N', help: `steps from one change to the next, at least (default ${defaults.every})` },
    lead: { value: 'N', help: `steps ahead of the last reported one, at least (default ${defaults.lead})` },
    'look-seconds': { value: 'N', help: `how often it looks (default ${defaults['look-seconds']})` },
    once: { help: 'looks once, and ends' },
    'dry-run': { help: 'looks once, says what it would do, and records nothing' },
    json: { help: 'prints a line of JSON for each look' },
  },
  run: async (args, terminal) => {
    const options = optionsOf(args)
    const seconds = args.count('look-seconds', defaults['look-seconds'], 1, 86_400)
    const isOnce = args.flag('once') || args.flag('dry-run')
    const stopping = stopOnSignal(() => terminal.err.write('headrace: stopping\n'))
    let told = ''
    try {
      for (;;) {
        const text = await look(args, options, terminal)
        // What stays as it was is said once.
        if (text !== told) terminal.out.write(text)
        told = text
        if (isOnce || stopping.signal.aborted) return 0
        await sleep(1000 * seconds, undefined, { signal: stopping.signal }).catch(() => {})
        if (stopping.signal.aborted) return 0
      }
    } finally {
      stopping.end()
    }
  },
}

/** Looks at a feed and does what is to be done. Returns what is said of it. */
async function look(args: ParsedArgs, options: ControlOptions, terminal: Terminal): Promise<string> {
  await using feed = await openChanged(args)
  const decision = await decideMixture(feed.dir, options)
  const refused = args.flag('dry-run') ? null : await record(feed, decision, terminal)
  return args.flag('json') ? jsonOf(feed, decision, refused) : describe(feed, decision, refused)
}

function optionsOf(args: ParsedArgs): ControlOptions {
  const share = (name: 'alpha' | 'min' | 'max') => {
    const text = args.text(name)
    const value = text === undefined ? defaults[name] : text.trim() === '' ? Number.NaN : Number(text)
    const most = name === 'alpha' ? 0.999 : 1
    if (value >= 0 && value <= most) return value
    throw refuse(`--${name} is '${cleanName(text ?? '')}'; it takes a number from 0 to ${most}`)
  }
  const [shareMin, shareMax] = [share('min'), share('max')]
  if (shareMin > shareMax) throw refuse(`--min is ${shareMin} and --max is ${shareMax}: the least is above the most`)
  return {
    trainer: args.text('trainer') ?? null,
    alpha: share('alpha'),
    shareMin,
    shareMax,
    everySteps: args.count('every', defaults.every),
    leadSteps: args.count('lead', defaults.lead, 0),
  }
}

function refuse(what: string): HeadraceError {
  return new HeadraceError('bad-option', `${what}. See: headrace control --help`)
}

/** Records a change. Why it was refused, or null: a step may have been published since the feed was looked at. */
async function record(
  feed: FoundFeed,
  { change, evidence }: ControlDecision,
  terminal: Terminal,
): Promise<string | null> {
  if (!change || !evidence) return null
  const { step, mixture } = change
  const order: SettingsOrder = {
    // The same evidence asks for the same once, whoever was stopped between.
    id: hash('sha256', canonicalJson({ step, mixture, evidence })).slice(0, 32),
    step,
    change: { mixture },
    who: 'controller',
    at: new Date().toISOString(),
    note: noteOf(evidence),
  }
  try {
    await recordChange(feed, order, terminal)
    return null
  } catch (error) {
    if (error instanceof HeadraceError && error.code === 'bad-option') return error.message
    throw error
  }
}

/** Domains whose figures a note has, as it stands in the feed for ever; all are in the mixtures of this change and the one before. */
const noteDomainsMax = 64

function noteOf({ trainer, firstStep, lastStep, domains }: Evidence): string {
  const shown = domains
    .slice(0, noteDomainsMax)
    .map(
      ({ domain, loss, before, after }) =>
        `${cleanName(domain, 40)} loss ${loss.toFixed(4)}, ${shareText(before)} -> ${shareText(after)}`,
    )
  const more = domains.length > shown.length ? `; and ${domains.length - shown.length} more` : ''
  return `online data mixing (arXiv 2312.02406) by the losses of ${trainer} in steps ${firstStep} to ${lastStep}: ${shown.join('; ')}${more}`
}

const shareText = (share: number) => String(Math.round(share * 1e6) / 1e6)

function jsonOf(
  { dir }: FoundFeed,
  { change, why, evidence, damagedLines }: ControlDecision,
  refused: string | null,
): string {
  return `${JSON.stringify({ feed: dir, change, why: refused ?? why, refused: refused !== null, damagedLines, ...evidence })}\n`
}

function describe({ dir }: FoundFeed, decision: ControlDecision, refused: string | null): string {
  const { change, why, evidence, damagedLines } = decision
  const parts: string[] = []
  if (evidence) {
    const title = ['domain', 'loss', 'reward', 'share now', 'asked', 'share then']
    const rows = evidence.domains.map(({ domain, loss, reward, before, asked, after }) => [
      cleanName(domain) || '(none)',
      loss.toFixed(4),
      reward.toFixed(3),
      before.toFixed(4),
      asked.toFixed(4),
      after.toFixed(4),
    ])
    const { trainer, firstStep, lastStep } = evidence
    parts.push(`losses of ${trainer} in steps ${firstStep} to ${lastStep}\n${formatTable([title, ...rows])}\n`)
  }
  if (damagedLines > 0)
    parts.push(`${formatPlural(damagedLines, 'line')} of the reports can't be read and are left out\n`)
  const stays = `the mixture of ${cleanPath(dir)} stays as it is: `
  parts.push(
    change && refused === null
      ? `the mixture of ${cleanPath(dir)} changes ${why}\n`
      : `${stays}${cleanName(refused ?? why, 300)}\n`,
  )
  return parts.join('')
}
