/** Preloaded into every node: its wall clock is `?seconds=5` ahead, and it ends when its parent has gone. */
process.once('disconnect', () => process.exit(1))

const { searchParams } = new URL(import.meta.url)
const offset = Number(searchParams.get('seconds')) * 1000
const right = Date
const now = () => right.now() + offset

globalThis.Date = new Proxy(right, {
  get: (target, property, receiver) =>
    property === 'now' ? now : Reflect.get(target, property, receiver),
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  apply: () => new right(now()).toString(),
})
