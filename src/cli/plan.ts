import type { Annotator, Rule } from '../annotate/annotator.ts'
import type { Measure, Measures } from '../annotate/measure.ts'
import type { Decider } from '../decide/decider.ts'
import { HeadraceError } from '../errors.ts'
import type { FeedOptions } from '../feed/options.ts'
import type { Guard } from '../pipeline/guard.ts'
import type { AnnotateStep, Plan } from '../pipeline/plan.ts'
import type { LeftOut } from '../sources/left-out.ts'
import type { Command } from './command.ts'
import { describeLeftOut } from './left-out.ts'
import { loadPlan, referTo } from './load-plan.ts'
import { describeRule } from './reasons.ts'
import { formatCount } from './table.ts'
import { formatPairs, pageWidth } from './wrap.ts'

export const planCommand: Command = {
  name: 'plan',
  usage: 'PIPELINE',
  summary: 'Checks a pipeline and shows its stages and rules. Reads no document.',
  options: {
    columns: { help: 'shows all columns, with kinds and fingerprints' },
    json: { help: 'prints the plan as JSON' },
  },
  run: async (args, terminal) => {
    const plan = await loadPlan(referTo(args.positionals[0]))
    const width = pageWidth(terminal)
    const leftOut = await lookBeside(plan)
    if (args.flag('json')) terminal.out.write(`${JSON.stringify(describeAsJson(plan, leftOut))}\n`)
    else
      terminal.out.write(
        describePlan(plan, leftOut, width) + (args.flag('columns') ? describeColumns(plan, width) : ''),
      )
  },
}

/** What lies beside the input; nothing where the input can't be listed, which a run says. */
async function lookBeside({ source }: Plan): Promise<readonly LeftOut[]> {
  try {
    return (await source.leftOut?.()) ?? []
  } catch (error) {
    if (error instanceof HeadraceError) return []
    throw error
  }
}

function describePlan(plan: Plan, leftOut: readonly LeftOut[], width: number): string {
  const pairs = (rows: [string, string][]) => formatPairs(rows.length ? rows : [['(nothing)', '']], width)
  const tokenizer = plan.tokenizer && String(plan.tokenizer.options.encoding ?? plan.tokenizer.name)
  const sections = [
    `pipeline ${plan.name}\n${pairs(describeInput(plan, leftOut))}`,
    `annotate, on all threads (${plan.annotateFingerprint})\n${pairs(plan.steps.map(describeStep))}`,
    `decide, in order (${plan.decideFingerprint})\n${pairs([
      ...plan.rules.map(rule => [rule.reason, describeRule(rule)] as [string, string]),
      ...plan.deciders.map(
        one => [one.name, one.reasons.length ? `drops ${one.reasons.join(', ')}` : 'drops nothing'] as [string, string],
      ),
    ])}`,
    tokenizer ? `shard, in order (${plan.shardFingerprint})\n${pairs([['tokens', tokenizer]])}` : '',
    plan.guards.length ? `guard rails\n${pairs(plan.guards.map(describeGuard))}` : '',
    plan.feed ? `feed\n${pairs(describeFeed(plan.feed))}` : '',
  ]
  return sections.filter(Boolean).join('\n')
}

function describeInput({ source }: Plan, leftOut: readonly LeftOut[]): [string, string][] {
  const reads: [string, string] = ['reads', source.describe?.() ?? source.name]
  return leftOut.length > 0 ? [reads, ['beside', describeLeftOut(leftOut)]] : [reads]
}

/** Reasons of a gate that are named; a filter has a dozen. */
const reasonsShown = 2

function describeStep(step: AnnotateStep): [string, string] {
  if ('annotator' in step) {
    const { name, reads, writes, options, notes = [] } = step.annotator
    const only = options.onlyFor as { column: string; values: readonly string[] } | undefined
    const scope = only ? `for ${only.column} ${only.values.join(', ')} only: ` : ''
    const read = reads.filter(column => column !== only?.column || column === 'text')
    const measures = `${scope}${read.join(', ')} → ${writes.map(field => field.name).join(', ')}`
    return [name, [measures, ...notes].join('\n')]
  }
  const reasons = step.gate.map(rule => rule.reason)
  const rules = reasons.length === 1 ? 'its rule' : `its ${reasons.length} rules`
  const more = reasons.length > reasonsShown ? ` and ${reasons.length - reasonsShown} more` : ''
  return ['gate', `stops what fails ${rules}: ${reasons.slice(0, reasonsShown).join(', ')}${more}`]
}

function describeFeed({ length, batch, mixture, ...rest }: FeedOptions): [string, string][] {
  const rows: [string, string][] = [['step', `${formatCount(batch)} samples of ${formatCount(length)} tokens`]]
  const sum = Object.values(mixture ?? {}).reduce((a, b) => a + b, 0)
  const shares = Object.entries(mixture ?? {}).map(
    ([domain, weight]) => `${domain} ${((100 * weight) / sum).toFixed(1)}%`,
  )
  if (shares.length) rows.push(['mixture', shares.join(', ')])
  const others = Object.entries(rest).filter(([, value]) => value !== undefined)
  const say = (value: unknown) => (typeof value === 'object' ? JSON.stringify(value) : String(value))
  return [...rows, ...others.map(([name, value]) => [name, say(value)] as [string, string])]
}

function describeGuard({ name, above, below, rowsMin }: Guard): [string, string] {
  const percent = (share: number) => `${Number((100 * share).toFixed(2))}%`
  const bounds = [
    Number.isFinite(below) ? `under ${percent(below)}` : '',
    Number.isFinite(above) ? `over ${percent(above)}` : '',
  ]
  return [name, `stops when ${bounds.filter(Boolean).join(' or ')} of ${formatCount(rowsMin)} rows or more are removed`]
}

function describeColumns(plan: Plan, width: number): string {
  const annotators = plan.steps.flatMap(step => ('annotator' in step ? [step.annotator] : []))
  const measures: Measures = Object.assign({}, ...annotators.map(one => one.measures))
  const rules = [...plan.steps.flatMap(step => ('gate' in step ? step.gate : [])), ...plan.rules]
  const rows = plan.fields.map(({ name, kind }) => {
    const drops = rules.filter(rule => rule.column === name).map(rule => describeDrop(rule, measures[name]))
    const about = measures[name] ? [measures[name].about] : []
    // A rule that a gate applies stands among the pipeline's too.
    const lines = [`${kind.padEnd(10)} ${plan.fingerprints.get(name)}`, ...about, ...new Set(drops)]
    return [name, lines.join('\n')] as const
  })
  return `\ncolumns\n${formatPairs(rows, width)}`
}

/** A rule, and the option that moves it where it has one. */
function describeDrop(rule: Rule, measure: Measure | undefined): string {
  const options = Object.entries(measure?.options ?? {})
  const moved = options.find(([, option]) => 'reason' in option && option.reason === rule.reason)
  return `dropped as ${rule.reason} where ${describeRule(rule)}${moved ? ` (option ${moved[0]})` : ''}`
}

function describeAsJson(plan: Plan, leftOut: readonly LeftOut[]): unknown {
  const operator = ({ name, version, options }: Annotator | Decider) => ({ name, version, options })
  const step = (one: AnnotateStep) =>
    'gate' in one
      ? { gate: one.gate }
      : { ...operator(one.annotator), rules: one.annotator.rules, notes: one.annotator.notes }
  return {
    pipeline: plan.name,
    source: { name: plan.source.name, options: plan.source.options, leftOut },
    annotate: plan.steps.map(step),
    rules: plan.rules,
    deciders: plan.deciders.map(operator),
    tokenizer: plan.tokenizer && operator(plan.tokenizer),
    guards: plan.guards.map(({ name, above, below, windowSlots, rowsMin }) => ({
      name,
      windowSlots,
      rowsMin,
      above: Number.isFinite(above) ? above : null,
      below: Number.isFinite(below) ? below : null,
    })),
    feed: plan.feed,
    columns: plan.fields.map(field => ({ ...field, fingerprint: plan.fingerprints.get(field.name) })),
    fingerprints: { annotate: plan.annotateFingerprint, decide: plan.decideFingerprint, shard: plan.shardFingerprint },
  }
}
