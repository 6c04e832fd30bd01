/** Device page (RFC 8628 §3.3): a person enters the code that a device shows, and says whether it may have access. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Client, ClientRegistry } from '../clients/registry.ts'
import type { Resources } from '../clients/resources.ts'
import type { BrowserSession } from '../http/browser-session.ts'
import type { Pages } from '../http/pages.ts'
import type { RateLimits } from '../http/rate-limits.ts'
import { formParams, queryParams } from '../http/requests.ts'
import { witnessOf } from '../http/witness.ts'
import type { Params } from '../protocol/params.ts'
import { paths } from '../protocol/paths.ts'
import { formatUserCode, parseUserCode } from '../protocol/user-code.ts'
import type { Session } from '../sessions/sessions.ts'
import type { DeviceCodes, DeviceRequest } from '../tokens/device-codes.ts'
import type { Subjects } from '../tokens/subjects.ts'
import type { Accounts } from '../users/accounts.ts'
import type { Watch } from '../watch/watch.ts'
import { DeviceAnswerPage, DeviceCodePage, DevicePage } from './device-view.tsx'
import type { DeviceProblem } from './device-view.tsx'
import { toClientView, toDeviceReference } from './interaction.ts'
import type { Site } from './layout.tsx'
import { describeResources, nameOf } from './names.ts'

export interface DeviceDependencies {
  pages: Pages
  site: Site
  browserSession: BrowserSession
  deviceCodes: Pick<DeviceCodes, 'findWaiting' | 'allow' | 'deny'>
  subjects: Pick<Subjects, 'of'>
  clients: Pick<ClientRegistry, 'find'>
  resources: Pick<Resources, 'find'>
  accounts: Pick<Accounts, 'findBySub'>
  rateLimits: Pick<RateLimits, 'userCodeAttempt' | 'recordUserCodeFound'>
  watch: Watch
}

const codePurpose = 'device'

export function registerDevice(app: FastifyInstance, dependencies: DeviceDependencies): void {
  const { pages, site, browserSession, deviceCodes, clients, rateLimits, watch } = dependencies
  const action = pages.pathOf('device')

  app.get(paths.device, { config: { isPage: true } }, async (request, reply) => {
    const userCode = parseUserCode(queryParams(request).get('user_code') ?? '')
    if (!(await browserSession.find(request))) return toLogin(reply, userCode)
    return askForCode(request, reply, { userCode })
  })

  app.post(paths.device, { config: { isPage: true } }, async (request, reply) => {
    const form = formParams(request).refuseDuplicates()
    const userCode = parseUserCode(form.get('user_code') ?? '')
    const session = await browserSession.find(request)
    if (!session) return toLogin(reply, userCode)
    if (userCode !== undefined && form.get('decision') !== undefined)
      return answer(request, reply, { form, userCode, session })

    if (!browserSession.isOwnForm(request, form, codePurpose))
      return askForCode(request, reply.code(403), { userCode, problem: { kind: 'expired' } })
    const limit = await rateLimits.userCodeAttempt(request.ip)
    if (!limit.allowed) {
      reply.code(429).header('retry-after', String(limit.retryAfterSeconds))
      return askForCode(request, reply, { userCode, problem: { kind: 'rate-limited', ...limit } })
    }
    const waiting = userCode === undefined ? undefined : await deviceCodes.findWaiting(userCode)
    const client = waiting && (await clients.find(waiting.clientId))
    if (userCode === undefined || !waiting || !client)
      return askForCode(request, reply.code(400), { userCode, problem: { kind: 'unknown' } })
    await rateLimits.recordUserCodeFound(request.ip)
    return confirm(request, reply, { userCode, waiting, client, session })
  })

  function toLogin(reply: FastifyReply, userCode: string | undefined): FastifyReply {
    return reply.redirect(pages.pathOf('login', { request: toDeviceReference(userCode) }), 303)
  }

  function askForCode(
    request: FastifyRequest,
    reply: FastifyReply,
    { userCode, problem }: { userCode: string | undefined; problem?: DeviceProblem },
  ): FastifyReply {
    return pages.send(
      reply,
      <DeviceCodePage
        site={site}
        action={action}
        csrf={browserSession.formToken(request, reply, codePurpose)}
        userCode={userCode === undefined ? undefined : formatUserCode(userCode)}
        problem={problem}
      />,
    )
  }

  /** RFC 8628 §5.4: asked anew for each device, whatever was allowed before, since a stranger may have sent the code. */
  async function confirm(
    request: FastifyRequest,
    reply: FastifyReply,
    {
      userCode,
      waiting,
      client,
      session,
    }: { userCode: string; waiting: DeviceRequest; client: Client; session: Session },
  ): Promise<FastifyReply> {
    const use = { type: 'session.used', clientId: client.clientId, ...session } as const
    witnessOf(request, watch).record(use)
    const [account, resources] = await Promise.all([
      dependencies.accounts.findBySub(session.sub),
      describeResources(dependencies.resources, waiting.resources),
    ])
    return pages.send(
      reply,
      <DevicePage
        site={site}
        action={action}
        csrf={browserSession.formToken(request, reply, answerPurpose(userCode, session))}
        userCode={formatUserCode(userCode)}
        client={toClientView(client)}
        account={nameOf(account, session)}
        scopes={waiting.scope}
        resources={resources}
      />,
    )
  }

  async function answer(
    request: FastifyRequest,
    reply: FastifyReply,
    { form, userCode, session }: { form: Params; userCode: string; session: Session },
  ): Promise<FastifyReply> {
    browserSession.requireOwnForm(request, form, answerPurpose(userCode, session))
    const isAllowed = form.get('decision') === 'allow'
    const counts = isAllowed ? await allow(userCode, session) : await deviceCodes.deny(userCode)
    if (!counts)
      return askForCode(request, reply.code(400), {
        userCode: undefined,
        problem: { kind: 'unknown' },
      })
    return pages.send(reply, <DeviceAnswerPage site={site} isAllowed={isAllowed} />)
  }

  async function allow(userCode: string, session: Session): Promise<boolean> {
    const waiting = await deviceCodes.findWaiting(userCode)
    const client = waiting && (await clients.find(waiting.clientId))
    if (!client) return false
    const subject = dependencies.subjects.of(client, session.sub)
    return deviceCodes.allow(userCode, session, subject)
  }
}

/** The answer is this user's, to this device; so nobody gets here by guessing. */
function answerPurpose(userCode: string, { sid }: Session): string {
  return `device:${userCode}:${sid}`
}
