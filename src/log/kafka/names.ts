import { assert, HeadraceError } from '../../errors.ts'

/** Kafka's bound on a topic's name. */
const nameCharsMax = 249

/** How a run's things are called on the brokers: all of them begin with `<prefix><run>`, so that one rule of access covers them. */
export interface Names {
  /** `<prefix><run>.<stage>.<topic>`. As stages and topics have no dot, no two runs share a name. */
  topic(topic: string): string
  /** The topic with a stage's positions. */
  positions(stage: string): string
  /** What fences owners: `<prefix><run>/<stage>`, or `<prefix><run>/<stage>/<partition>` for a partition of a spread stage. */
  transaction(scope: Scope): string
  /** The consumer group under which Kafka's own tools show a stage's progress. */
  group(stage: string): string
  /** The consumer group whose members share out the run's work. */
  readonly members: string
}

/** What one owner has: a stage, or of a spread stage one partition. */
export interface Scope {
  readonly stage: string
  readonly partition?: number | undefined
}

/** As messages name it. */
export const nameScope = ({ stage, partition }: Scope): string =>
  partition === undefined ? stage : `${stage}/${partition}`

/** `bad-option` for names that Kafka does not take. */
export function createNames(prefix: string, run: string): Names {
  const start = `${prefix}${run}`
  checkName(start)
  return Object.freeze({
    topic: (topic: string) => {
      assert(/^[a-zA-Z0-9-]+\.[a-zA-Z0-9-]+$/.test(topic), `a topic is <stage>.<topic>, not '${topic}'`)
      return checkName(`${start}.${topic}`)
    },
    positions: (stage: string) => checkName(`${start}.${stage}.positions`),
    transaction: (scope: Scope) => `${start}/${nameScope(scope)}`,
    group: (stage: string) => {
      assert(stage !== 'members', "a stage can't be called 'members': the group of a run's members is")
      return `${start}.${stage}`
    },
    members: `${start}.members`,
  })
}

/**
 * Kafka's metrics take '.' for '_', so a broker refuses a topic that differs from another in that alone.
 * Returns such a pair, or null.
 */
export function findCollision(names: readonly string[], existing: readonly string[]): readonly [string, string] | null {
  const known = new Map(existing.map(name => [name.replaceAll('.', '_'), name]))
  for (const name of names) {
    const other = known.get(name.replaceAll('.', '_'))
    if (other !== undefined && other !== name) return [name, other]
  }
  return null
}

function checkName(name: string): string {
  if (/^[a-zA-Z0-9._-]+$/.test(name) && name.length <= nameCharsMax) return name
  throw new HeadraceError(
    'bad-option',
    `'${name}' is no name for a topic of Kafka: letters, digits, '.', '_' and '-', at most ${nameCharsMax}; choose another run name or topic.prefix`,
  )
}
