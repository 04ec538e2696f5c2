import { hash } from 'node:crypto'
import { Html, html } from './html.ts'
import { pageStyle } from './style.ts'

export interface Page {
  readonly title: string
  readonly body: Html
  /** A module, which finds `data` as JSON in the element `data`. */
  readonly script?: string
  readonly data?: unknown
  /** Another's script and style, which run before. */
  readonly library?: { readonly script: string; readonly style: string }
  /** Whether it asks the server that it came from. By default nobody. */
  readonly asksServer?: boolean
}

/**
 * A page that is one file: its policy lets nothing be loaded, and nothing run or style it but what stands in it, by its hash. It asks nobody
 * for anything, but for one that asks its own server.
 */
export function writePage({ title, body, script = '', data, library, asksServer = false }: Page): string {
  const code = inScript(script)
  const scripts = [...(library ? [inScript(library.script)] : []), ...(code === '' ? [] : [code])]
  const styles = [pageStyle, ...(library ? [library.style] : [])]
  const sources = (texts: readonly string[]) => texts.map(text => `'${sourceOf(text)}'`).join(' ')
  const allowed = [
    "default-src 'none'",
    `style-src ${sources(styles)}`,
    ...(scripts.length === 0 ? [] : [`script-src ${sources(scripts)}`]),
    ...(asksServer ? ["connect-src 'self'"] : []),
    "base-uri 'none'",
    "form-action 'none'",
  ]
  const json =
    data === undefined ? null : html`<script type="application/json" id="data">${new Html(embedJson(data))}</script>\n`
  return html`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${allowed.join('; ')}">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>${title}</title>${styles.map(style => html`<style>${new Html(style)}</style>`)}</head><body>
${body}
${json}${library ? html`<script>${new Html(library.script)}</script>\n` : null}${code === '' ? null : html`<script type="module">${new Html(code)}</script>`}
</body></html>
`.text
}

const sourceOf = (text: string) => `sha256-${hash('sha256', text, 'base64')}`

/** Code that no end tag or comment within it can cut off. There is none in ours, which is held here. */
function inScript(code: string): string {
  if (/<\/script|<!--/i.test(code)) throw new TypeError('a script of a page would end before its end')
  return code
}

/** JSON that stays one value within a script's element, whatever its strings hold. */
export function embedJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<\u2028\u2029]/g,
    sign => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
