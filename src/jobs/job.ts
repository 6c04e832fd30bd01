/** Background work that the scheduler runs on every node. */
export interface Job {
  name: string
  intervalSeconds: number
  run(): Promise<void>
}
