import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { assumed, measured, sizingTable } from '../deploy/sizing.ts'
import { parseCommand } from '../src/cli/command.ts'
import { brokersVariable } from '../src/cli/known-brokers.ts'
import { loadPlan, referTo } from '../src/cli/load-plan.ts'
import { loadCommands } from '../src/cli/main.ts'
import { runCommand } from '../src/cli/run.ts'
import { type ErrorCode, HeadraceError } from '../src/errors.ts'
import { parseKafkaOptions, parseProperties, variableOf } from '../src/kafka/options.ts'
import { limits } from '../src/limits.ts'
import { createNames } from '../src/log/kafka/names.ts'
import { entryBytesMax } from '../src/log/kafka/topics.ts'
import { topics } from '../src/record/layout.ts'
import { RunCounts } from '../src/watch/counts.ts'
import { metricsOf } from '../src/watch/metrics.ts'

// What deploy/ says about the program, held against the program. That schemas of Kubernetes, Compose and systemd take the files is not seen
// here: their tools are no part of npm.
const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const files = globSync('deploy/**/*', { cwd: root, withFileTypes: true })
  .filter(entry => entry.isFile())
  .map(entry => join(entry.parentPath, entry.name).slice(root.length + 1))
  .sort()
const texts = Object.fromEntries(files.map(path => [path, read(path)]))
const manifests = files.filter(path => path.endsWith('.yaml'))
const allText = Object.values(texts).join('\n')
const [dockerfile, compose, unit, readme] = ['Dockerfile', 'compose.yaml', 'headrace.service', 'README.md'].map(
  name => texts[`deploy/${name}`],
)
const kubernetes = (name: string) => texts[`deploy/kubernetes/${name}.yaml`]
const found = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(match => match[1])
const packageJson = JSON.parse(read('package.json'))

/** Of base/kustomization.yaml: what all processes are told. */
const told = Object.fromEntries(
  found(kubernetes('base/kustomization'), /^ {6}- ([A-Z]+=.+)$/gm).map(pair => pair.split('=')),
)
const tell = (text: string) =>
  text.replace(/\$\((\w+)\)/g, (_, name) => told[name] ?? assert.fail(`nobody says ${name}`))

/** The arguments in a list of YAML that begins with `- run`. */
function argumentsOf(text: string): string[] {
  const [, list] = /^ *- run\n((?: +- .+\n)+)/m.exec(text) ?? assert.fail('no arguments')
  return found(list, /^ +- (.+)$/gm).map(tell)
}

/** The arguments of the unit's start, with the example of OPTIONS. */
function argumentsOfUnit(): string[] {
  const [start] = found(unit, /^ExecStart=\S+ run (.+)$/gm)
  const [options] = found(unit, /^# +OPTIONS=(.+?) {2,}/gm)
  return start.replace('$OPTIONS', options).split(' ')
}

const starts: readonly (readonly [string, readonly string[]])[] = [
  ['compose.yaml', argumentsOf(compose)],
  ['workers.yaml', argumentsOf(kubernetes('base/workers'))],
  ['ordered.yaml', argumentsOf(kubernetes('base/ordered'))],
  ['headrace.service', argumentsOfUnit()],
]

for (const [name, argv] of starts)
  test(`${name}: the command line is one that run takes`, () => {
    const args = parseCommand(runCommand, argv)
    assert.match(args.text('http')!, /^(?:0\.0\.0\.0:)?9464$/)
    assert.equal(args.text('log-format'), 'json')
    if (args.text('log')) parseKafkaOptions(args.text('log')!)
    args.count('partitions', 1, 1, 1024)
    args.count('workers', 1, 1, 512)
  })

test('a command line that run does not take is seen', () => {
  const wrong = compose.replace('- --spread', '- --spred')
  assert.throws(() => parseCommand(runCommand, argumentsOf(wrong)), /unknown option '--spred'/)
  assert.throws(() => argumentsOf(kubernetes('base/workers').replace('$(RUN)', '$(NAME)')), /nobody says NAME/)
})

test('all stages have a process, and workers need no folder', () => {
  const [workers, ordered] = [1, 2].map(i => parseCommand(runCommand, starts[i][1]))
  assert.equal(`${workers.text('stages')},${ordered.text('stages')}`, 'annotate,load,decide,shard')
  assert.equal(workers.text('run'), ordered.text('run'))
  assert.match(workers.text('dir')!, /^\/tmp\//)
  assert.doesNotMatch(kubernetes('base/workers'), /persistentVolumeClaim/)
})

const commands = await loadCommands()

test('command lines of the README are ones that their commands take', () => {
  const lines = [...readme.matchAll(/^ {4}docker .* (?:headrace|first) ([a-z]+) (.+)$/gm)]
  assert.equal(lines.length, 2)
  for (const [, name, argv] of lines) parseCommand(commands.find(command => command.name === name)!, argv.split(' '))
})

test('options that the README names are options of the command', () => {
  const known = new Set(commands.flatMap(({ options }) => Object.keys(options)))
  const named = found(readme, /`--([a-z-]+)`/g)
  assert.ok(named.length > 1)
  assert.deepEqual(
    named.filter(name => !known.has(name)),
    [],
  )
})

const isKnown = (option: string) => {
  try {
    parseKafkaOptions('kafka://a', { [option]: '' })
  } catch (error) {
    return !/is no option/.test((error as Error).message)
  }
  return true
}

test('variables of the environment and client properties are those that the client reads', () => {
  const named = new Set(found(allText, /\b(HEADRACE_[A-Z_]+)/g))
  assert.ok(named.delete(brokersVariable), 'commands beside the run know its brokers')
  const options = [...named].map(name => name.replace('HEADRACE_KAFKA_', '').toLowerCase().replaceAll('_', '.'))
  assert.deepEqual(options.map(variableOf), [...named])
  const example = Object.keys(parseProperties(texts['deploy/kubernetes/kafka.properties.example']))
  assert.deepEqual(
    [...options, ...example].filter(option => !isKnown(option)),
    [],
  )
  assert.ok(example.length > 3 && !isKnown('sasl.pasword'))
})

test('metrics and paths that are named exist', () => {
  const known = new Set(metricsOf(new RunCounts(), {}).map(({ name }) => name))
  for (const name of found(allText, /\b(headrace_[a-z_]+)/g)) assert.ok(known.has(name), name)
  assert.deepEqual(new Set(found(allText, /path: (\/\S+)/g)), new Set(['/healthz', '/readyz']))
  assert.match(dockerfile, /127\.0\.0\.1:9464\/healthz/)
})

test('a port is the same everywhere', () => {
  const ports = found(
    dockerfile + compose + kubernetes('base/workers') + kubernetes('base/ordered'),
    /(?:EXPOSE |containerPort: |--http=0\.0\.0\.0:|127\.0\.0\.1:\d+:)(\d+)/g,
  )
  assert.equal(ports.length, 8)
  assert.deepEqual([...new Set(ports)], ['9464'])
})

test('systemd starts nothing again that a start can not mend', () => {
  const codes: Record<ErrorCode, true> = {
    ...{ 'bad-option': true, 'bad-pipeline': true, 'not-found': true, corrupt: true, locked: true, disk: true },
    ...{ 'source-changed': true, trimmed: true, fenced: true, limit: true, 'lost-row': true, 'guard-rail': true },
  }
  const errors = Object.keys(codes).map(code => new HeadraceError(code as ErrorCode, ''))
  const final = new Set(errors.filter(({ retry }) => !retry).map(({ exit }) => exit))
  const [prevented] = found(unit, /^RestartPreventExitStatus=(.+)$/gm)
  assert.deepEqual(
    prevented.split(' ').map(Number),
    [...final].sort((a, b) => a - b),
  )
  assert.ok(readme.includes(`(${prevented.replaceAll(' ', ', ')})`))
  assert.match(unit, /^SuccessExitStatus=130$/m)
})

test('who is stopped has the time that a slot may take, and a minute for its commit', () => {
  const seconds = [
    ...found(unit, /^TimeoutStopSec=(\d+)$/gm),
    ...found(allText, /terminationGracePeriodSeconds: (\d+)/g),
    ...found(compose, /stop_grace_period: (\d+)m/g).map(minutes => String(60 * Number(minutes))),
    ...found(readme, /docker stop --time (\d+)/g),
  ]
  assert.equal(seconds.length, 5)
  for (const given of seconds) assert.ok(Number(given) >= limits.slotSecondsMax + 60, given)
})

test('versions are those of package.json', () => {
  const { version, peerDependencies, devDependencies } = packageJson
  const client = peerDependencies['@platformatic/kafka']
  assert.deepEqual(new Set(found(dockerfile + readme, /@platformatic\/kafka@([\d.]+)/g)), new Set([client]))
  assert.deepEqual(new Set(found(dockerfile, /^FROM (\S+)/gm)), new Set([`node:${devDependencies.node}-bookworm-slim`]))
  assert.deepEqual(found(kubernetes('base/kustomization'), /newTag: (\S+)/g), [version])
})

test('the builder is given what the package is made of', () => {
  const given = new Set(found(texts['deploy/Dockerfile.dockerignore'], /^!([\w.-]+)/gm))
  const needed = packageJson.files.filter((path: string) => path !== 'dist').map((path: string) => path.split('/')[0])
  for (const path of [...needed, 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'])
    assert.ok(given.has(path), path)
  for (const path of given) assert.ok(existsSync(join(root, path)), path)
})

test('no process is root, and all are the same user', () => {
  const user = /^USER (\d+):\1$/m.exec(dockerfile)?.[1]
  const users = found(compose + allText, /(?:runAsUser|runAsGroup|fsGroup|--owner|--group)[:=] ?(\d+)/g)
  assert.deepEqual(new Set(users), new Set([user]))
  assert.equal(found(compose, /user: "(\d+):\d+"/g)[0], user)
  for (const name of ['base/workers', 'base/ordered'])
    for (const rule of ['runAsNonRoot: true', 'readOnlyRootFilesystem: true', 'drop: [ALL]', 'type: RuntimeDefault'])
      assert.ok(kubernetes(name).includes(rule), `${name}: ${rule}`)
})

test('autoscalers name what Headrace commits, and stay within partitions and lead', () => {
  const names = createNames('', told.RUN)
  const keda = kubernetes('keda/scaled-object')
  assert.deepEqual(found(keda, /consumerGroup: (\S+)/g), [names.group('annotate')])
  assert.deepEqual(found(keda, /topic: (\S+)/g), [names.topic(topics.raw)])
  assert.deepEqual(found(keda, /bootstrapServers: (\S+)/g), [told.BROKERS])
  const most = found(keda + kubernetes('hpa/autoscaler'), /max(?:Replica|Replicas|ReplicaCount): (\d+)/g)
  assert.deepEqual(most, [told.PARTITIONS, told.PARTITIONS])
  assert.deepEqual(found(keda, /activationLagThreshold: "(\d+)"/g), [told.PARTITIONS])
  assert.ok(Number(found(keda, / lagThreshold: "(\d+)"/g)[0]) * Number(told.PARTITIONS) <= limits.stageLeadSlotsMax)
})

test('the broker of compose.yaml has what a start checks, and a session that its rules allow', () => {
  const settings = Object.fromEntries(
    [...compose.matchAll(/^ {6}KAFKA_(\w+): "?([^"\n]+)"?$/gm)].map(([, name, value]) => [name, Number(value)]),
  )
  const { transactionTimeoutMs } = parseKafkaOptions('kafka://a')
  assert.ok(settings.SOCKET_REQUEST_MAX_BYTES >= entryBytesMax + 1024 * 1024)
  assert.ok(settings.TRANSACTION_MAX_TIMEOUT_MS >= transactionTimeoutMs)
  for (const name of ['SESSION_TIMEOUT', 'HEARTBEAT_INTERVAL'])
    assert.ok(settings[`GROUP_CONSUMER_MIN_${name}_MS`] <= settings[`GROUP_CONSUMER_${name}_MS`], name)
  assert.ok(settings.GROUP_CONSUMER_HEARTBEAT_INTERVAL_MS * 3 <= settings.GROUP_CONSUMER_SESSION_TIMEOUT_MS)
  const copies = Object.entries(settings).filter(([name]) => name.endsWith('REPLICATION_FACTOR'))
  assert.equal(copies.length, 4)
  for (const [name, value] of copies) assert.equal(value, 1, name)
})

test('the pipeline of the ConfigMap is one, and reads from the brokers that the processes use', async () => {
  const path = 'deploy/kubernetes/base/pipeline.ts'
  const plan = await loadPlan(referTo(join(root, path)))
  assert.equal(plan.source.name, 'kafka')
  assert.ok(texts[path].includes(`'kafka://${told.BROKERS}'`))
})

test('what kustomizations, mounts and links name is there', () => {
  for (const path of manifests.filter(name => name.endsWith('kustomization.yaml')))
    for (const name of found(texts[path], /^ +- (\S+\.(?:yaml|ts)|\.\.\/\w+)$/gm))
      assert.ok(existsSync(join(root, path, '..', name)), `${path}: ${name}`)
  for (const name of ['base/workers', 'base/ordered']) {
    const [mounts, volumes] = kubernetes(name).split(/^ {6}volumes:$/m)
    const made = new Set(
      found(volumes, /- name: (\w+)|^ {6}- metadata:\n {8}name: (\w+)/gm).concat(
        found(volumes, /metadata:\n +name: (\w+)/g),
      ),
    )
    for (const mount of found(mounts, /- name: (\w+)\n +mountPath/g)) assert.ok(made.has(mount), `${name}: ${mount}`)
  }
  for (const link of found(readme, /\]\(([^)]+)\)/g)) assert.ok(existsSync(join(root, 'deploy', link)), link)
})

test('manifests are plain YAML: even indentation, no tab, a kind each', () => {
  for (const path of manifests) {
    const lines = texts[path].split('\n').filter(line => !/^\s*#/.test(line))
    for (const line of lines) assert.match(line, /^(?: {2})*(?:\S.*)?$/, `${path}: ${line}`)
    if (path === 'deploy/compose.yaml') continue
    for (const part of texts[path].split(/^---$/m)) assert.match(part, /^apiVersion: \S+\nkind: \w+$/m, path)
  }
})

test('the sizing table is what its script prints, from figures that are documented', () => {
  const [, table] = /<!-- sizing -->\n\n([\s\S]*?)\n<!-- \/sizing -->/.exec(readme) ?? []
  assert.equal(table, sizingTable())
  const documented = read('src/README.md')
  const { chain, tokens, tables, corpus } = measured
  for (const figure of [
    `${chain.mbPerSecond} on one`,
    `${tokens.mbPerSecond} to 44`,
    `${tables.bytesPerKept} bytes a kept`,
  ])
    assert.ok(documented.includes(figure), figure)
  assert.ok(documented.includes(corpus.documents.toLocaleString('en')))
  assert.equal(assumed.tableBytesMax, limits.stateBytesMax)
})
