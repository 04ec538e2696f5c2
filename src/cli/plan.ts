import type { Rule } from '../annotate/annotator.ts'
import type { Plan } from '../pipeline/plan.ts'
import type { Command } from './command.ts'
import { loadPlan, referTo } from './load-plan.ts'
import { formatTable } from './table.ts'

export const planCommand: Command = {
  name: 'plan',
  usage: 'PIPELINE',
  summary: 'Checks a pipeline and shows its stages, columns, rules and fingerprints. Reads no document.',
  positionals: { min: 1, max: 1 },
  options: { json: { help: 'prints the plan as JSON' } },
  run: async (args, terminal) => {
    const plan = await loadPlan(referTo(args.positionals[0], []))
    terminal.out.write(args.flag('json') ? `${JSON.stringify(describeAsJson(plan))}\n` : describePlan(plan))
    return 0
  },
}

function describePlan(plan: Plan): string {
  const steps = plan.steps.map(step =>
    'gate' in step
      ? ['  gate', `stops ${step.gate.map(rule => rule.reason).join(', ')}`]
      : [
          `  ${step.annotator.name}`,
          `${step.annotator.reads.join(', ')} → ${step.annotator.writes.map(field => field.name).join(', ')}`,
        ],
  )
  const deciders = plan.deciders.map(decider => [`  ${decider.name}`, decider.reasons.join(', ') || 'drops nothing'])
  const shard = plan.tokenizer ? [[`  ${plan.tokenizer.name}`, JSON.stringify(plan.tokenizer.options)]] : []
  const feed = plan.feed ? `feed\n  ${JSON.stringify(plan.feed)}\n` : ''
  return [
    `pipeline ${plan.name} reads ${plan.source.name} ${JSON.stringify(plan.source.options)}\n`,
    `annotate (spread)  ${plan.annotateFingerprint}\n${table(steps)}`,
    `decide (ordered)  ${plan.decideFingerprint}\n${table([...plan.rules.map(rule => [`  ${rule.reason}`, describeRule(rule)]), ...deciders])}`,
    plan.tokenizer ? `shard (ordered)  ${plan.shardFingerprint}\n${table(shard)}` : '',
    feed,
    `columns\n${table(plan.fields.map(field => [`  ${field.name}`, `${field.kind}  ${plan.fingerprints.get(field.name)}`]))}`,
  ]
    .filter(Boolean)
    .join('\n')
}

/** Two columns, both to the left. */
function table(rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '  (nothing)\n'
  const width = Math.max(...rows.map(([name]) => name.length))
  return formatTable(rows.map(([name, text]) => [`${name.padEnd(width)}  ${text}`]))
}

function describeRule({ column, below, above, oneOf, noneOf }: Rule): string {
  const parts = [
    below === undefined ? '' : `${column} < ${below}`,
    above === undefined ? '' : `${column} > ${above}`,
    oneOf ? `${column} is not one of ${oneOf.join(', ')}` : '',
    noneOf ? `${column} is one of ${noneOf.join(', ')}` : '',
  ]
  return `drops when ${parts.filter(Boolean).join(' or ')}`
}

function describeAsJson(plan: Plan): unknown {
  const operator = ({ name, version, options }: { name: string; version: number; options: unknown }) => ({
    name,
    version,
    options,
  })
  return {
    pipeline: plan.name,
    source: { name: plan.source.name, options: plan.source.options },
    annotate: plan.steps.map(step =>
      'gate' in step ? { gate: step.gate } : { ...operator(step.annotator), rules: step.annotator.rules },
    ),
    rules: plan.rules,
    deciders: plan.deciders.map(operator),
    tokenizer: plan.tokenizer && operator(plan.tokenizer),
    feed: plan.feed,
    columns: plan.fields.map(field => ({ ...field, fingerprint: plan.fingerprints.get(field.name) })),
    fingerprints: { annotate: plan.annotateFingerprint, decide: plan.decideFingerprint, shard: plan.shardFingerprint },
  }
}
