/** What pages call people and APIs. */
import type { Resources } from '../clients/resources.ts'
import type { Account } from '../users/accounts.ts'

export function nameOf(account: Account | undefined, { sub }: { sub: string }): string {
  return account?.email ?? account?.username ?? sub
}

export function describeResources(
  resources: Pick<Resources, 'find'>,
  asked: readonly string[],
): Promise<{ resource: string; name: string }[]> {
  return Promise.all(
    asked.map(async (resource) => ({
      resource,
      name: (await resources.find(resource))?.name ?? resource,
    })),
  )
}
