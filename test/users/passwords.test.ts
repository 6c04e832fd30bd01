import t from 'tap'
import { OAuthError } from '../../src/protocol/errors.ts'
import { createPasswordHasher, type Argon2 } from '../../src/users/passwords.ts'

const password = 'correct horse battery staple'
const weakHash = // of the password above, with m=8,t=1,p=1
  '$argon2id$v=19$m=8,t=1,p=1$c2l4dGVlbiBieXRlcyBvaw$NbwdtvaXwovGE1OM1+PHFh5g2RaySEEXIWynPz00Nvo'

/** In the place of argon2: work that ends only when told to, and says how much of it runs. */
function createHeldWork() {
  const ends: (() => void)[] = []
  const counts = { running: 0, mostRunning: 0, started: 0 }
  const verified: string[] = []

  async function work(): Promise<void> {
    counts.started += 1
    counts.running += 1
    counts.mostRunning = Math.max(counts.mostRunning, counts.running)
    await new Promise<void>((resolve) => ends.push(resolve))
    counts.running -= 1
  }

  const argon2: Argon2 = {
    async hash() {
      await work()
      return 'a hash'
    },
    async verify(hash) {
      verified.push(hash)
      await work()
      return true
    },
  }
  return { argon2, counts, verified, endOne: () => ends.shift()?.() }
}

/** Lets everything run that waits for nothing. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

t.test('a password is verified against its argon2id hash with m=19456, t=2, p=1', async (t) => {
  const hasher = createPasswordHasher()
  const hash = await hasher.hash(password)
  t.match(hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  t.not(hash, await hasher.hash(password), 'every hash has its own salt')
  t.equal(await hasher.verify(hash, password), true)
  t.equal(await hasher.verify(hash, `${password} `), false)
  t.equal(await hasher.verify(hash, ''), false)
})

t.test('a password written with other code points of the same text is right (NFKC)', async (t) => {
  const hasher = createPasswordHasher()
  const hash = await hasher.hash('Amélie’s ﬁve')
  t.equal(await hasher.verify(hash, 'Ame\u0301lie’s five'), true)
})

t.test('without a hash the same work is done and the answer is no', async (t) => {
  const { argon2, verified, endOne } = createHeldWork()
  const hasher = createPasswordHasher({ argon2 })
  const answer = hasher.verify(undefined, password)
  await settle()
  t.match(verified, [/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/])
  endOne()
  t.equal(await answer, false, 'though the work said yes')
})

t.test('real argon2 can verify against the dummy hash', async (t) => {
  t.equal(await createPasswordHasher().verify(undefined, password), false)
})

t.test('a password over 1024 bytes is wrong after the same work on another one', async (t) => {
  const lengths: number[] = []
  const argon2: Argon2 = {
    hash: async () => 'a hash',
    async verify(hash, bytes) {
      t.not(hash, 'a hash')
      lengths.push(bytes.length)
      return true
    },
  }
  const hasher = createPasswordHasher({ argon2 })
  t.equal(await hasher.verify('a hash', 'x'.repeat(1025)), false)
  t.equal(await hasher.verify('a hash', 'x'.repeat(1_000_000)), false)
  t.same(lengths, [0, 0])
  await t.rejects(hasher.hash('x'.repeat(1025)), RangeError)
})

t.test('a hash made with other parameters wants to be renewed', async (t) => {
  const hasher = createPasswordHasher()
  t.equal(await hasher.verify(weakHash, password), true)
  t.equal(hasher.needsRehash(weakHash), true)
  t.equal(hasher.needsRehash(await hasher.hash(password)), false)
})

t.test('no more hashes run at once than allowed; the others wait their turn', async (t) => {
  const { argon2, counts, endOne } = createHeldWork()
  const hasher = createPasswordHasher({ concurrency: 2, queueLimit: 10, argon2 })
  const finished: number[] = []
  const all = Array.from({ length: 5 }, async (_, index) => {
    await (index % 2 === 0 ? hasher.hash(password) : hasher.verify('a hash', password))
    finished.push(index)
  })
  await settle()
  t.equal(counts.started, 2)
  for (let ended = 0; ended < 5; ended += 1) {
    endOne()
    await settle()
  }
  await Promise.all(all)
  t.equal(counts.started, 5)
  t.equal(counts.mostRunning, 2)
  t.same(finished, [0, 1, 2, 3, 4])
})

t.test(
  'beyond the queue the answer is 503 with Retry-After, until there is room again',
  async (t) => {
    const { argon2, counts, endOne } = createHeldWork()
    const hasher = createPasswordHasher({ concurrency: 1, queueLimit: 1, argon2 })
    const accepted = [hasher.verify('a hash', password), hasher.verify(undefined, password)]
    const error = await hasher.verify('a hash', password).catch((cause: unknown) => cause)
    t.type(error, OAuthError)
    t.match(error, {
      code: 'temporarily_unavailable',
      status: 503,
      headers: { 'Retry-After': '2' },
    })
    t.equal(counts.started, 1, 'what was refused did no work')

    endOne()
    await settle()
    accepted.push(hasher.verify('a hash', password))
    endOne()
    await settle()
    endOne()
    t.same(await Promise.all(accepted), [true, false, true])
  },
)

t.test('work that fails gives its place back', async (t) => {
  const argon2: Argon2 = {
    hash: async () => 'a hash',
    verify: async () => {
      throw new Error('out of memory')
    },
  }
  const hasher = createPasswordHasher({ concurrency: 1, queueLimit: 0, argon2 })
  await t.rejects(hasher.verify('a hash', password), { message: 'out of memory' })
  await t.rejects(hasher.verify('a hash', password), { message: 'out of memory' })
  t.equal(await hasher.hash(password), 'a hash')
})
