/** Serves the pages' static files. */
import type { FastifyInstance } from 'fastify'
import type { Assets } from '../http/assets.ts'
import { OAuthError } from '../protocol/errors.ts'
import { paths } from '../protocol/paths.ts'

export function registerAssets(app: FastifyInstance, { assets }: { assets: Assets }): void {
  app.get<{ Params: { file: string } }>(`${paths.assets}/:file`, (request, reply) => {
    const answer = assets.find(request.params.file, request.headers)
    if (!answer) throw new OAuthError('not_found', 'There is no such file.')
    return reply.code(answer.status).headers(answer.headers).send(answer.body)
  })
}
