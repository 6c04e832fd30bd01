/** Markup of the page on which a person makes an account. */
import { minPasswordCharacters } from '../users/password-rules.ts'
import { Alert, tooManyAttempts } from './alert-view.tsx'
import { ClientIntro, ClientLinks } from './client-view.tsx'
import type { ClientView } from './client-view.tsx'
import { HiddenFields, Layout } from './layout.tsx'
import type { Site } from './layout.tsx'

export type SignUpProblem =
  | { kind: 'taken' | 'expired' | 'busy' }
  | { kind: 'faults'; faults: readonly string[] }
  | { kind: 'rate-limited'; retryAfterSeconds: number }

export interface CreateAccountPageProps {
  site: Site
  action: string
  csrf: string
  /** What to go on with (interaction.ts); empty when the person came by themselves. */
  request: string
  client?: ClientView | undefined
  /** The login page, for the same request. */
  signInUrl: string
  /** login_hint, or what was typed before. */
  email?: string | undefined
  name?: string | undefined
  problem?: SignUpProblem | undefined
}

export function CreateAccountPage(props: CreateAccountPageProps) {
  const { site, action, csrf, request, client, signInUrl, email, name, problem } = props
  const describedBy = problem && { 'aria-describedby': 'problem' }
  const title = client ? `Create an account for ${client.name}` : 'Create an account'
  return (
    <Layout site={site} title={problem ? `Error: ${title}` : title}>
      <ClientIntro heading="Create an account" client={client} />
      {problem && <Alert>{problemText(problem)}</Alert>}
      <form method="post" action={action}>
        <HiddenFields
          fields={[
            ['csrf', csrf],
            ['request', request],
          ]}
        />
        <label for="email">Email</label>
        <input
          id="email"
          name="email"
          type="email"
          autocomplete="username"
          maxlength={254}
          required
          value={email}
          autofocus
          {...describedBy}
        />
        <label for="name">Name (optional)</label>
        <input id="name" name="name" type="text" autocomplete="name" maxlength={200} value={name} />
        <label for="password">Password (at least {minPasswordCharacters} characters)</label>
        <input
          id="password"
          name="password"
          type="password"
          autocomplete="new-password"
          minlength={minPasswordCharacters}
          required
          {...describedBy}
        />
        <button id="submit" type="submit" class="primary">
          Create account
        </button>
      </form>
      <p class="elsewhere">
        Have an account? <a href={signInUrl}>Sign in</a>
      </p>
      {client && <ClientLinks client={client} />}
    </Layout>
  )
}

function problemText(problem: SignUpProblem): string {
  if (problem.kind === 'rate-limited') return tooManyAttempts(problem.retryAfterSeconds)
  return problem.kind === 'faults' ? problem.faults.join(' ') : problemTexts[problem.kind]
}

const problemTexts = {
  taken: 'No account can be created with this email. If it is yours, sign in instead.',
  expired: 'This form had expired, or your browser does not accept cookies. Please try again.',
  busy: 'Many people are here right now. Wait a few seconds, then try again.',
}
