import { hash, timingSafeEqual } from 'node:crypto'
import { readText } from '../disk/files.ts'
import { HeadraceError } from '../errors.ts'

/** Characters of a token: fewer can be tried out, and more don't fit a request beside its path. */
const [lengthMin, lengthMax] = [16, 1024]

/** The token in a file, as `Authorization: Bearer` has it (RFC 6750). What stands around it as white space is not its own. */
export async function readToken(path: string): Promise<string> {
  const text = await readText(path)
  if (text === null) throw new HeadraceError('not-found', `there is no file ${path}`)
  const token = text.trim()
  const refuse = (what: string) =>
    new HeadraceError('bad-option', `--token-file ${path} ${what}: make one by openssl rand -hex 32`)
  if (token.length < lengthMin) throw refuse(`has ${token.length} characters; a token has ${lengthMin} or more`)
  if (token.length > lengthMax) throw refuse(`has ${token.length} characters; a token has ${lengthMax} at most`)
  if (!/^[A-Za-z0-9._~+/-]+=*$/.test(token)) throw refuse('has signs that no token has, or several lines')
  return token
}

/** Whether a request has the token. It takes as long for each that has not: what is compared are hashes. */
export function hasToken(authorization: string | undefined, token: string): boolean {
  const [, given = ''] = /^Bearer +([^ ]+) *$/i.exec(authorization ?? '') ?? []
  const [a, b] = [given, token].map(text => hash('sha256', text, 'buffer'))
  return timingSafeEqual(a, b)
}
