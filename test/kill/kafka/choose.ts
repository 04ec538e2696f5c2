/** Disturbances, how often each is chosen among them, and how the table calls it. */
export const kinds = {
  client: { weight: 6, name: 'client killed' },
  tables: { weight: 2, name: 'client killed, tables deleted' },
  broker: { weight: 4, name: 'broker killed' },
  both: { weight: 2, name: 'broker and client killed' },
  stop: { weight: 1, name: 'broker stopped and started' },
  zombie: { weight: 1.5, name: 'client stopped, replaced, and continued' },
  cut: { weight: 2, name: 'connections cut' },
  slow: { weight: 1, name: 'connections slow' },
  hole: { weight: 1, name: 'answers swallowed' },
  end: { weight: 1, name: 'answers to the end of a transaction swallowed' },
} as const
export type Kind = keyof typeof kinds

/** Kafka aborts a transaction after so long, so that a client that stands still longer has lost it. */
export const transactionTimeoutMs = 4000
/** And no answer in so long is none, so that some of the swallowed ones are given up, and some come on another connection. */
export const requestTimeoutMs = 3000
/** As start-kafka.sh sets it: the members of a spread run share out anew what one had that stands still longer. */
const sessionTimeoutMs = 6000

export interface Disturbance {
  readonly kind: Kind
  /** After the one before, or the start. */
  readonly afterMs: number
  /** How long a broker is away, a client stands still, or connections are bad. */
  readonly forMs: number
  /** Of what passes, where it is slow. */
  readonly delayMs: number
  /** Which process and which broker: any number, of which the remainder counts. */
  readonly process: number
  readonly node: number
}

/** The next disturbance; the same for the same random numbers. */
export function chooseDisturbance(random: () => number): Disturbance {
  const between = (from: number, to: number) => Math.round(from + random() * (to - from))
  const kind = chooseKind(random())
  const long = {
    zombie: [Math.max(transactionTimeoutMs, sessionTimeoutMs) + 500, 10_000],
    cut: [0, 1500],
    slow: [1000, 4000],
    hole: [500, 6000],
  }
  const [from, to] = kind in long ? long[kind as keyof typeof long] : [0, 4000]
  return {
    kind,
    // A process loads modules for half a second; a kill before that meets nothing of ours.
    afterMs: between(400, 3500),
    forMs: between(from, to),
    delayMs: between(20, 250),
    process: between(0, 1e6),
    node: between(0, 1e6),
  }
}

function chooseKind(at: number): Kind {
  const all = Object.entries(kinds) as [Kind, { weight: number }][]
  let left = at * all.reduce((sum, [, { weight }]) => sum + weight, 0)
  return all.find(([, { weight }]) => (left -= weight) < 0)?.[0] ?? 'client'
}
