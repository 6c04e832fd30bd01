/** What lies between a test's clients and a server, and can be led elsewhere, cut, or made silent. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'tap'

export interface Network {
  /** Where the clients connect. */
  origin: string
  /** New connections go to this server. */
  leadTo(origin: string): void
  /** Breaks all connections off. */
  cut(): void
  /** Nothing arrives any more, and no end of a connection either; only new connections are heard again. */
  silence(isSilent: boolean): void
}

interface Link {
  client: Socket
  server: Socket
  isSilent: boolean
}

export async function createNetwork(t: Test, onData: () => void): Promise<Network> {
  const links = new Set<Link>()
  let port = 0
  let isSilent = false

  const proxy = createServer((client) => {
    const link: Link = { client, server: connect(port, '127.0.0.1'), isSilent }
    const { server } = link
    links.add(link)
    client.on('error', () => {}).on('data', (data) => link.isSilent || server.write(data))
    server
      .on('error', () => {})
      .on('data', (data) => {
        if (link.isSilent) return
        client.write(data)
        onData()
      })
    server.on('close', () => link.isSilent || client.destroy())
    client.on('close', () => {
      server.destroy()
      links.delete(link)
    })
  })

  const cut = () => {
    for (const { client } of links) client.destroy()
  }
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    cut()
    proxy.close()
  })
  return {
    origin: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    leadTo: (origin) => void (port = Number(new URL(origin).port)),
    cut,
    silence(silent) {
      isSilent = silent
      for (const link of links) link.isSilent ||= silent
    },
  }
}
