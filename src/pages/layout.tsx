/** The frame of every page: one card between the issuer's name and ours. */
import type { ComponentChildren } from 'preact'
import { pageLanguage } from '../http/html.ts'

export interface Site {
  issuer: string
  /** URL paths of claviger.css and claviger.svg. */
  stylesheet: string
  icon: string
  /** URL path of the start page. */
  home: string
}

export interface LayoutProps {
  site: Site
  title: string
  children: ComponentChildren
}

export function Layout({ site, title, children }: LayoutProps) {
  return (
    <html lang={pageLanguage}>
      <head>
        <meta charset="utf-8" />
        <title>{`${title} · Claviger`}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <link rel="stylesheet" href={site.stylesheet} />
        <link rel="icon" type="image/svg+xml" href={site.icon} />
      </head>
      <body>
        <header class="masthead">
          <img src={site.icon} alt="" width="28" height="28" />
          <span>{new URL(site.issuer).host}</span>
        </header>
        <main class="card">{children}</main>
        <footer class="colophon">Powered by Claviger</footer>
      </body>
    </html>
  )
}

/** Hidden inputs. Never spread request parameters into attributes: names and values are attribute values here. */
export function HiddenFields({ fields }: { fields: readonly (readonly [string, string])[] }) {
  return fields.map(([name, value]) => <input type="hidden" name={name} value={value} />)
}

/** Text that others chose: kept from turning the direction of the words around it. */
export function Foreign({ children }: { children: string }) {
  return <bdi>{children}</bdi>
}
