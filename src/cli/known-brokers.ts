import { mkdir, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import process from 'node:process'
import { isListOf, isObjectOf, isOneOf, isText, readJson, type Shape } from '../disk/json-file.ts'
import { HeadraceError } from '../errors.ts'
import type { LogPlace } from '../log/place.ts'
import type { ParsedArgs } from './command.ts'
import { cleanPath } from './wrap.ts'

// A folder of a run names the brokers of its log and a file of properties. A folder that somebody has sent may name any: connecting to them
// would hand passwords of the environment to a stranger's host. So only places are used that this user has named: on the command line now or
// before, which is remembered in the user's own folder of state, as ssh does with hosts; or in the environment.

type Known = LogPlace & { readonly log: string }
type Environment = Readonly<Record<string, string | undefined>>

/** The brokers that the user trusts, where no folder remembers them: as `--log` has it. */
export const brokersVariable = 'HEADRACE_BROKERS'

/** Places that are remembered: the newest. */
const knownMax = 1000

const isPlace: Shape = value => isObjectOf({ log: isText })(value) && isObjectOf({ logConfig: isText })(value)
const isKnownFile = isListOf(value => isPlace(value) || isObjectOf({ log: isText, logConfig: isOneOf(null) })(value))

/**
 * Where the log of a run is read from: as the command line says, else as the run's own file does, where that names nothing that this user has
 * not named. Throws 'bad-option' where it does.
 */
export async function choosePlace(
  dir: string,
  recorded: LogPlace,
  args: Pick<ParsedArgs, 'text'>,
  env: Environment = process.env,
): Promise<LogPlace> {
  const given = args.text('log')
  if (recorded.log === null) {
    if (given === undefined) return recorded
    throw new HeadraceError(
      'bad-option',
      `the log of the run in ${dir} is in that folder and can't become ${given}: leave --log out, or begin another run with --run NAME`,
    )
  }
  const place = { log: given ?? recorded.log, logConfig: args.text('log-config') ?? recorded.logConfig }
  const isConfigGiven = args.text('log-config') !== undefined || recorded.logConfig === null
  if (given !== undefined && isConfigGiven) await rememberPlace(place, env)
  else if (!(await isKnown(place, env))) throw refuseUnknown(dir, place)
  return place
}

/** Remembers a place that the user has named. Where that can't be written, it must be named each time. */
export async function rememberPlace(place: Known, env: Environment = process.env): Promise<void> {
  // Whoever connects refuses what is no address, which may hold a password.
  if (!/^kafka:\/\/[^/?#@]+\/?$/.test(place.log)) return
  const file = knownFile(env)
  try {
    const known = await readKnown(file)
    const own = normalizePlace(place)
    if (known.some(one => isSame(one, own))) return
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    const aside = `${file}.${process.pid}`
    await writeFile(aside, `${JSON.stringify([...known, own].slice(-knownMax), null, 2)}\n`, { mode: 0o600 })
    await rename(aside, file)
  } catch {
    // A folder that is read-only or gone keeps nobody from working: the next command asks again.
  }
}

async function isKnown(place: Known, env: Environment): Promise<boolean> {
  if (place.logConfig === null && place.log === env[brokersVariable]) return true
  const known = await readKnown(knownFile(env))
  const own = normalizePlace(place)
  return known.some(one => isSame(one, own) || (own.logConfig === null && one.log === own.log))
}

/** A file that is damaged is as one that is not there: the user is asked again. */
async function readKnown(file: string): Promise<readonly Known[]> {
  return (await readJson<readonly Known[]>(file, isKnownFile, '').catch(() => null)) ?? []
}

/** A path in it is of the folder that the command runs in. */
function normalizePlace({ log, logConfig }: Known): Known {
  return { log, logConfig: logConfig === null ? null : resolve(logConfig) }
}

const isSame = (a: Known, b: Known) => a.log === b.log && a.logConfig === b.logConfig

function knownFile(env: Environment): string {
  return join(env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'headrace', 'known-brokers.json')
}

function refuseUnknown(dir: string, { log, logConfig }: Known): HeadraceError {
  const config = logConfig === null ? '' : ` --log-config ${quoteWord(logConfig)}`
  const options = `--log ${quoteWord(log)}${config}`
  return new HeadraceError(
    'bad-option',
    `the run in ${dir} has its log at ${options}, which you have not named before: a folder from somebody else may name any host and file. If you trust them, say so once with these options`,
  )
}

/** A word that a shell takes as it is. */
function quoteWord(text: string): string {
  const word = cleanPath(text)
  return /^[\w.,:/@+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
