/** Markup of the login page: username or email, and password. */
import { Alert, tooManyAttempts } from './alert-view.tsx'
import { ClientIntro, ClientLinks } from './client-view.tsx'
import type { ClientView } from './client-view.tsx'
import { HiddenFields, Layout } from './layout.tsx'
import type { Site } from './layout.tsx'

export type LoginProblem =
  | { kind: 'rejected' | 'expired' | 'busy' }
  | { kind: 'rate-limited'; retryAfterSeconds: number }

export interface LoginPageProps {
  site: Site
  action: string
  csrf: string
  /** What to go on with (interaction.ts); empty when the person came by themselves. */
  request: string
  client?: ClientView | undefined
  /** The page that creates accounts, for the same request; undefined when people may not. */
  signUpUrl?: string | undefined
  /** login_hint, or what was typed before. */
  username?: string | undefined
  problem?: LoginProblem | undefined
}

export function LoginPage(props: LoginPageProps) {
  const { site, action, csrf, request, client, signUpUrl, username, problem } = props
  const describedBy = problem && { 'aria-describedby': 'problem' }
  const invalid = problem?.kind === 'rejected' && { 'aria-invalid': true }
  return (
    <Layout site={site} title={titleOf(props)}>
      <ClientIntro heading="Sign in" client={client} />
      {problem && <Alert>{problemText(problem)}</Alert>}
      <form method="post" action={action}>
        <HiddenFields
          fields={[
            ['csrf', csrf],
            ['request', request],
          ]}
        />
        <label for="username">Username or email</label>
        <input
          id="username"
          name="username"
          type="text"
          autocomplete="username"
          autocapitalize="none"
          autocorrect="off"
          spellcheck={false}
          required
          value={username}
          autofocus={!username}
          {...describedBy}
          {...invalid}
        />
        <label for="password">Password</label>
        <input
          id="password"
          name="password"
          type="password"
          autocomplete="current-password"
          required
          autofocus={Boolean(username)}
          {...describedBy}
          {...invalid}
        />
        <div class={client && 'choices'}>
          <button id="submit" type="submit" class="primary">
            Sign in
          </button>
          {client && (
            <button id="cancel" type="submit" name="decision" value="deny" formnovalidate>
              Cancel
            </button>
          )}
        </div>
      </form>
      {signUpUrl && (
        <p class="elsewhere">
          New here? <a href={signUpUrl}>Create an account</a>
        </p>
      )}
      {client && <ClientLinks client={client} />}
    </Layout>
  )
}

/** Screen readers say the title first: it tells that something went wrong. */
function titleOf({ client, problem }: LoginPageProps): string {
  const title = client ? `Sign in to ${client.name}` : 'Sign in'
  return problem ? `Error: ${title}` : title
}

function problemText(problem: LoginProblem): string {
  if (problem.kind !== 'rate-limited') return problemTexts[problem.kind]
  return tooManyAttempts(problem.retryAfterSeconds)
}

const problemTexts = {
  // The same for an unknown user, a wrong password and a disabled account: it must not tell which.
  rejected: 'That username or password is not right. Check both and try again.',
  expired: 'This form had expired, or your browser does not accept cookies. Please sign in again.',
  busy: 'Many people are signing in right now. Wait a few seconds, then try again.',
}
