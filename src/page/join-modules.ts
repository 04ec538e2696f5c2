import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'

/** The module of a page's script, by its name in `client/`. In a clone it is TypeScript, in a build JavaScript. */
export function joinClient(name: string): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return joinModules(new URL(`./client/${name}.${extension}`, import.meta.url))
}

/**
 * One script of a module and all that it imports, each once and before those that import it, in a scope of its own, so that their names
 * never meet. Known are `import { a, b as c } from './x.ts'` and `export` before a declaration, which is all that those modules use;
 * another form is a TypeError.
 */
export function joinModules(entry: URL): string {
  const names = new Map<string, string>()
  const parts: string[] = []
  const add = (url: URL): string => {
    const known = names.get(url.href)
    if (known !== undefined) return known
    const name = `$${names.size}`
    names.set(url.href, name)
    parts.push(wrapModule(url, name, add))
    return name
  }
  add(entry)
  return `'use strict'\n${parts.join('')}`
}

function wrapModule(url: URL, name: string, add: (url: URL) => string): string {
  const imports: string[] = []
  const exports: string[] = []
  const code = readScript(url)
    .replace(/^import\s*\{([^}]*)\}\s*from\s*['"](\.[^'"]+)['"];?$/gm, (_, list: string, from: string) => {
      imports.push(`const {${list.replace(/\bas\b/g, ':')}} = ${add(new URL(from, url))}\n`)
      return ''
    })
    .replace(/^export\s+((?:async\s+)?function|const|class)\s+([\w$]+)/gm, (_, kind: string, exported: string) => {
      exports.push(exported)
      return `${kind} ${exported}`
    })
    .replace(/^export\s*\{\s*\};?$/gm, '')
  const unknown = /^(?:import|export)\b.*/m.exec(code)
  if (unknown) throw new TypeError(`${url.href} can't be joined into a script: ${unknown[0]}`)
  return `const ${name} = (() => {\n${imports.join('')}${code}\nreturn { ${exports.join(', ')} }\n})()\n`
}

function readScript(url: URL): string {
  const text = readFileSync(url, 'utf8')
  return url.pathname.endsWith('.ts') ? quietly(() => stripTypeScriptTypes(text)) : text
}

/** Node warns once a process that this function may change; it is the same stripping that runs a clone's own code. */
function quietly<T>(act: () => T): T {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return act()
  } finally {
    process.emitWarning = emitWarning
  }
}
