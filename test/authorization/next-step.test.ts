import * as fc from 'fast-check'
import t from 'tap'
import { consentRuleOf } from '../../src/authorization/consent-rule.ts'
import { nextStep, type NextStep, type State } from '../../src/authorization/next-step.ts'
import type { Prompt } from '../../src/authorization/request.ts'
import type { Consent } from '../../src/consents/consents.ts'
import { acrValues } from '../../src/protocol/acr.ts'
import type { Session } from '../../src/sessions/sessions.ts'
import { toClient } from './clients.ts'

const requestedAt = new Date('2026-01-02T03:04:05.600Z')
const secondsAfter = (seconds: number) => new Date(requestedAt.getTime() + seconds * 1000)
const now = secondsAfter(20)

/** Signed in a minute before the request, after it for another one, or in answer to it. */
const sessions: Record<'none' | 'earlier' | 'elsewhere' | 'answering', Session | undefined> = {
  none: undefined,
  earlier: { sid: 's1', sub: 'alice', authTime: secondsAfter(-60), amr: ['pwd'] },
  elsewhere: { sid: 's1', sub: 'alice', authTime: secondsAfter(10), amr: ['pwd'] },
  answering: { sid: 's2', sub: 'alice', authTime: secondsAfter(10), amr: ['pwd'] },
}
const acrs = { reached: ['gold', ...acrValues], 'out of reach': ['gold'] } as const
const hints = {
  none: undefined,
  same: { subject: 'subject of alice', isRevoked: false },
  other: { subject: 'subject of bob', isRevoked: false },
  'same, revoked': { subject: 'subject of alice', isRevoked: true },
  'other, revoked': { subject: 'subject of bob', isRevoked: true },
} as const
/** 80 seconds have passed since the earlier sign-in. */
const maxAges = { none: undefined, kept: 80, exceeded: 79, zero: 0 } as const
const asked = {
  scope: ['openid', 'email'],
  resources: ['https://api.example.com'],
  claims: ['name'],
}
const consents: Record<
  'none' | 'partial' | 'of another resource' | 'of no claim' | 'full',
  Consent | undefined
> = {
  none: undefined,
  partial: { ...asked, scope: ['openid'], grantedAt: secondsAfter(-100) },
  'of another resource': { ...asked, resources: [], grantedAt: secondsAfter(15) },
  'of no claim': { ...asked, claims: [], grantedAt: secondsAfter(15) },
  full: { ...asked, scope: ['email', 'openid', 'phone'], grantedAt: secondsAfter(-100) },
}

/** What was answered to this very request. */
const decisions: Record<'none' | 'allowed' | 'allowed by another' | 'denied', State['decision']> = {
  none: undefined,
  allowed: { answer: 'allowed', sub: 'alice' },
  'allowed by another': { answer: 'allowed', sub: 'bob' },
  denied: { answer: 'denied', sub: 'alice' },
}

interface Circumstances {
  /** Whether somebody has signed in for this request. */
  isSignedInFor?: boolean
  prompt?: Prompt[]
  session?: keyof typeof sessions
  hint?: keyof typeof hints
  maxAge?: keyof typeof maxAges
  consent?: keyof typeof consents
  consentRule?: State['consentRule']
  decision?: keyof typeof decisions
  selectedAccount?: string | undefined
  subs?: readonly string[]
  essentialAcr?: keyof typeof acrs
}

function stateOf(circumstances: Circumstances): State {
  const { prompt = [], session = 'none', hint = 'none', maxAge = 'none' } = circumstances
  const { consent = 'none', consentRule = 'remembered', decision = 'none' } = circumstances
  const { isSignedInFor = true, subs, essentialAcr, selectedAccount } = circumstances
  return {
    request: {
      ...asked,
      claims: { userinfo: { name: null } },
      prompt: new Set(prompt),
      maxAgeSeconds: maxAges[maxAge],
      subs: subs && [...subs],
      essentialAcrValues: essentialAcr === undefined ? undefined : [...acrs[essentialAcr]],
    },
    selectedAccount,
    signedInSid: isSignedInFor ? 's2' : undefined,
    decision: decisions[decision],
    session: sessions[session],
    subject: sessions[session] && `subject of ${sessions[session].sub}`,
    hint: hints[hint],
    consent: consents[consent],
    consentRule,
    now,
  }
}

const outcomeOf = (step: NextStep) => (step.kind === 'refuse' ? step.code : step.kind)
const decide = (circumstances: Circumstances) => outcomeOf(nextStep(stateOf(circumstances)))

t.test(
  'what comes next, by the rules of OpenID Connect Core §3.1.2.1 and §3.1.2.3–4',
  async (t) => {
    const signedIn = { session: 'earlier', consent: 'full' } as const
    const rows: [why: string, circumstances: Circumstances, outcome: string][] = [
      ['nobody is signed in', {}, 'login'],
      ['nobody is signed in, and nobody may be asked', { prompt: ['none'] }, 'login_required'],
      ['signed in and consented', signedIn, 'issue'],
      ['signed in and consented: silently too', { ...signedIn, prompt: ['none'] }, 'issue'],
      ['a sign-in is asked for', { ...signedIn, prompt: ['login'] }, 'login'],
      ['and has been done', { ...signedIn, prompt: ['login'], session: 'answering' }, 'issue'],
      [
        'a sign-in just before the request arrived is no answer to it',
        { ...signedIn, prompt: ['login'], session: 'answering', isSignedInFor: false },
        'login',
      ],
      [
        'nor is one that was made for something else since',
        { ...signedIn, prompt: ['login'], session: 'elsewhere' },
        'login',
      ],
      [
        'though it counts for max_age, as any sign-in',
        { ...signedIn, maxAge: 'exceeded', session: 'elsewhere' },
        'issue',
      ],
      ['but not for max_age=0', { ...signedIn, maxAge: 'zero', session: 'elsewhere' }, 'login'],
      ['an account is to be chosen', { ...signedIn, prompt: ['select_account'] }, 'selectAccount'],
      ['where nobody is signed in, on the login page', { prompt: ['select_account'] }, 'login'],
      [
        'and where it is another one that the request is about',
        { ...signedIn, prompt: ['select_account'], hint: 'other' },
        'login',
      ],
      [
        'this one was chosen',
        { ...signedIn, prompt: ['select_account'], selectedAccount: 's1' },
        'issue',
      ],
      [
        'one was chosen that is not signed in any more',
        { ...signedIn, prompt: ['select_account'], selectedAccount: 's0' },
        'selectAccount',
      ],
      [
        'another one was chosen',
        { ...signedIn, prompt: ['select_account'], selectedAccount: 'another' },
        'login',
      ],
      [
        'this one was chosen, but is to sign in again',
        { ...signedIn, prompt: ['select_account', 'login'], selectedAccount: 's1' },
        'login',
      ],
      [
        'or its sign-in is too old',
        { ...signedIn, prompt: ['select_account'], selectedAccount: 's1', maxAge: 'exceeded' },
        'login',
      ],
      [
        'and has been chosen',
        { ...signedIn, prompt: ['select_account'], session: 'answering' },
        'issue',
      ],
      ['a new account is asked for', { ...signedIn, prompt: ['create'] }, 'createAccount'],
      [
        'and was made, or somebody signed in instead',
        { ...signedIn, prompt: ['create'], session: 'answering' },
        'issue',
      ],
      ['max_age in its last moment', { ...signedIn, maxAge: 'kept' }, 'issue'],
      ['max_age exceeded', { ...signedIn, maxAge: 'exceeded' }, 'login'],
      [
        'max_age exceeded, and nobody may be asked',
        { ...signedIn, maxAge: 'exceeded', prompt: ['none'] },
        'login_required',
      ],
      ['max_age=0 asks for a sign-in', { ...signedIn, maxAge: 'zero' }, 'login'],
      ['and is content with one', { ...signedIn, maxAge: 'zero', session: 'answering' }, 'issue'],
      ['the hinted user is signed in', { ...signedIn, hint: 'same' }, 'issue'],
      ['another than the hinted user is signed in', { ...signedIn, hint: 'other' }, 'login'],
      [
        'another one, and nobody may be asked',
        { ...signedIn, hint: 'other', prompt: ['none'] },
        'login_required',
      ],
      [
        'another one signed in when asked to',
        { ...signedIn, hint: 'other', session: 'answering' },
        'login_required',
      ],
      [
        'a hint that was revoked, as by a logout, asks for a sign-in',
        { ...signedIn, hint: 'same, revoked' },
        'login',
      ],
      [
        'which is not done silently',
        { ...signedIn, hint: 'same, revoked', prompt: ['none'] },
        'login_required',
      ],
      [
        'of the user whom it names',
        { ...signedIn, hint: 'same, revoked', session: 'answering' },
        'issue',
      ],
      [
        'and of no other',
        { ...signedIn, hint: 'other, revoked', session: 'answering' },
        'login_required',
      ],
      ['nothing was consented to', { session: 'earlier' }, 'consent'],
      ['silently', { session: 'earlier', prompt: ['none'] }, 'consent_required'],
      ['less was consented to', { session: 'earlier', consent: 'partial' }, 'consent'],
      [
        'another resource was consented to',
        { session: 'earlier', consent: 'of another resource' },
        'consent',
      ],
      [
        'a claim was not consented to (§5.5)',
        { session: 'earlier', consent: 'of no claim' },
        'consent',
      ],
      [
        'the one whose sub is asked for (§5.5.1)',
        { ...signedIn, subs: ['subject of alice'] },
        'issue',
      ],
      ['another one than that', { ...signedIn, subs: ['subject of bob'] }, 'login'],
      ['silently', { ...signedIn, subs: ['subject of bob'], prompt: ['none'] }, 'login_required'],
      [
        'and again when asked to sign in',
        { ...signedIn, subs: ['subject of bob'], session: 'answering' },
        'login_required',
      ],
      [
        'an essential class of sign-in that was reached (§5.5.1.1)',
        { ...signedIn, essentialAcr: 'reached' },
        'issue',
      ],
      [
        'one that nobody here can reach, before anybody has to sign in',
        { essentialAcr: 'out of reach' },
        'unmet_authentication_requirements',
      ],
      ['consent is asked for', { ...signedIn, prompt: ['consent'] }, 'consent'],
      ['and has been given', { ...signedIn, prompt: ['consent'], decision: 'allowed' }, 'issue'],
      [
        'by somebody else',
        { ...signedIn, prompt: ['consent'], decision: 'allowed by another' },
        'consent',
      ],
      [
        'to something less',
        { ...signedIn, prompt: ['consent'], decision: 'allowed', consent: 'partial' },
        'consent',
      ],
      ['a first-party client', { session: 'earlier', consentRule: 'never' }, 'issue'],
      [
        'a first-party client that asks for consent',
        { session: 'earlier', consentRule: 'never', prompt: ['consent'] },
        'consent',
      ],
      ['an app that anyone can imitate', { ...signedIn, consentRule: 'always' }, 'consent'],
      [
        'an imitable app, silently',
        { ...signedIn, consentRule: 'always', prompt: ['none'] },
        'consent_required',
      ],
      [
        'an imitable app whose request was allowed',
        { ...signedIn, consentRule: 'always', decision: 'allowed' },
        'issue',
      ],
      ['first the sign-in, then the consent', { prompt: ['login', 'consent'] }, 'login'],
      [
        'then the consent',
        { ...signedIn, prompt: ['login', 'consent'], session: 'answering' },
        'consent',
      ],
      ['the user said no', { ...signedIn, decision: 'denied' }, 'access_denied'],
      ['the user said no and left', { decision: 'denied', prompt: ['none'] }, 'access_denied'],
    ]
    for (const [why, circumstances, outcome] of rows) t.equal(decide(circumstances), outcome, why)
  },
)

t.test('every combination is decided by the first rule that applies', async (t) => {
  const all = fc.record({
    prompt: fc.oneof(
      fc.constant<Prompt[]>(['none']),
      fc.subarray<Prompt>(['login', 'consent', 'select_account', 'create']),
    ),
    selectedAccount: fc.constantFrom(undefined, 's1', 's2', 'another'),
    isSignedInFor: fc.boolean(),
    session: fc.constantFrom(...(Object.keys(sessions) as (keyof typeof sessions)[])),
    hint: fc.constantFrom(...(Object.keys(hints) as (keyof typeof hints)[])),
    maxAge: fc.constantFrom(...(Object.keys(maxAges) as (keyof typeof maxAges)[])),
    consent: fc.constantFrom(...(Object.keys(consents) as (keyof typeof consents)[])),
    consentRule: fc.constantFrom('never', 'remembered', 'always'),
    decision: fc.constantFrom(...(Object.keys(decisions) as (keyof typeof decisions)[])),
  })
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(all, (circumstances) => {
        const { prompt, session, hint, maxAge, consent, consentRule, decision } = circumstances
        const { selectedAccount } = circumstances
        const isAnswer = circumstances.isSignedInFor && session === 'answering'
        const isAnother = hint.startsWith('other')
        const hasExpired =
          prompt.includes('login') ||
          selectedAccount === 'another' ||
          hint === 'same, revoked' ||
          maxAge === 'zero' ||
          (maxAge === 'exceeded' && session === 'earlier')
        const rules: [applies: boolean, outcome: string, silentOutcome?: string][] = [
          [decision === 'denied', 'access_denied'],
          [isAnswer && isAnother, 'login_required'],
          [prompt.includes('create') && !isAnswer, 'createAccount'],
          [
            prompt.includes('select_account') &&
              !isAnswer &&
              !(session === 'none' || isAnother) &&
              selectedAccount !== 'another' &&
              selectedAccount !== sessions[session]?.sid,
            'selectAccount',
          ],
          [session === 'none' || isAnother, 'login', 'login_required'],
          [!isAnswer && hasExpired, 'login', 'login_required'],
          [decision === 'allowed' && consent === 'full', 'issue'],
          [prompt.includes('consent') || consentRule === 'always', 'consent', 'consent_required'],
          [consentRule === 'never' || consent === 'full', 'issue'],
          [true, 'consent', 'consent_required'],
        ]
        const [, outcome, silentOutcome = outcome] = rules.find(([applies]) => applies)!
        const expected = prompt.includes('none') ? silentOutcome : outcome
        return decide(circumstances) === expected
      }),
      { numRuns: 5000 },
    ),
  )
})

t.test('max_age=0 wants a sign-in even in the moment of one (§3.1.2.1)', async (t) => {
  const state = stateOf({ session: 'earlier', consent: 'full', maxAge: 'zero' })
  t.equal(nextStep({ ...state, now: state.session?.authTime ?? state.now }).kind, 'login')
})

t.test(
  'the session that is asked to consent or gets the code is the one that was found',
  async (t) => {
    for (const consent of ['none', 'full'] as const) {
      const state = stateOf({ session: 'earlier', consent })
      const step = nextStep(state)
      t.equal('session' in step && step.session, state.session)
    }
  },
)

t.test(
  'whom consent is asked of, and whether a remembered one will do (RFC 8252 §8.6)',
  async (t) => {
    const native = { application_type: 'native', token_endpoint_auth_method: 'none' }
    const rows: [why: string, metadata: object, redirectUri: string, rule: string][] = [
      ['a web application', {}, 'https://app.example/cb', 'remembered'],
      ['a first-party one', { skip_consent: true }, 'https://app.example/cb', 'never'],
      ['a loopback app', native, 'http://127.0.0.1:4711/cb', 'always'],
      ['a private-use scheme', native, 'com.example.app:/cb', 'always'],
      ['a claimed https link', native, 'https://app.example/cb', 'remembered'],
      ['an app with a secret', { application_type: 'native' }, 'com.example.app:/cb', 'remembered'],
      ['a first-party app', { ...native, skip_consent: true }, 'com.example.app:/cb', 'never'],
      [
        'a browser application in development',
        { token_endpoint_auth_method: 'none' },
        'http://localhost/cb',
        'remembered',
      ],
    ]
    for (const [why, metadata, redirectUri, rule] of rows) {
      const client = toClient({ ...metadata, redirect_uris: [redirectUri] })
      const plain = { authorizationDetails: undefined }
      t.equal(consentRuleOf(client, redirectUri, plain), rule, why)
      const detailed = { authorizationDetails: [{ type: 'payment' }] }
      const ruleOfDetails = rule === 'never' ? 'never' : 'always'
      t.equal(consentRuleOf(client, redirectUri, detailed), ruleOfDetails, `${why}, with details`)
    }
    const webApp = toClient({ application_type: 'web', token_endpoint_auth_method: 'none' })
    const document = { fetchedAt: webApp.createdAt, freshUntil: webApp.createdAt }
    const ruleAt = (uri: string) =>
      consentRuleOf({ ...webApp, document }, uri, { authorizationDetails: undefined })
    t.equal(ruleAt('http://localhost/cb'), 'always', 'no document says that it is no app')
    t.equal(ruleAt('https://app.example/cb'), 'remembered')
  },
)
