/** Statements that take the same locks in different orders: Postgres ends one of them, which may begin again. */
import { codeOf } from './errors.ts'

const attempts = 5

/** `work` is a transaction, or one statement, and nothing else. */
export async function retryDeadlocks<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1)
    try {
      return await work()
    } catch (error) {
      if (codeOf(error) !== '40P01' || attempt === attempts) throw error
    }
}
