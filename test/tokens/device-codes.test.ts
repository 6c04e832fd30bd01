import t from 'tap'
import { createDeviceCodeStore } from '../../src/tokens/device-code-store.ts'
import { createDeviceCodes } from '../../src/tokens/device-codes.ts'
import { setUp } from './setup.ts'

async function setUpCodes(random: (below: number) => number) {
  const { database, clock, clientId } = await setUp()
  const deviceCodes = createDeviceCodes({
    store: createDeviceCodeStore(database),
    clock,
    settings: { deviceCodeTtlSeconds: 600, refreshIdleTtlSeconds: 1, refreshTtlSeconds: 1 },
    random,
  })
  return { deviceCodes, request: { clientId, scope: ['openid'], resources: [] } }
}

t.test('a user code that is taken is drawn again', async (t) => {
  const drawn = [...Array(8).fill(0), ...Array(8).fill(0), ...Array(8).fill(1)]
  const { deviceCodes, request } = await setUpCodes(() => drawn.shift())
  const [one, other] = [await deviceCodes.create(request), await deviceCodes.create(request)]
  t.equal(one.userCode, 'BBBBBBBB')
  t.equal(other.userCode, 'CCCCCCCC')
})

t.test('no code is given out twice, however long that takes', async (t) => {
  const { deviceCodes, request } = await setUpCodes(() => 0)
  await deviceCodes.create(request)
  await t.rejects(deviceCodes.create(request), { message: /^no user code is free/ })
})

t.test('the first of all answers counts', async (t) => {
  let draw = 0
  const { deviceCodes, request } = await setUpCodes(() => draw++ % 20)
  const { userCode } = await deviceCodes.create(request)
  t.strictSame(await deviceCodes.findWaiting(userCode), request)
  const answers = await Promise.all(Array.from({ length: 4 }, () => deviceCodes.deny(userCode)))
  t.equal(answers.filter((counts) => counts).length, 1)
  t.equal(await deviceCodes.findWaiting(userCode), undefined)
})
