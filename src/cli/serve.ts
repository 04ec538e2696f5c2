import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readText } from '../disk/files.ts'
import { HeadraceError } from '../errors.ts'
import { readHead } from '../feed/files/head.ts'
import { ReportFiles } from '../feed/files/report-files.ts'
import { limits } from '../limits.ts'
import { countRequests, type ServeCounts } from '../serve/counts.ts'
import { isOwnName } from '../serve/host.ts'
import { placesOf } from '../serve/places.ts'
import { type FeedServer, type FeedServerOptions, serveFeed } from '../serve/serve-feed.ts'
import { readToken } from '../serve/token.ts'
import { type Command, type ParsedArgs, runOptions, type Terminal } from './command.ts'
import { locateFeed } from './find-feed.ts'
import { showParts } from './show-progress.ts'
import { stopOnSignal } from './stop-signal.ts'
import { formatBytes, formatCount, formatPlural, formatSeconds, formatShort } from './table.ts'
import { cleanName, cleanPath, formatPairs, pageWidth } from './wrap.ts'

const portDefault = 8470

export const serveCommand: Command = {
  name: 'serve',
  usage: '[FEED]',
  summary:
    'Serves a feed and its shards over HTTP, with ranges, for trainers on other machines; read-only unless told otherwise.',
  details: `FEED is a feed's folder, or a run's name or folder (default: the run of --dir and --run); forks of a run's own feed are served with it. Trainers name the URL that it prints. Nothing else of the run is served, and nothing is written but, with --reports, what trainers report to FEED, below its trainers/. The first SIGINT or SIGTERM ends what is being answered, within ${limits.serveDrainSecondsMax} seconds, and exits with 0; the second stops at once. Any server of static files that knows ranges does as well.`,
  outlivesReader: true,
  options: {
    ...runOptions,
    host: { value: 'HOST', help: 'name or address to listen on (default 127.0.0.1, which this machine alone reaches)' },
    port: { value: 'N', help: `port to listen on; 0 takes a free one (default ${portDefault})` },
    'token-file': {
      value: 'FILE',
      help: 'a file with the token that each request must bear, as Authorization: Bearer TOKEN',
    },
    'no-token': { help: 'lets a HOST that other machines reach be served to whoever asks' },
    'tls-cert': { value: 'FILE', help: 'certificate with its chain, in PEM: serves https' },
    'tls-key': { value: 'FILE', help: 'its key, in PEM' },
    reports: { help: 'takes what trainers report (headrace.Reports of the Python package); one server a feed' },
    connections: {
      value: 'N',
      help: `connections at once; more are told to come again (default ${limits.serveConnectionsMax})`,
    },
    json: { help: 'prints a line of JSON when it listens and one at the end; the rest goes to standard error' },
  },
  run: async (args, terminal) => {
    const options = await optionsOf(args)
    const feed = await locateFeed(args)
    const served = await describeFeed(feed)
    const out = args.flag('json') ? terminal.err : terminal.out
    let [server, reports]: [FeedServer | null, ReportFiles | null] = [null, null]
    const started = performance.now()
    const display = showCounts(() => server?.counts ?? null, out, terminal.err)
    const told = 'headrace: finishing what is being answered; once more stops at once'
    const stopping = stopOnSignal(() => display.note(told), { atOnce: () => display.stop() })
    try {
      const note = tellOnce(text => display.note(`headrace: ${text}`))
      if (args.flag('reports')) reports = await ReportFiles.open(feed, note)
      const places = placesOf(feed, served.shards)
      server = await serveFeed({ ...options, places, ...(reports && { reports }), note })
      const { url } = server
      for (const text of warningsOf(options, reports !== null)) note(text)
      if (args.flag('json')) terminal.out.write(`${JSON.stringify({ url, feed: served.feed, steps: served.steps })}\n`)
      else terminal.out.write(`serving ${cleanPath(feed)}, ${served.text}, at ${url}\n`)
      await stopping.stopped
      const isWhole = await server.stop()
      display.stop()
      const seconds = (performance.now() - started) / 1000
      if (args.flag('json')) terminal.out.write(`${JSON.stringify({ url, ...server.counts, seconds })}\n`)
      else terminal.out.write(formatPairs(rowsOf(server.counts, seconds), pageWidth(terminal), 0))
      return isWhole ? 0 : 130
    } finally {
      stopping.end()
      display.stop()
      await server?.[Symbol.asyncDispose]()
      await reports?.[Symbol.asyncDispose]()
    }
  },
}

type Options = Omit<FeedServerOptions, 'places' | 'note' | 'reports'>

async function optionsOf(args: ParsedArgs): Promise<Options> {
  const host = args.text('host') ?? '127.0.0.1'
  const tokenFile = args.text('token-file')
  if (tokenFile !== undefined && args.flag('no-token'))
    throw refuse('--token-file and --no-token are given: leave one out')
  if (tokenFile === undefined && !args.flag('no-token') && !isOwnName(host))
    throw refuse(
      `--host is '${cleanName(host)}', which other machines reach: give --token-file FILE, or --no-token to serve whoever asks`,
    )
  return {
    host,
    port: args.count('port', portDefault, 0, 65_535),
    token: tokenFile === undefined ? null : await readToken(tokenFile),
    tls: await tlsOf(args),
    connectionsMax: args.count('connections', limits.serveConnectionsMax, 1, 65_535),
  }
}

async function tlsOf(args: ParsedArgs): Promise<Options['tls']> {
  const [cert, key] = ['tls-cert', 'tls-key'].map(name => args.text(name))
  if (cert === undefined && key === undefined) return null
  if (cert === undefined || key === undefined) throw refuse('--tls-cert and --tls-key go together, and one is missing')
  return { cert: await readNeeded(cert), key: await readNeeded(key) }
}

async function readNeeded(path: string): Promise<string> {
  const text = await readText(path)
  if (text === null) throw new HeadraceError('not-found', `there is no file ${path}`)
  return text
}

function refuse(what: string): HeadraceError {
  return new HeadraceError('bad-option', `${what}. See: headrace serve --help`)
}

/** What is served. A run that has no step yet has no head either, and its shards lie where all runs have them. */
async function describeFeed(feed: string) {
  const head = await readHead(feed)
  if (head) {
    const text = `feed ${head.feed.slice(0, 12)}, ${formatPlural(head.steps, 'step')}${head.ended ? '' : ' so far'}`
    return { shards: head.shards, feed: head.feed, steps: head.steps, text }
  }
  if (existsSync(join(dirname(feed), 'run.json')))
    return { shards: '../shards', feed: null, steps: 0, text: 'no step yet' }
  throw new HeadraceError('not-found', `there is no feed in ${feed}, or no step of it yet`)
}

function warningsOf({ host, token, tls }: Options, takesReports: boolean): string[] {
  if (isOwnName(host)) return []
  const does = takesReports ? 'reads the feed and reports to it' : 'reads the feed'
  if (token === null) return [`whoever reaches this machine ${does}, as there is no token`]
  return tls
    ? []
    : ['the token and the feed travel in the clear: --tls-cert and --tls-key, or a proxy with TLS, keep them']
}

/** Notes that are told, each once: strangers may ask for the same as often as they like. */
function tellOnce(tell: (text: string) => void): (text: string) => void {
  const told = new Set<string>()
  return text => {
    if (told.has(text) || told.size === notesMax) return
    told.add(text)
    tell(cleanPath(text))
    if (told.size === notesMax) tell('and more of the kind, which are counted and not told')
  }
}
const notesMax = 100

/** One line that is redrawn on a terminal; in a pipe a line each minute in which something was asked. */
function showCounts(counts: () => Readonly<ServeCounts> | null, out: Terminal['out'], err: Terminal['err']) {
  if (out.isTTY) return showParts(() => partsOf(counts()), out, err)
  let told = 0
  const timer = setInterval(() => {
    const now = counts()
    const requests = now ? countRequests(now) : 0
    if (requests === told) return
    told = requests
    out.write(
      `${partsOf(now)
        .map(({ text }) => text)
        .join('  ')}\n`,
    )
  }, 60_000).unref()
  return { note: (text: string) => void err.write(`${text}\n`), stop: () => clearInterval(timer) }
}

function partsOf(counts: Readonly<ServeCounts> | null) {
  if (!counts) return [{ rank: 0, text: 'beginning' }]
  const { missing, unauthorized, refused, busy, failed, cut } = counts
  const parts: [number, number, string][] = [
    [countRequests(counts), 0, 'requests'],
    [missing, 4, 'not found'],
    [unauthorized, 3, 'without the token'],
    [refused + failed, 2, 'refused'],
    [busy, 2, 'told to come again'],
    [cut, 3, 'cut off'],
  ]
  const shown = parts.filter(([count], i) => i === 0 || count > 0)
  const texts = shown.map(([count, rank, what]) => ({ rank, text: `${formatShort(count)} ${what}` }))
  return [...texts, { rank: 1, text: formatBytes(counts.bytes) }]
}

function rowsOf(counts: Readonly<ServeCounts>, seconds: number): [string, string][] {
  const { files, ranges, unchanged, bytes, missing, outside, unauthorized, refused, busy, failed, cut, closed } = counts
  const { reports, reportLines } = counts
  const rows: [string, number, string?][] = [
    ['requests with reports', reports, `${formatPlural(reportLines, 'report')} in them that no request before had`],
    ['without the token', unauthorized],
    ['not found', missing, outside ? `${formatCount(outside)} by a link that leads elsewhere` : ''],
    ['refused', refused],
    ['told to come again', busy],
    ['not readable', failed],
    ['cut off', cut],
    ['connections closed', closed, 'for others, or as they asked nothing'],
  ]
  return [
    ['served', `${formatPlural(countRequests(counts), 'request')} in ${formatSeconds(seconds)}`],
    [
      'files',
      `${formatCount(files)}, ${formatCount(ranges)} of them a range; ${formatCount(unchanged)} had not changed`,
    ],
    ['bytes', formatBytes(bytes)],
    ...rows
      .filter(([, count]) => count > 0)
      .map(([name, count, more]): [string, string] => [name, `${formatCount(count)}${more ? `, ${more}` : ''}`]),
  ]
}
