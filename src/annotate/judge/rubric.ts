import { hash } from 'node:crypto'
import { canonicalJson } from '../../canonical-json.ts'
import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import { parseObject } from '../../sealed-json.ts'
import { cleanName } from '../../text/printable.ts'
import { readNeeded } from '../model-file.ts'

/** One thing that a judge says of a text: a whole number, both bounds included, or one of some labels. */
export type Dimension = { readonly name: string; readonly meaning: string } & (
  | { readonly from: number; readonly to: number }
  | { readonly labels: readonly string[] }
)

/** What a judge is told: how to judge, and what to say. */
export interface Rubric {
  readonly name: string
  readonly instructions: string
  readonly dimensions: readonly Dimension[]
}

/** A hash of all that a rubric says. Another word in it is another rubric. */
export const hashRubric = (rubric: Rubric): string => hash('sha256', canonicalJson(rubric))

/** A judge's labels have these beside the dimensions, and a column of the name is no answer. */
const ownNames = ['cut', 'unanswered', 'text', 'url', 'source', 'label', 'id', 'domain', 'language']
const [dimensionsMax, labelsMax, valuesMax] = [16, 64, 101]

/** Reads a rubric's file: JSON where it begins with `{`, else Markdown. Throws `not-found`, or `bad-option` with what is wrong. */
export function readRubric(path: string): Rubric {
  const { bytes } = readNeeded({ what: 'rubric', path, advice: 'docs/value.md shows how to write one' })
  return parseRubric(bytes.toString('utf8'), path)
}

/** `file` is for messages. */
export function parseRubric(text: string, file: string): Rubric {
  const refuse: Refuse = what =>
    new HeadraceError('bad-option', `rubric ${file}: ${what}; docs/value.md shows how to write one`)
  if (text.length > limits.rubricLengthMax)
    throw refuse(`has ${text.length} characters, and ${limits.rubricLengthMax} are the most`)
  return checkRubric(text.trimStart().startsWith('{') ? parseJson(text, refuse) : parseMarkdown(text, refuse), refuse)
}

type Refuse = (what: string) => HeadraceError

function parseJson(text: string, refuse: Refuse): Rubric {
  const object = parseObject(text)
  if (!object) throw refuse('is no JSON object')
  const { name, instructions, dimensions, ...others } = object
  refuseOthers(others, 'it', refuse)
  if (typeof name !== 'string' || typeof instructions !== 'string' || !Array.isArray(dimensions))
    throw refuse("needs 'name' and 'instructions', each text, and 'dimensions', a list")
  return { name, instructions, dimensions: dimensions.map((one: unknown) => dimensionOf(one, refuse)) }
}

function dimensionOf(value: unknown, refuse: Refuse): Dimension {
  if (typeof value !== 'object' || value === null) throw refuse('has a dimension that is no object')
  const { name, meaning, from, to, labels, ...others } = value as Record<string, unknown>
  if (typeof name !== 'string' || typeof meaning !== 'string')
    throw refuse("has a dimension without 'name' and 'meaning', each text")
  refuseOthers(others, `dimension '${cleanName(name)}'`, refuse)
  if (Array.isArray(labels) && from === undefined && to === undefined) return { name, meaning, labels }
  if (typeof from === 'number' && typeof to === 'number' && labels === undefined) return { name, meaning, from, to }
  throw refuse(`dimension '${cleanName(name)}' needs 'from' and 'to', numbers, or 'labels', a list, and not both`)
}

function refuseOthers(others: object, of: string, refuse: Refuse): void {
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) throw refuse(`${of} has '${cleanName(unknown)}', which no rubric has`)
}

/** `# name`, instructions, and `## dimension: 0 to 5` or `## dimension: label, label`, each with its meaning below. */
function parseMarkdown(text: string, refuse: Refuse): Rubric {
  const [title, ...parts] = text.split(/^## /mu)
  const name = /^\s*# (.*)$/mu.exec(title)?.[1].trim()
  if (name === undefined) throw refuse("has no line '# NAME'")
  return {
    name,
    instructions: title.replace(/^\s*# .*$/mu, '').trim(),
    dimensions: parts.map(part => {
      const [head, ...lines] = part.split('\n')
      const at = head.indexOf(':')
      if (at < 0) throw refuse(`'## ${cleanName(head)}' says no values: write '## ${cleanName(head)}: 0 to 5'`)
      const own = { name: head.slice(0, at).trim(), meaning: lines.join('\n').trim() }
      const values = head.slice(at + 1).trim()
      const range = /^(-?\d{1,9}) to (-?\d{1,9})$/.exec(values)
      return range
        ? { ...own, from: Number(range[1]), to: Number(range[2]) }
        : { ...own, labels: values.split(',').map(label => label.trim()) }
    }),
  }
}

const isName = (name: string) => /^[A-Za-z][A-Za-z0-9-]{0,63}$/.test(name)

function checkRubric(rubric: Rubric, refuse: Refuse): Rubric {
  const { name, instructions, dimensions } = rubric
  if (!isName(name)) throw refuse(`is named '${cleanName(name)}': use 1 to 64 letters, digits or '-', a letter first`)
  if (instructions.trim() === '') throw refuse('has no instructions')
  if (dimensions.length < 1 || dimensions.length > dimensionsMax)
    throw refuse(`has ${dimensions.length} dimensions; it takes 1 to ${dimensionsMax}`)
  const names = dimensions.map(dimension => dimension.name)
  for (const own of names) {
    if (!isName(own)) throw refuse(`has a dimension '${cleanName(own)}': use letters, digits or '-', a letter first`)
    if (ownNames.includes(own)) throw refuse(`has a dimension '${own}', which has another meaning in labels`)
  }
  if (new Set(names).size < names.length) throw refuse('has two dimensions of one name')
  for (const dimension of dimensions) checkValues(dimension, refuse)
  return rubric
}

function checkValues(dimension: Dimension, refuse: Refuse): void {
  const who = `dimension '${dimension.name}'`
  if ('from' in dimension) {
    const { from, to } = dimension
    if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from >= to || to - from >= valuesMax)
      throw refuse(`${who} goes from ${from} to ${to}: give two whole numbers, rising, of ${valuesMax} values at most`)
    return
  }
  const { labels } = dimension
  const isLabel = (label: unknown) => typeof label === 'string' && /^[^\p{Cc}]{1,64}$/u.test(label)
  if (labels.length < 2 || labels.length > labelsMax || !labels.every(isLabel))
    throw refuse(`${who} needs 2 to ${labelsMax} labels of 1 to 64 characters each, or a range as '0 to 5'`)
  if (new Set(labels).size < labels.length) throw refuse(`${who} has a label twice`)
}
