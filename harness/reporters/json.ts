import type { Reporter } from '../model/reporter.ts'

/** The result itself; several results become a list. */
export const json: Reporter = {
  id: 'json',
  extension: '.json',
  render: (results) => `${JSON.stringify(results.length === 1 ? results[0] : results, null, 2)}\n`,
}
