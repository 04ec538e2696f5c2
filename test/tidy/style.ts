/** A text with its comments, strings and patterns blanked, at the same places. */
export function blank(text: string): string {
  const noCode =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|(?<=[(=,:!&|?]\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\\n])+\//g
  return text.replace(noCode, found => found.replace(/[^\n]/g, ' '))
}

/** Properties that are spread to keep them on a line: they are written one a line, plainly. */
export const spreadGroups = (text: string): string[] => blank(text).match(/\.\.\.\{/g) ?? []

/** Names made of underscores, which say what is left out by counting it. One unused parameter may be `_`. */
export function underscoreNames(text: string): string[] {
  return blank(text).match(/(?<![\w$])__+(?![\w$])|\w+: _(?=[\s,}])/g) ?? []
}

/** Promises that are awaited one after the other within one assignment. */
export const awaitedLists = (text: string): string[] => blank(text).match(/\] = \[await [^\]]*, await /g) ?? []

/** Temporary folders that somebody has to remove. */
export const foldersMade = (text: string): string[] => blank(text).match(/\bmkdtemp/g) ?? []

/**
 * Things of a module that a call may change: what one call left there, another may find. A table that is filled once when the module is
 * loaded looks the same, and is listed.
 */
export function moduleState(text: string): string[] {
  const kept =
    /^(?:export )?(?:let \w+|const \w+(?:: [^=\n]+)? = (?:new (?:(?:Ui|I)nt\w+Array|Float\w+Array|\w+Buffer|HashSet64|Ngrams|Places)\(|new (?:Weak)?(?:Map|Set)(?:<[^\n]*>)?\(\)|\[\]|\{ \w+: (?:0|false|true|null),))/gm
  return blank(text).match(kept) ?? []
}

/** Functions with more than five parameters, as `name(number)`. */
export function longParameterLists(text: string): string[] {
  const code = blank(text)
  const found: string[] = []
  for (const { index, 1: name = '' } of code.matchAll(/([\w$#]*)(?:<[^(){}]*>)?\(/g)) {
    const open = code.indexOf('(', index)
    const close = findClose(code, open)
    if (close < 0 || /^(?:if|for|while|switch|catch)$/.test(name)) continue
    if (!/^\s*(?::[^;={}]*(?:\{[^{}]*\}[^;={}]*)?)?\s*(?:=>|\{)/.test(code.slice(close + 1, close + 300))) continue
    const count = countItems(code.slice(open + 1, close))
    if (count > parametersMax) found.push(`${name}(${count})`)
  }
  return found
}
const parametersMax = 5

/** Where the bracket at `open` closes, or -1. */
function findClose(code: string, open: number): number {
  let depth = 0
  for (let i = open; i < code.length; i++) {
    if (code[i] === '(') depth++
    else if (code[i] === ')' && --depth === 0) return i
  }
  return -1
}

/** How many items a list has, whatever its brackets hold; a comma at its end counts nothing. */
function countItems(list: string): number {
  let depth = 0
  let items = list.trim() === '' ? 0 : 1
  const end = list.trimEnd().replace(/,$/, '').length
  for (let i = 0; i < end; i++) {
    if ('([{<'.includes(list[i])) depth++
    else if (')]}'.includes(list[i]) || (list[i] === '>' && list[i - 1] !== '=')) depth--
    else if (list[i] === ',' && depth === 0) items++
  }
  return items
}
