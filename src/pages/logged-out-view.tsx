/** Markup of the page after logout, for those whom no application takes back. */
import { Icon } from './icons.tsx'
import { Layout } from './layout.tsx'
import type { Site } from './layout.tsx'

export interface LoggedOutPageProps {
  site: Site
}

export function LoggedOutPage({ site }: LoggedOutPageProps) {
  return (
    <Layout site={site} title="Signed out">
      <div class="intro">
        <span class="logo seal">
          <Icon name="check" />
        </span>
        <h1>You are signed out</h1>
        <p>
          Your session in this browser has ended. On a shared computer, close the browser as well.
        </p>
      </div>
      <a id="home" class="button" href={site.home}>
        Go to the start page
      </a>
    </Layout>
  )
}
