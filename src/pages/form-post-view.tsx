/** The page that posts an authorization response to the client (OAuth 2.0 Form Post Response Mode §2). */
import { formPostScript } from '../http/security-headers.ts'
import { redirectTarget } from './client-view.tsx'
import { HiddenFields, Layout } from './layout.tsx'
import type { Site } from './layout.tsx'

export interface FormPostPageProps {
  site: Site
  redirectUri: string
  parameters: readonly (readonly [string, string])[]
}

/** Nothing in the form may be named `submit`: it would hide the function that the script calls. */
export function FormPostPage({ site, redirectUri, parameters }: FormPostPageProps) {
  return (
    <Layout site={site} title="Continue">
      <div class="intro">
        <h1>Back to the app</h1>
        <p>
          You are on your way to <strong>{redirectTarget(redirectUri)}</strong>.
        </p>
      </div>
      <form method="post" action={redirectUri}>
        <HiddenFields fields={parameters} />
        <noscript>
          <button type="submit" class="primary">
            Continue
          </button>
        </noscript>
      </form>
      <script>{formPostScript}</script>
    </Layout>
  )
}
