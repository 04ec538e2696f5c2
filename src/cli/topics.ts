import { HeadraceError } from '../errors.ts'
import type { TopicPlan } from '../log/kafka/kafka-log.ts'
import { type StoredText, storedTexts } from '../pipeline/pipeline.ts'
import { hasTextTopic, topicShapes } from '../record/layout.ts'
import { openKafka } from '../record/open-log.ts'
import type { Command } from './command.ts'
import { formatPlural, formatTable } from './table.ts'

export const topicsCommand: Command = {
  name: 'topics',
  summary: "Creates a run's topics on Kafka, or with --plan shows what would be created.",
  details:
    'headrace run does the same by itself. A topic that exists with other settings is refused with what differs: nothing is changed.',
  options: {
    log: { value: 'URL', help: 'the brokers: kafka://HOST:PORT[,HOST:PORT]' },
    'log-config': { value: 'FILE', help: "client properties for them, as Kafka's own tools take them (sasl.*, ssl.*)" },
    run: { value: 'RUN', help: 'name of the run' },
    partitions: { value: 'N', help: 'partitions of each topic of slots (default 1)' },
    spread: { help: 'for a run that several processes share' },
    store: { value: 'TEXT', help: "what the pipeline's store({ text }) says (default all)" },
    plan: { help: 'creates nothing' },
    json: { help: 'prints the topics as JSON' },
  },
  run: async (args, terminal) => {
    const [log, run] = ['log', 'run'].map(name => args.text(name))
    if (!log || !run)
      throw new HeadraceError('bad-option', `--${log ? 'run' : 'log'} is missing. See: headrace topics --help`)
    const spread = args.flag('spread')
    const storedText = readStore(args.text('store') ?? 'all')
    const textTopic = hasTextTopic({ log, storedText })
    const shapes = topicShapes({ partitions: args.count('partitions', 1, 1, 1024), lanes: 1, spread, textTopic })
    await using kafka = await openKafka(run, { log, logConfig: args.text('log-config') ?? null, spread })
    const isPlan = args.flag('plan')
    const topics = isPlan ? await kafka.planTopics(shapes) : await kafka.ensureTopics(shapes)
    if (args.flag('json')) terminal.out.write(`${JSON.stringify(topics)}\n`)
    else terminal.out.write(describeTopics(topics, isPlan))
    const risk = await kafka.findRisk(shapes)
    if (risk) terminal.err.write(`headrace topics: ${risk}\n`)
    return topics.some(({ action }) => action === 'refuse') ? 64 : 0
  },
}

function readStore(given: string): StoredText {
  const storedText = storedTexts.find(name => name === given)
  if (storedText) return storedText
  throw new HeadraceError('bad-option', `--store is one of ${storedTexts.join(', ')}, not '${given}'`)
}

function describeTopics(topics: readonly TopicPlan[], isPlan: boolean): string {
  const copies = (factor: number) => (factor < 0 ? 'default' : String(factor))
  const actions = { create: isPlan ? 'to be created' : 'created', keep: 'is there', refuse: 'refused' }
  const rows = topics.map(({ name, partitions, replicationFactor, settings, action }) => {
    const policy = settings['cleanup.policy'] ?? ''
    return [name, String(partitions), copies(replicationFactor), policy, actions[action]]
  })
  const head = ['topic', 'partitions', 'copies', 'policy', '']
  const differences = topics.flatMap(topic =>
    topic.differences.map(({ setting, is, wanted }) => `${topic.name}: ${setting} is ${is} and should be ${wanted}\n`),
  )
  const { settings } = topics[0]
  const common = `Data is kept until it is trimmed (retention.ms ${settings['retention.ms']}); an entry has at most ${settings['max.message.bytes']} bytes.\n`
  const created = topics.filter(({ action }) => action === 'create').length
  const end = `${formatPlural(created, 'topic')} ${isPlan ? 'to be created' : 'created'}.\n`
  return `${formatTable([head, ...rows], [0, 3, 4])}\n${differences.join('')}${common}${end}`
}
