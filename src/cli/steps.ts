import { HeadraceError } from '../errors.ts'

/** The steps that `--steps` names, as `0:1000`; `to` is the one to end before, or null. */
export function readSteps(text: string, command: string): { from: number; to: number | null } {
  const found = /^(\d{0,15}):(\d{0,15})$/.exec(text)
  if (found) return { from: Number(found[1]), to: found[2] === '' ? null : Number(found[2]) }
  throw new HeadraceError(
    'bad-option',
    `--steps is '${text}'; it takes two steps, as 0:1000, and the second is left out. See: headrace ${command} --help`,
  )
}
