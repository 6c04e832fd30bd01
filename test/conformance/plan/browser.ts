/** What the suite's browser does on our pages: the `browser` blocks of its configuration, by what a module expects. */
import { person } from './seed.ts'

/** `["text", kind, target, value]`, `["click", kind, target]` or `["wait", …]`. */
export type Command = readonly (string | number)[]

export interface Task {
  task: string
  /** A glob over the URL that the browser has arrived at. */
  match: string
  optional?: true
  commands?: readonly Command[]
}

export interface BrowserBlock {
  comment?: string
  /** A glob over the URL that the module sends the browser to. */
  match: string
  'match-limit'?: number
  tasks: readonly Task[]
}

export type Overrides = Readonly<Record<string, { browser: readonly BrowserBlock[] }>>

const pageText = (
  words: string,
  then: 'update-image-placeholder' | `${string}-optional`,
): Command => ['wait', 'xpath', '//*', 10, words, then]

export function browserFor(
  issuer: string,
  suite: string,
): { blocks: BrowserBlock[]; overrides: Overrides } {
  const [authorize, login, consent, logout] = ['authorize', 'login', 'consent', 'logout'].map(
    (page) => `${issuer}/${page}*`,
  ) as [string, string, string, string]

  const signInCommands: Command[] = [
    ['text', 'id', 'username', person.email],
    ['text', 'id', 'password', person.password],
    ['click', 'id', 'submit'],
  ]
  const signIn: Task = { task: 'Sign in', match: login, optional: true, commands: signInCommands }
  const allow: Task = {
    task: 'Consent',
    match: consent,
    optional: true,
    commands: [['click', 'id', 'approve']],
  }
  // Begun by the suite's own address, since the suite names its callback in the address of ours as well.
  const backAtTheSuite: Task = {
    task: 'Verify complete',
    match: `${suite}/test/*/callback*`,
    commands: [['wait', 'id', 'submission_complete', 10]],
  }
  const authorizing: BrowserBlock = { match: authorize, tasks: [signIn, allow, backAtTheSuite] }
  const loggingOut: BrowserBlock = {
    match: logout,
    tasks: [
      {
        task: 'Verify logged out',
        match: `${suite}/test/*/post_logout_redirect*`,
        commands: [['wait', 'contains', '/post_logout_redirect', 10]],
      },
    ],
  }

  /** The second sign-in is to be seen; at the first, no placeholder waits for a picture. */
  const signingInAgain: BrowserBlock = {
    match: authorize,
    tasks: [
      {
        ...signIn,
        commands: [pageText('Sign in', 'update-image-placeholder-optional'), ...signInCommands],
      },
      allow,
      backAtTheSuite,
    ],
  }
  const expect = (task: string, visited: string, words: string, match = visited): BrowserBlock => ({
    comment: `Expects this page at once: ${task}`,
    match: visited,
    tasks: [{ task, match, commands: [pageText(words, 'update-image-placeholder')] }],
  })
  const redirectUriError = expect('Redirect URI error', authorize, 'Redirect URI error')
  const loginPage = expect('Login page', authorize, 'Sign in', login)
  const logoutError = expect('Logout error', logout, 'Logout error')
  const signedOut: BrowserBlock = {
    comment: 'Expects the page that says so, perhaps after a question',
    match: logout,
    tasks: [
      {
        task: 'Confirm',
        match: logout,
        optional: true,
        commands: [['click', 'id', 'logout-yes']],
      },
      {
        task: 'Signed out',
        match: `${issuer}/logged-out*`,
        commands: [pageText('You are signed out', 'update-image-placeholder')],
      },
    ],
  }
  const refusing: BrowserBlock = {
    match: authorize,
    tasks: [
      { task: 'Refuse', match: login, commands: [['click', 'id', 'cancel']] },
      backAtTheSuite,
    ],
  }
  const onlyLooking: BrowserBlock = {
    comment: 'The first visit goes no further than the login page',
    match: authorize,
    'match-limit': 1,
    tasks: [],
  }

  /** Where our own page and an error at the callback are both allowed. */
  const errorOrAnswer: BrowserBlock = {
    match: authorize,
    tasks: [
      signIn,
      allow,
      {
        task: 'Error page',
        match: authorize,
        optional: true,
        commands: [
          pageText(
            'Sign-in expired|Invalid request|Redirect URI error',
            'update-image-placeholder-optional',
          ),
        ],
      },
      { ...backAtTheSuite, optional: true },
    ],
  }

  const each = (names: string[], ...browser: BrowserBlock[]): Overrides =>
    Object.fromEntries(names.map((name) => [name, { browser }]))

  return {
    blocks: [authorizing, loggingOut],
    overrides: {
      ...each(['oidcc-prompt-login', 'oidcc-max-age-1'], signingInAgain),
      ...each(
        [
          'oidcc-ensure-registered-redirect-uri',
          'oidcc-ensure-redirect-uri-in-authorization-request',
          'oidcc-redirect-uri-query-added',
          'oidcc-redirect-uri-query-mismatch',
        ],
        redirectUriError,
      ),
      ...each(
        [
          'oidcc-registration-logo-uri',
          'oidcc-registration-policy-uri',
          'oidcc-registration-tos-uri',
        ],
        loginPage,
      ),
      ...each(
        [
          'oidcc-rp-initiated-logout-bad-post-logout-redirect-uri',
          'oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri',
          'oidcc-rp-initiated-logout-modified-id-token-hint',
          'oidcc-rp-initiated-logout-bad-id-token-hint',
          'oidcc-rp-initiated-logout-no-id-token-hint',
        ],
        authorizing,
        logoutError,
      ),
      ...each(
        [
          'oidcc-rp-initiated-logout-no-params',
          'oidcc-rp-initiated-logout-no-post-logout-redirect-uri',
          'oidcc-rp-initiated-logout-only-state',
        ],
        authorizing,
        signedOut,
      ),
      ...each(['fapi2-security-profile-final-user-rejects-authentication'], refusing),
      ...each(
        [
          'fapi2-security-profile-final-par-ensure-reused-request-uri-prior-to-auth-completion-succeeds',
        ],
        onlyLooking,
        authorizing,
      ),
      ...each(
        [
          'fapi2-security-profile-final-par-attempt-reuse-request_uri',
          'fapi2-security-profile-final-par-attempt-to-use-expired-request_uri',
          'fapi2-security-profile-final-par-attempt-to-use-request_uri-for-different-client',
          'fapi2-security-profile-final-ensure-unsigned-authorization-request-without-using-par-fails',
        ],
        errorOrAnswer,
      ),
    },
  }
}
