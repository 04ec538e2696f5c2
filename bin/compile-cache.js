import { lstatSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/**
 * The folder in which compiled code is kept, or null where none can be had. What lies there runs as this user, so it is one that this user
 * owns and nobody else can write: the shared temporary folder, Node's own choice, is everybody's to fill.
 */
export function chooseCacheFolder(env = process.env, home = homedir) {
  try {
    const folder = join(findBase(env, home), 'headrace', 'compiled')
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return isOwn(lstatSync(folder)) ? folder : null
  } catch {
    // No home, or none that can be written: a command starts more slowly.
    return null
  }
}

/** As the XDG Base Directory Specification 0.8 has it, which leaves out paths that are not absolute; on Windows the user's profile. */
function findBase({ XDG_CACHE_HOME: chosen = '', LOCALAPPDATA: profile = '' }, home) {
  if (isAbsolute(chosen)) return chosen
  return process.platform === 'win32' && isAbsolute(profile) ? profile : join(home(), '.cache')
}

function isOwn(stats) {
  if (!stats.isDirectory()) return false
  return process.getuid === undefined || (stats.uid === process.getuid() && (stats.mode & 0o022) === 0)
}
