/** Modules of the Basic OP plan about who is signed in since when: prompt, max_age, id_token_hint (OpenID Connect Core §3.1.2.1). */
import type { Run } from '../../support/suite-run.ts'
import type { Module } from '../module.ts'

const longState = 'x'.repeat(128)

/** A code for who is signed in already, without a page. */
async function goesOn(run: Run, changes: Record<string, string>, first = {}): Promise<void> {
  const { t, suite } = run
  const before = await run.flow(first)
  suite.provider.clock.advance(5)
  const after = await run.flow({
    ...changes,
    ...('id_token_hint' in changes && { id_token_hint: String(before.tokens['id_token']) }),
  })
  t.notOk(after.shown.some(({ html }) => html.includes('type="password"')))
  t.equal(after.idToken.sub, before.idToken.sub)
  t.type(before.idToken['auth_time'], 'number')
  t.equal(after.idToken['auth_time'], before.idToken['auth_time'])
}

/** The person signs in once more, and auth_time tells. */
async function signsInAgain(run: Run, changes: Record<string, string>): Promise<void> {
  const { t, suite } = run
  const before = await run.flow()
  suite.provider.clock.advance(2)
  const after = await run.flow(changes)
  t.match(after.shown[0]?.url, `${suite.issuer}/login?`)
  t.equal(after.pictures.length, 1)
  t.equal(after.idToken.sub, before.idToken.sub)
  t.equal(Number(after.idToken['auth_time']), Number(before.idToken['auth_time']) + 2)
}

export const promptModules: Module[] = [
  {
    name: 'oidcc-prompt-login',
    says: 'a second request with prompt=login gets a fresh login page, and a later auth_time',
    run: (run) => signsInAgain(run, { prompt: 'login' }),
  },
  {
    name: 'oidcc-prompt-none-not-logged-in',
    says: 'prompt=none without a session is answered by an error, with the state intact',
    async run({ t, authorize }) {
      const { fields, shown } = await authorize({ prompt: 'none', state: longState })
      t.match(
        fields['error'],
        /^(login|interaction|consent)_required$|^account_selection_required$/,
      )
      t.equal(fields['state'], longState)
      t.notOk(shown.some(({ html }) => html.includes('type="password"')))
    },
  },
  {
    name: 'oidcc-prompt-none-logged-in',
    says: 'prompt=none with a session is answered by a code, of the same sub and auth_time',
    run: (run) => goesOn(run, { prompt: 'none' }),
  },
  {
    name: 'oidcc-max-age-1',
    says: 'two seconds later max_age=1 asks to sign in again, and auth_time is new',
    run: (run) => signsInAgain(run, { max_age: '1' }),
  },
  {
    name: 'oidcc-max-age-10000',
    says: 'a session that is young enough goes on, with the auth_time of the sign-in',
    run: (run) => goesOn(run, { max_age: '10000' }, { max_age: '15000' }),
  },
  {
    name: 'oidcc-id-token-hint',
    says: 'prompt=none with the ID token of the person as a hint is answered by a code',
    run: (run) => goesOn(run, { prompt: 'none', id_token_hint: 'of the first flow' }),
  },
]
