/** Turns a page component into the HTML document that is sent. Rendered here only: browsers get no script of ours. */
import type { VNode } from 'preact'
import { render } from 'preact-render-to-string'

/** Of every page, for whatever `ui_locales` asks. */
export const pageLanguage = 'en'

export const htmlContentType = 'text/html; charset=utf-8'

export function renderPage(page: VNode): string {
  return `<!doctype html>${render(page)}`
}
