/** Codes, refresh families and tokens: what makes them, and what checks those that come back. */
import type { Keyring } from '../keys/keyring.ts'
import type { ServerSecret } from '../keys/server-secret.ts'
import { createAccessTokens } from '../tokens/access-tokens.ts'
import { createCodeStore } from '../tokens/code-store.ts'
import { createCodes } from '../tokens/codes.ts'
import { createDeviceCodeStore } from '../tokens/device-code-store.ts'
import { createDeviceCodes } from '../tokens/device-codes.ts'
import { createEndGrant } from '../tokens/end-grant.ts'
import { createFamilyStore } from '../tokens/family-store.ts'
import { createIdTokenHints } from '../tokens/id-token-hints.ts'
import { createIssueInstants } from '../tokens/issue-instant.ts'
import { createTokenIssuer } from '../tokens/issuer.ts'
import { createOwnTokens } from '../tokens/own-tokens.ts'
import { createPresentedTokens } from '../tokens/presented-tokens.ts'
import { createRefreshFamilies } from '../tokens/refresh-families.ts'
import { createRefreshTokenFormat } from '../tokens/refresh-token.ts'
import { createTargets } from '../tokens/targets.ts'
import { createSubjectStore } from '../tokens/subject-store.ts'
import { createSubjects } from '../tokens/subjects.ts'
import type { AdminServices, ServiceOptions } from './admin.ts'

export type TokenServices = ReturnType<typeof createTokenServices>

export function createTokenServices(
  { config, database, clock }: ServiceOptions,
  {
    accounts,
    resources,
    revocations,
    keyring,
    serverSecret,
  }: AdminServices & { keyring: Keyring; serverSecret: ServerSecret },
) {
  const { issuer } = config
  const subjects = createSubjects({
    key: serverSecret.deriveKey('pairwise subjects'),
    store: createSubjectStore(database),
  })
  const codes = createCodes({ store: createCodeStore(database), clock, settings: config })
  const deviceCodes = createDeviceCodes({
    store: createDeviceCodeStore(database),
    clock,
    settings: config,
  })
  const families = createRefreshFamilies({
    store: createFamilyStore(database),
    format: createRefreshTokenFormat({ key: serverSecret.deriveKey('refresh tokens') }),
    clock,
    settings: config,
  })
  const endGrant = createEndGrant({ revocations })
  const targets = createTargets({
    resources,
    defaultAudience: config.defaultAudience,
    accessTokenTtlSeconds: config.accessTokenTtlSeconds,
  })
  const tokenIssuer = createTokenIssuer({
    keyring,
    issuer,
    idTokenTtlSeconds: config.idTokenTtlSeconds,
  })
  const ownTokens = createOwnTokens({ keyring, revocations, issuer, clock })
  const accessTokens = createAccessTokens({ ownTokens, accounts })
  const idTokenHints = createIdTokenHints({ ownTokens, accounts })
  return {
    subjects,
    codes,
    deviceCodes,
    families,
    endGrant,
    targets,
    tokenIssuer,
    ownTokens,
    accessTokens,
    idTokenHints,
    presentedTokens: createPresentedTokens({ accessTokens, ownTokens, accounts }),
    issueInstants: createIssueInstants({ clock }),
  }
}
